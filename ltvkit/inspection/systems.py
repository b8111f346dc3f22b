"""What common shop systems export, as data: how a file of theirs is known, and what it needs.

Sources, as read; what they do not say is not claimed here, and is left to `headers`:

- Shopify: "Exporting orders", help.shopify.com/en/manual/fulfillment/managing-orders/
  exporting-orders (headers); "Order format", docs.xbp.app/docs/development/integrations/shopify/
  order-format (a row per line item, columns of the order on its first row, times with an offset);
  "CSV columns for orders in Transporter", help.shopify.com/en/manual/migrating-to-shopify/
  transporter-app/csv-orders (values of Financial Status).
- EC-CUBE 4: the tables it is installed with, github.com/EC-CUBE/ec-cube,
  src/Eccube/Resource/doctrine/import_csv/ja/: dtb_csv.csv (headers of the order CSV),
  mtb_order_status.csv, mtb_order_item_type.csv. Its administrator can choose the columns.
- futureshop: the fields that NEXT ENGINE's manual has a shop choose,
  manual.next-engine.net/main/orders/ord_torikomi-shori/juchu_torikomi/juchu_futureshop2/6334/.
  Not confirmed: the header of the member's number, and how a cancelled order is marked.
- MakeShop: "注文出力用テンプレートの設定", manual.makeshop.jp/hc/ja/articles/33957532168345 (date,
  time, order, 処理状況 and its values). Not confirmed: its headers for members and products.
- BASE: the header line as programs that read the file have it; no page of BASE's own could be
  read. Not confirmed: that 発送状況 is キャンセル for a cancelled order.
- WooCommerce has no order export of its own. Import Export Suite: "Import and Export of
  WooCommerce Orders", woocommerce.com/document/import-and-export-of-woocommerce-orders/. Advanced
  Order Export: headers as programs that read its files have them; each shop can rename them. Not
  confirmed: its words for the status, which follow the shop's language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ltvkit.core.i18n import N_
from ltvkit.ingest import headers


@dataclass(frozen=True)
class System:
    """A system's order export.

    `known_by`: headers that all are in it; `columns`: canonical name -> the headers to take, the
    best first; `policies`: what it needs; `currency`: where it is always one; `notes`: what to
    know.
    """

    name: str
    known_by: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    policies: Mapping[str, Any] = field(default_factory=dict)
    currency: str = ""
    notes: tuple[str, ...] = ()

    def mapping(self, found: Iterable[str]) -> dict[str, str]:
        """Canonical name -> the file's own header, for those that are there."""
        found = list(found)
        taken = {
            n: [headers.match_header(h, found) for h in wanted]
            for n, wanted in self.columns.items()
        }
        return {n: next(filter(None, hits)) for n, hits in taken.items() if any(hits)}


_DISCOUNTS = N_(
    "Amounts are quantity x unit price of the lines: discounts, shipping and refunds that the "
    "export gives for the whole order are not in them."
)

SYSTEMS = (
    System(
        name="Shopify",
        known_by=("Name", "Financial Status", "Created at", "Lineitem quantity", "Lineitem price"),
        columns={
            "customer_id": ("Customer ID", "Email"),
            "order_id": ("Name",),
            "order_date": ("Created at",),
            "quantity": ("Lineitem quantity",),
            "unit_price": ("Lineitem price",),
            "product_id": ("Lineitem sku",),
            "product": ("Lineitem name",),
            "channel": ("Source",),
            "status": ("Financial Status",),
            "currency": ("Currency",),
        },
        policies={
            "fill_down": ("customer_id", "order_date", "status", "channel", "currency"),
            "cancelled_status": ("voided", "refunded"),
        },
        notes=(_DISCOUNTS,),
    ),
    System(
        name="EC-CUBE 4",
        known_by=("注文番号", "会員ID", "受注日", "対応状況(名称)", "個数", "価格"),
        columns={
            "customer_id": ("会員ID",),
            "order_id": ("注文番号",),
            "order_date": ("受注日",),
            "quantity": ("個数",),
            "unit_price": ("価格",),
            "product_id": ("商品コード", "商品ID"),
            "product": ("商品名",),
            "status": ("対応状況(名称)",),
        },
        policies={"cancelled_status": ("注文取消し", "返品", "決済処理中", "購入処理中")},
        currency="JPY",
        notes=(
            N_(
                "Shipping, fees, discounts and points are lines of their own (明細区分) and count "
                "in revenue; where they should not, export the lines of 商品 alone."
            ),
        ),
    ),
    System(
        name="futureshop",
        known_by=("受注コード", "注文日時", "商品番号", "販売単価", "購入数量"),
        columns={
            "order_id": ("受注コード",),
            "order_date": ("注文日時",),
            "quantity": ("購入数量",),
            "unit_price": ("販売単価",),
            "product_id": ("商品番号",),
            "product": ("商品名",),
        },
        currency="JPY",
        notes=(_DISCOUNTS,),
    ),
    System(
        name="MakeShop",
        known_by=("日付", "注文時間", "注文番号", "処理状況"),
        columns={"order_id": ("注文番号",), "order_date": ("日付",), "status": ("処理状況",)},
        policies={"cancelled_status": ("注文キャンセル", "返送")},
        currency="JPY",
    ),
    System(
        name="BASE",
        known_by=("注文ID", "注文日時", "氏(請求先)", "価格", "数量", "発送状況"),
        columns={
            "customer_id": ("メールアドレス(請求先)",),
            "order_id": ("注文ID",),
            "order_date": ("注文日時",),
            "quantity": ("数量",),
            "unit_price": ("価格",),
            "product_id": ("商品コード", "商品ID"),
            "product": ("商品名",),
            "channel": ("購入元",),
            "status": ("発送状況",),
        },
        policies={"cancelled_status": ("キャンセル",)},
        currency="JPY",
        notes=(_DISCOUNTS,),
    ),
    System(
        name="WooCommerce (Advanced Order Export)",
        known_by=("Order Number", "Order Status", "Order Date", "Item Cost"),
        columns={
            "customer_id": ("Customer User ID", "User ID", "Email (Billing)"),
            "order_id": ("Order Number",),
            "order_date": ("Order Date",),
            "amount": ("Order Line Total (- Refund)", "Order Line (w/o tax)", "Order Line Total"),
            "quantity": ("Quantity (- Refund)", "Quantity"),
            "unit_price": ("Item Cost",),
            "product_id": ("SKU", "Item #"),
            "product": ("Item Name", "Name"),
            "category": ("Category",),
            "status": ("Order Status",),
            "currency": ("Order Currency",),
        },
        policies={
            "cancelled_status": ("Cancelled", "Failed", "Refunded"),
        },
    ),
    System(
        name="WooCommerce (Import Export Suite)",
        known_by=("order_id", "order_date", "status", "order_total", "customer_email"),
        columns={
            "customer_id": ("customer_id", "customer_user", "customer_email"),
            "order_id": ("order_id",),
            "order_date": ("order_date",),
            "amount": ("order_subtotal", "order_total"),
            "status": ("status",),
            "currency": ("order_currency",),
        },
        policies={
            "cancelled_status": ("cancelled", "failed", "refunded"),
            "guest_ids": ("0",),
        },
        notes=(N_("One row is a whole order, so products cannot be told apart."),),
    ),
)


def recognise(found: Iterable[str]) -> System | None:
    """The system whose export has these headers; None where it is none of `SYSTEMS`.

    >>> recognise(["日付", "注文時間", "注文番号", "処理状況", "商品名"]).name
    'MakeShop'
    >>> recognise(["date", "amount"])
    """
    found = list(found)
    for system in SYSTEMS:
        if all(headers.match_header(header, found) for header in system.known_by):
            return system
    return None

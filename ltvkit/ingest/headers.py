"""What a header means: the names that order exports give their columns, in Japanese and English.

The table is data. Each canonical column has tiers of headers; the first tier that a file answers
counts, and two different headers of one tier are a question to the user, never a guess.

- `amount`: of the line before of the order. An order's total stands on each of its lines, so that
  it would count once per line; it is taken only where there is neither a line's amount nor
  quantity and unit price.
- Money without tax before money with it: the tax is passed on, the costs that LTV is held against
  come without it, and years across a change of its rate stay comparable.
- `customer_id`: the shop's own number before an account's; an e-mail address is no id (it is
  personal, and changes), and is not proposed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from itertools import chain

from ltvkit.core.personal_data import header_key

# fmt: off
ALIASES: dict[str, tuple[tuple[str, ...], ...]] = {
    "customer_id": (
        ("customer_id", "顧客ID", "顧客番号", "顧客コード", "顧客No", "会員ID", "会員番号",
         "会員コード", "会員No", "お客様ID", "お客様番号", "お客様コード", "購入者ID",
         "customer number", "customer no", "customer code", "client id", "member id",
         "member number", "buyer id", "shopper id"),
        ("得意先コード", "得意先ID", "得意先番号", "取引先コード", "請求先コード", "user id",
         "account id", "account number", "customer user", "customer", "ユーザーID", "ユーザID"),
    ),
    "order_date": (
        ("order_date", "注文日時", "受注日時", "購入日時", "order date time", "order time",
         "order timestamp", "ordered at", "purchased at"),
        ("注文日", "受注日", "購入日", "ご注文日", "お買上日", "お買い上げ日", "注文年月日",
         "受注年月日", "purchase date", "date of order"),
        ("売上日", "売上日時", "売上計上日", "売上日付", "取引日", "伝票日付", "invoice date",
         "transaction date", "sale date", "sales date"),
        ("created at", "date created", "日付", "年月日", "日時", "date", "timestamp"),
    ),
    "amount": (
        ("amount", "明細金額", "明細合計", "行金額", "商品小計", "商品金額", "明細小計",
         "line total", "line amount", "line revenue", "line item total", "item total",
         "item amount", "extended price", "order line", "order line total"),
        ("売上", "売上金額", "売上高", "金額", "購入金額", "販売金額", "revenue", "sales",
         "sales amount", "net sales", "sale amount", "spend"),
        ("小計", "合計", "合計金額", "注文金額", "注文合計", "注文合計金額", "受注金額",
         "受注合計", "商品合計", "商品合計金額", "総合計", "お支払合計", "支払合計", "請求金額",
         "請求合計金額", "subtotal", "total", "order total", "order amount", "order subtotal",
         "total price", "total amount", "grand total"),
    ),
    "quantity": (
        ("quantity", "数量", "個数", "点数", "購入数", "購入数量", "購入個数", "注文数",
         "注文数量", "受注数", "受注数量", "販売数", "販売数量", "qty", "units",
         "item quantity", "order quantity", "lineitem quantity"),
    ),
    "unit_price": (
        ("unit_price", "単価", "販売単価", "商品単価", "販売価格", "item price", "item cost",
         "price per unit", "price each", "lineitem price"),
        ("価格", "商品価格", "price"),
    ),
    "margin": (
        ("margin", "粗利", "粗利額", "粗利益", "粗利益額", "売上総利益", "利益", "利益額",
         "gross margin", "gross profit", "profit", "line margin", "contribution"),
    ),
    "order_id": (
        ("order_id", "注文番号", "注文ID", "注文No", "注文コード", "受注番号", "受注ID",
         "受注No", "受注コード", "オーダー番号", "オーダーID", "order number", "order no",
         "order code"),
        ("伝票番号", "伝票No", "売上番号", "売上伝票番号", "取引番号", "取引ID",
         "invoice number", "invoice no", "invoice id", "transaction id", "transaction number",
         "receipt number"),
    ),
    "product_id": (
        ("product_id", "商品コード", "商品番号", "商品ID", "品番", "商品No", "sku", "sku code",
         "item id", "item number", "item code", "product code", "product number", "product sku",
         "stock code", "lineitem sku", "SKUコード", "独自商品コード"),
        ("JANコード", "JAN", "システム商品コード", "商品管理番号", "item", "barcode", "ean",
         "gtin"),
    ),
    "product": (
        ("product", "商品名", "品名", "商品名称", "アイテム名", "product name", "product title",
         "item name", "lineitem name"),
        ("description", "title", "商品"),
    ),
    "category": (
        ("category", "カテゴリ", "カテゴリー", "カテゴリ名", "カテゴリー名", "商品カテゴリ",
         "商品分類", "分類", "部門", "部門名", "ジャンル", "category name", "product category",
         "product type", "item category"),
    ),
    "channel": (
        ("channel", "流入元", "流入経路", "獲得経路", "参照元", "広告媒体", "媒体", "チャネル",
         "チャンネル", "販売チャネル", "販売経路", "経路", "sales channel",
         "acquisition channel", "source", "traffic source", "utm source", "referrer"),
    ),
    "status": (
        ("status", "ステータス", "注文ステータス", "受注ステータス", "対応状況",
         "対応状況(名称)", "注文状況", "受注状態", "注文状態", "処理状況", "取引状況",
         "order status", "order state", "financial status"),
    ),
    "currency": (
        ("currency", "通貨", "通貨コード", "通貨単位", "currency code", "order currency"),
    ),
}
# fmt: on

# The tier of `amount` whose values stand on every line of an order.
ORDER_TOTALS = 2

_TAX = {
    "excluded": r"税抜き?|税別|外税|本体|excl\w*\.? (?:of )?tax|tax excl\w*|w/o tax|without tax",
    "included": r"税込み?|内税|incl?\w*\.? (?:of )?tax|tax incl\w*|with tax|inc\.? tax",
}
_UNIT = r"円|yen|jpy|¥|\$|usd|€|eur|個|点"
_BRACKETS = r"[(\[【<]\s*(?:{})?\s*[)\]】>]"


def match_header(wanted: str, found: Iterable[str]) -> str | None:
    """The header that `wanted` names: the same text, else the only one of the same key.

    >>> match_header("order date", ["Order_Date", "Total"]), match_header("a b", ["A B", "a-b"])
    ('Order_Date', None)
    """
    found = list(found)
    alike = [h for h in found if h == wanted] or [
        h for h in found if header_key(h) == header_key(wanted)
    ]
    return alike[0] if len(alike) == 1 else None


def match_columns(found: Iterable[str]) -> dict[str, str]:
    """Headers -> canonical name: header, for each that is certain, in the order of `ALIASES`.

    >>> match_columns(["会員番号", "受注日", "税抜金額", "税込金額", "備考"])
    {'customer_id': '会員番号', 'order_date': '受注日', 'amount': '税抜金額'}
    """
    return {name: fits[0] for name, fits in _find_candidates(found).items() if len(fits) == 1}


def find_ambiguous(found: Iterable[str]) -> dict[str, list[str]]:
    """Headers -> canonical name: the headers that fit it equally well.

    >>> find_ambiguous(["会員番号", "顧客番号", "受注日"])
    {'customer_id': ['会員番号', '顧客番号']}
    """
    return {name: fits for name, fits in _find_candidates(found).items() if len(fits) > 1}


def find_tax_basis(header: str) -> str:
    """Whether an amount's header says that tax is "included" or "excluded"; "": it says neither.

    >>> find_tax_basis("売上（税込）"), find_tax_basis("Line (w/o tax)"), find_tax_basis("売上")
    ('included', 'excluded', '')
    """
    found = [basis for basis, words in _TAX.items() if re.search(words, header_key(header))]
    return found[0] if found else ""


def _find_candidates(found: Iterable[str]) -> dict[str, list[str]]:
    known = {header: _normalize(header) for header in found}
    fitting: dict[str, list[str]] = {}
    for name, tiers in ALIASES.items():
        if name == "amount" and _is_priced(known):
            tiers = tiers[:ORDER_TOTALS]
        for tier in tiers:
            names = set(map(_normalize, tier))
            if fits := [h for h, bare in known.items() if bare in names]:
                fitting[name] = _prefer_untaxed(fits, known)
                break
    return fitting


def _is_priced(known: dict[str, str]) -> bool:
    """Whether quantity and unit price are there, which then make the amount."""
    there = set(known.values())
    return all(
        there & {_normalize(alias) for alias in chain(*ALIASES[name])}
        for name in ("quantity", "unit_price")
    )


def _prefer_untaxed(fits: list[str], known: dict[str, str]) -> list[str]:
    """Of headers that differ only in tax, the one without it."""
    if len({known[h] for h in fits}) > 1:
        return fits
    for basis in ("excluded", "", "included"):
        if alike := [h for h in fits if find_tax_basis(h) == basis]:
            return alike
    return fits


@cache
def _normalize(header: str) -> str:
    """A header bare of tax, unit and blanks: 税込金額(円) is 金額, OrderDate is order date."""
    bare = re.sub("|".join(_TAX.values()), "", header_key(header))
    bare = re.sub(_BRACKETS.format(_UNIT), "", bare)
    return bare.replace(" ", "") or header_key(header)

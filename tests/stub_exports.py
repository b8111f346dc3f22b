"""Exports of shop systems, tiny and made by hand from the headers in the systems' documents."""

SHOPIFY = """\
Name,Email,Financial Status,Paid at,Fulfillment Status,Currency,Subtotal,Shipping,Taxes,Total,\
Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Billing Name,Source
#1001,kim@example.com,paid,2024-04-01 10:00:00 +0900,fulfilled,EUR,100.90,0,8.33,100.90,\
2024-04-01 09:59:00 +0900,1,Sencha 100 g,62.95,SEN-100,Kim A,web
#1001,kim@example.com,,,,,,,,,,1,Sencha 50 g,37.95,SEN-50,,
#1002,lee@example.com,refunded,,,EUR,37.95,0,0,37.95,\
2024-04-03 09:59:00 +0900,1,Sencha 50 g,37.95,SEN-50,Lee B,web
"""
ECCUBE = """\
注文ID,注文番号,会員ID,お名前(姓),メールアドレス,小計,合計,対応状況(ID),対応状況(名称),受注日,\
商品ID,商品名,商品コード,価格,個数,税率,明細区分(ID),明細区分(名称)
1,1,0012,山田,a@example.com,2000,2700,5,発送済み,2024-04-01 10:00:00,5,煎茶,s-1,1000,2,10,1,商品
1,1,0012,山田,a@example.com,2000,2700,5,発送済み,2024-04-01 10:00:00,,送料,,500,1,10,2,送料
2,2,,山田,b@example.com,1000,1600,3,注文取消し,2024-04-02 10:00:00,5,煎茶,s-1,1000,1,10,1,商品
"""
FUTURESHOP = """\
受注コード,注文日時,請求合計金額,商品合計金額,氏名(姓),メールアドレス(サブ),会員番号,\
商品番号,商品名,販売単価,購入数量
A1,2024/04/01 10:00:00,3000,2500,山田,a@example.com,M1,T-1,煎茶,1250,2
"""
MAKESHOP = """\
日付,注文時間,注文番号,処理状況,注文者,会員ID,独自商品コード,商品名,販売価格,数量
2024/4/1,103309,P1,配送,山田太郎,yamada,T-1,煎茶,1250,2
2024/4/2,103309,P2,注文キャンセル,山田太郎,yamada,T-1,煎茶,1250,2
"""
BASE = """\
注文ID,注文日時,氏(請求先),名(請求先),電話番号(請求先),メールアドレス(請求先),商品名,価格,税率,\
数量,合計金額,送料,発送状況,商品ID,種類ID,購入元
A1B2,2024-04-01 10:00:00,山田,花子,0312345678,hana@example.com,煎茶,1250,10,2,3000,500,\
発送済み,77,1,ショップ
"""
WOO_ITEMS = """\
Order Number,Order Status,Order Date,First Name (Billing),Email (Billing),SKU,Item Name,\
Quantity (- Refund),Item Cost,Order Line (w/o tax),Order Line Total,Order Total Amount
11,Completed,2024-04-01 10:00,Kim,kim@example.com,S1,Sencha,2,10,20,22,22
12,Cancelled,2024-04-02 10:00,Kim,kim@example.com,S1,Sencha,1,10,10,11,11
"""
WOO_ORDERS = """\
order_id,order_number,order_date,status,order_total,order_subtotal,order_currency,customer_id,\
customer_email,billing_first_name,line_item_1
11,11,9/16/2016  6:29:00,completed,11,10,GBP,3,kim@example.com,Kim,x
12,12,9/17/2016  6:29:00,cancelled,11,10,GBP,3,kim@example.com,Kim,x
"""
# text, customers by, amounts by
EXPORTS = {
    "Shopify": (SHOPIFY, "Email", ("Lineitem quantity", "Lineitem price")),
    "EC-CUBE 4": (ECCUBE, "会員ID", ("個数", "価格")),
    "futureshop": (FUTURESHOP, "会員番号", ("購入数量", "販売単価")),
    "MakeShop": (MAKESHOP, "会員ID", ("数量", "販売価格")),
    "BASE": (BASE, "メールアドレス(請求先)", ("数量", "価格")),
    "WooCommerce (Advanced Order Export)": (
        WOO_ITEMS,
        "Email (Billing)",
        ("Quantity (- Refund)", "Item Cost"),
    ),
    "WooCommerce (Import Export Suite)": (WOO_ORDERS, "customer_id", "order_total"),
}

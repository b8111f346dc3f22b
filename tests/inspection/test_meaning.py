"""What inspect makes of columns that no system is known by: who bought, what is a sale."""

import pandas as pd

from ltvkit.ingest import headers
from ltvkit.inspection import fill_down, keys, parts, statuses, totals

ORDERS = {"order_id": "No", "customer_id": "Id", "order_date": "Day", "amount": "Total"}


def test_a_customer_is_the_shops_number_then_a_mail_then_a_phone():
    head = pd.DataFrame(
        {"Billing Phone": ["1"], "Ship Email": ["x"], "E-mail": ["y"], "Name": ["z"]}
    )
    assert keys.propose_customer(head, {})[0] == {"customer_id": "E-mail"}
    phone = head.drop(columns="E-mail")
    assert keys.propose_customer(phone, {})[0] == {"customer_id": "Billing Phone"}
    nobody = head[["Ship Email", "Name"]]  # a recipient and a name are no key
    assert keys.propose_customer(nobody, {}) == ({}, [], [])
    assert keys.list_mails(["メールキャリア", "注文者メールアドレス", "送付先メール"]) == [
        "注文者メールアドレス"
    ]


def test_a_key_that_many_lines_lack_is_held_against_one_that_they_have():
    head = pd.DataFrame({"会員ID": ["1", None, None], "メール": ["a", "b", "c"]})
    found, [asked], _notes = keys.propose_customer(head, {"customer_id": "会員ID"})
    assert found == {"customer_id": "会員ID"}
    assert asked.otherwise == {"columns": {"customer_id": "メール"}}
    assert keys.find_empty(head.assign(x=" ")) == {"x"}


def test_ids_that_mean_nobody_are_proposed_where_they_come_more_than_once():
    head = pd.DataFrame({"Id": ["0", "0", "7", "guest", "guest"]})
    assert keys.propose_guests(head, ORDERS, {})[0] == {"guest_ids": ["0", "guest"]}
    assert not keys.propose_guests(head.drop_duplicates(), ORDERS, {})[0]
    assert not keys.propose_guests(head, ORDERS, {"guest_ids": ["x"]})[0]


def test_statuses_that_say_nothing_are_asked_about_and_clear_ones_are_not():
    clear = {"paid": "9 orders", "shipped": "1 order"}
    assert statuses.propose_statuses(clear, None) == ({}, [])
    found, [asked] = statuses.propose_statuses({"paid": "9 orders", "Refunded": "1 order"}, None)
    assert found == {"cancelled_status": ["Refunded"]}
    assert asked.otherwise == {"policies": {"cancelled_status": []}}
    found, [asked] = statuses.propose_statuses({"700": "9 orders", "900": "1 order"}, None)
    assert not found
    assert asked.otherwise == {"policies": {"cancelled_status": ["900"]}}


def test_flags_are_excluded_by_the_values_that_mean_yes():
    values = {"is_test": ["false", "true"], "Payment state": ["ok", "failed"], "gift": ["1"]}
    named, policies, asks = statuses.propose_exclusions(values, {}, None)
    assert named == {"is_test": "is_test", "payment_state": "Payment state"}
    assert policies == {"exclude": {"is_test": ["true"], "payment_state": ["failed"]}}
    assert [a.otherwise["policies"]["exclude"] for a in asks] == [
        {"payment_state": ["failed"]},
        {"is_test": ["true"]},
    ]


def test_what_stands_on_the_first_line_of_an_order_is_filled_down():
    head = pd.DataFrame(
        {"No": ["1", "1", "2"], "Id": ["a", "", "b"], "Day": ["d", None, "d"], "Total": 1}
    )
    assert fill_down.propose_fill_down(head, ORDERS) == ["customer_id", "order_date"]
    bare = head.assign(No=["1", "", "2"])
    assert fill_down.propose_fill_down(bare, ORDERS) == ["order_id", "customer_id", "order_date"]
    full = head.assign(Id="a", Day="d")
    assert fill_down.propose_fill_down(full, ORDERS) == []


def test_a_total_with_a_discount_in_it_is_found_by_adding_up():
    head = pd.DataFrame(
        {
            **{"No": list("1123"), "Price": [60, 40, 50, 30], "Qty": 1},
            **{"Shipping": [5, 5, 5, 5], "Tax": [10, 10, 5, 3], "Total": [115, 115, 60, 28]},
        }
    )
    columns = {"order_id": "No", "unit_price": "Price", "quantity": "Qty"}
    mapped, [asked] = totals.find_paid_total(head, columns)
    assert mapped == {"order_total": "Total", "order_shipping": "Shipping", "order_tax": "Tax"}
    assert "33.3% of the orders" in asked.question
    same = head.assign(Total=[115, 115, 60, 38])  # every order adds up: nothing to find
    assert totals.find_paid_total(same, columns) == ({}, [])


def test_a_price_that_grows_with_the_quantity_is_a_lines_total():
    head = pd.DataFrame({"Qty": [1, 2, 3, 1], "Price": [10, 20, 30, 10], "Sku": "x"})
    columns = {"quantity": "Qty", "unit_price": "Price", "product_id": "Sku"}
    [asked] = parts.ask_line_price(head, columns)
    assert asked.otherwise == {"columns": {"amount": "Price", "unit_price": None}}
    assert parts.ask_line_price(head.assign(Price=10), columns) == []


def test_an_order_is_cancelled_where_the_time_of_that_is_filled_and_by_words_of_other_languages():
    values = {"Cancelled At": ["2024-05-02"], "Payment by": ["paid", "failed"], "Zustand": ["x"]}
    named, policies, _asks = statuses.propose_exclusions(values, {}, None)
    assert named == {"cancelled_at": "Cancelled At", "payment_by": "Payment by"}
    assert policies == {"exclude": {"cancelled_at": ["*"], "payment_by": ["failed"]}}
    found, _asks = statuses.propose_statuses({"Versendet": "9", "Storniert": "1"}, None)
    assert found == {"cancelled_status": ["Storniert"]}


def test_headers_are_known_in_german_french_and_polite_japanese():
    german = ["Bestell-Nr.", "Bestelldatum", "Kunden-Nr.", "Gesamtsumme"]
    french = ["N° de commande", "Date de commande", "N° client", "Montant TTC"]
    japanese = ["ご注文No.", "ご注文日", "お得意様コード", "ご注文金額（税込）"]
    for found in (german, french, japanese):
        names = ["customer_id", "order_date", "amount", "order_id"]
        wanted = dict(zip(names, (found[2], found[1], found[3], found[0]), strict=True))
        assert headers.match_columns(found) == wanted


def test_gift_cards_are_found_in_any_column_of_products():
    [asked] = statuses.ask_no_goods(["Mug", "Gift Card $50"], {}, "product_id")
    assert asked.otherwise == {"policies": {"exclude": {"product_id": ["Gift Card $50"]}}}


def test_rows_of_returns_that_are_written_above_zero_are_taken_off():
    head = pd.DataFrame({"区分": ["売上", "返品", "取消"], "Total": ["100", "40", "9"]})
    found = {"区分": ["売上", "返品", "取消"]}
    named, policies, asks = statuses.propose_returns(found, head, ORDERS | {"status": "区分"})
    assert named == {"区分": "区分", "status": None}
    assert policies == {"exclude": {"区分": ["取消"]}, "return_rows": {"区分": ["返品"]}}
    assert [a.key for a in asks] == ["policies.exclude", "policies.return_rows"]
    below = head.assign(Total=["100", "-40", "9"])
    assert "return_rows" not in statuses.propose_returns(found, below, ORDERS)[1]
    paid = {"State": ["Paid", "Refunded"]}  # of orders, not of rows
    assert statuses.propose_returns(paid, head, ORDERS) == ({}, {}, [])


def test_points_and_gift_cards_are_part_of_what_was_paid():
    head = pd.DataFrame(
        {
            **{"Subtotal": [50, 40, 30, 20], "Points Used": [5, 0, 0, 0]},
            **{"Gift Card Amount": [0, 10, 0, 0], "Shipping": [4, 4, 4, 4]},
            "Amount Paid": [49, 34, 34, 24],
        }
    )
    mapped, _asks = parts.propose_parts(head, {"amount": "Amount Paid"}, japanese=False)
    assert {"order_points", "order_gift_card"} <= set(mapped)
    unsaid = head.drop(columns="Subtotal")
    mapped, asks = parts.propose_parts(unsaid, {"amount": "Amount Paid"}, japanese=False)
    assert "order_points" not in mapped
    assert {"columns.order_points", "columns.order_gift_card"} <= {a.key for a in asks}


def test_a_discount_that_is_a_share_of_the_price_is_asked_about_with_its_money():
    head = pd.DataFrame({"Qty": [1, 2], "Price": [100, 50], "Discount %": ["10%", "0%"]})
    columns = {"quantity": "Qty", "unit_price": "Price"}
    [asked] = parts.ask_shares(head, columns)
    assert "about 10" in asked.question
    assert not parts.ask_shares(head.drop(columns="Discount %"), columns)
    assert not parts.ask_shares(head, {"amount": "Price"})


def test_different_amounts_of_an_order_are_not_the_same_for_growing_alike():
    head = pd.DataFrame({"Net": [10, 20], "Gross": [12, 24], "Again": [10.0, 20.0]})
    assert totals.choose_same(head, ["Net", "Again"]) == "Net"
    assert totals.choose_same(head, ["Net", "Gross"]) is None

"""Columns that hold people are found by what they hold, and are in no frame unless declared."""

from __future__ import annotations

import duckdb
import narwhals.stable.v2 as nw
import pandas as pd
import pytest

from ltvkit import orders, quality
from ltvkit.engines import frames
from ltvkit.errors import ColumnError, LtvkitWarning, ParamsError
from ltvkit.ingest import personal_columns
from ltvkit.quality import summary

WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
SURNAMES = ["佐藤", "鈴木", "高橋", "Smith", "Kim"]


def shop(customers: int = 30, **columns) -> pd.DataFrame:
    """Two orders of each customer; each column is made of the customer's and the order's number."""
    rows = [
        {
            "customer_id": f"{c:05d}",
            "order_id": f"{c}-{order}",
            "order_date": f"2024-0{order}-05",
            "amount": 10.0,
            **{name: make(c, order) for name, make in columns.items()},
        }
        for c in range(customers)
        for order in (1, 2)
    ]
    return pd.DataFrame(rows)


PEOPLE = {
    "names": lambda c, _o: f"{SURNAMES[c % 5]} {c}",
    "mails": lambda c, _o: f"c{c}@example.org",
    "wide mails": lambda c, _o: f"Ｃ{c}＠example．jp",
    "telephones": lambda c, _o: f"090-1234-{c:04d}",
    "wide telephones": lambda c, _o: f"０９０－１２３４－{c + 1000}".translate(WIDE),
    "telephones in a text": lambda c, _o: f"電話03-1234-{c:04d}まで",
    "telephones of digits": lambda c, _o: f"0901234{c:04d}",
    "ids": lambda c, _o: f"{c:05d}",
    "ids in another case": lambda c, _o: f" {c:05d} ",
    "ids renamed": lambda c, _o: f"M{900 - c}",
    "titles": lambda c, _o: f"{SURNAMES[c % 5]}{c}様",
    "surnames with titles": lambda c, _o: f"{SURNAMES[c % 5]}{c % 25}様",
    "mostly names": lambda c, o: f"{SURNAMES[c % 5]} {c}" if c % 15 or o > 1 else "a gift",
}
SHOPS_OWN = {
    "region": lambda c, _o: f"region {c % 4}",
    "first shop": lambda c, _o: f"shop {c % 15}",
    "product": lambda c, o: f"tea {(7 * c + o) % 9}",
    "an address of the shop": lambda c, o: "tea from me@example.org" if c % 3 else f"tea {c} {o}",
    "a mention": lambda c, o: f"[@everyone{c}](http://a.b)" if o > 1 else "tea",
    "one mail": lambda c, o: "me@example.org" if c == 3 else f"tea {(c + o) % 9}",
    "sku": lambda c, o: f"{100 + c % 5}-555-{1000 + o}",
    "one product each": lambda c, _o: f"product {c % 12}",
    "note on each order": lambda c, o: f"{c} {o}",
    "jan": lambda c, o: f"49012345{c % 7}678{o}",
    "empty": lambda _c, _o: None,
}


@pytest.mark.parametrize("made", PEOPLE)
def test_a_column_of_people_is_in_no_frame(made):
    raw = shop(x=PEOPLE[made])
    with pytest.warns(LtvkitWarning, match="hold people: channel"):
        book = orders.read(raw, columns={"channel": "x"})
    assert "channel" not in book.lines.columns
    assert len(book.lines) == 60  # nothing else is missing
    checks = quality.check(book, as_of="2024-02-29").set_index("check")
    assert checks.loc["personal_columns", "result"] == "warn"
    assert checks.loc["personal_columns", "figure"].startswith("channel ('x') has ")
    assert "policies: shown" in checks.loc["personal_columns", "meaning"]
    with pytest.raises(ColumnError, match=r"no column 'channel', which this step needs\."):
        frames.lazy(book.lines, needs=("channel",))
    known = orders.read(raw, columns={"channel": "x"}, policies={"shown": ["channel"]})
    assert "channel" in known.lines.columns


@pytest.mark.parametrize("made", SHOPS_OWN)
def test_what_is_the_shops_own_is_shown(made):
    book = orders.read(shop(x=SHOPS_OWN[made]), columns={"channel": "x"})
    assert "channel" in book.lines.columns
    assert book.facts["personal"] == []


@pytest.mark.parametrize(
    "header", ["Recipient", "Buyer", "お客さま", "連絡先", "Ship-to Name", "送付先名"]
)
def test_a_header_of_people_is_enough(header):
    raw = shop(3, **{header: lambda c, _o: "ab"[c % 2]})
    for name in ("channel", "product", "gift"):
        with pytest.warns(LtvkitWarning, match="hold people"):
            book = orders.read(raw, columns={name: header})
        assert name not in book.lines.columns
        assert book.facts["personal"][0]["kind"] == "header"


def test_names_need_customers_who_came_back():
    raw = shop(19, x=PEOPLE["names"])
    assert "channel" in orders.read(raw, columns={"channel": "x"}).lines.columns
    for made in ("mails", "ids"):  # which can be nothing else
        few = shop(3, x=PEOPLE[made])
        with pytest.warns(LtvkitWarning, match="hold people"):
            assert "channel" not in orders.read(few, columns={"channel": "x"}).lines.columns


@pytest.mark.parametrize("sample", ["demo:cdnow", "demo:shop"])
def test_the_samples_hold_nobody_but_customers(sample):
    assert personal_columns.list_hidden(orders.read(sample).facts) == []


def test_what_may_be_shown_is_a_column():
    with pytest.raises(ParamsError, match="Did you mean 'recipient'"):
        orders.read(shop(2), columns={"recipient": "amount"}, policies={"shown": ["recipent"]})
    declared = {"columns": {"gift": "E-mail"}, "policies": {"shown": ["gift"]}}
    raw = shop(3, **{"E-mail": PEOPLE["mails"]})
    assert "gift" in orders.read(raw, **declared).lines.columns


def test_no_id_is_made_of_a_customer_and_a_day():
    raw = pd.concat([shop(4), shop(4)], ignore_index=True)  # two lines a day
    book = orders.read(raw, policies={"same_day": "one_order"})
    ids = book.lines["order_id"]
    assert ids.nunique() == 8
    assert book.lines.groupby(["customer_id", "order_date"])["order_id"].nunique().max() == 1
    for part in (*raw["customer_id"], *raw["order_date"]):
        assert not ids.str.contains(part, regex=False).any()
    assert ids[:2].tolist() == ["line 1", "line 10"]  # the least of the order's lines, as text
    twins = summary.list_duplicates(book)
    assert len(twins) == 8


def find(raw: pd.DataFrame, monkeypatch, **count) -> tuple[list[dict], list[str]]:
    """The columns of people, and those that were measured."""
    measured, measure = [], personal_columns._measure

    def note(lines, columns):
        measured.extend(columns)
        return measure(lines, columns)

    monkeypatch.setattr(personal_columns, "_measure", note)
    connection = duckdb.connect()
    connection.register("raw", raw.assign(order_date=pd.to_datetime(raw["order_date"])))
    lines = nw.from_native(connection.sql("select *, null::varchar as reason from raw")).lazy()
    mapped = {c: c for c in raw.columns if c not in ("customer_id", "order_id", "amount")}
    found = personal_columns.find_personal(lines, mapped, shown=[], **count)
    monkeypatch.undo()
    return found, measured


@pytest.mark.parametrize("customers", [3, 40])
def test_of_many_lines_columns_of_few_values_are_not_measured(customers, monkeypatch):
    made = {**PEOPLE, **SHOPS_OWN, "two mails": lambda c, _o: f"shop{c % 2}@example.org"}
    raw = shop(customers, **made)
    found, measured = find(raw, monkeypatch)
    assert found == find(raw, monkeypatch, count=1)[0]
    few = {"region", "product", "one product each"} if customers > 3 else set()
    assert few.isdisjoint(measured)
    assert {*PEOPLE, "two mails"} <= set(measured)


def test_a_value_that_is_the_id_of_many_customers_is_measured(monkeypatch):
    raw = shop(6, own=lambda _c, _o: "abc")
    ids = ["abc", "Abc", "aBc", "abC", "ABc", "ABC"]  # as policies: fold_ids leaves them
    raw = raw.assign(customer_id=[ids[int(c)] for c in raw["customer_id"]])
    found, measured = find(raw, monkeypatch)
    assert measured == ["own"]
    assert [one["kind"] for one in found] == ["ids"]

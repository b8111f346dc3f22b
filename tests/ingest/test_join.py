"""Exports in several files or sheets: items joined to their orders, a sheet per month."""

import hashlib

import openpyxl
import pandas as pd
import pytest

from ltvkit import orders
from ltvkit.errors import DataError, ParamsError
from ltvkit.ingest import readers
from ltvkit.ingest.policies import Policies
from ltvkit.inspection import proposals

ORDERS = "OrderId,Time,Mail,Total\n1,2024-01-05,a@example.com,250\n2,2024-02-03,b@example.com,90\n"
ITEMS = "OrderId,Item,Price,Qty\n1,Tea,100,2\n 1,Mug,50,1\n2,Tea,100,1\n"
COLUMNS = {
    **{"customer_id": "Mail", "order_id": "OrderId", "order_date": "Time"},
    **{"product": "Item", "unit_price": "Price", "quantity": "Qty", "order_total": "Total"},
}

ON = {"join": "orders.csv", "join_on": "OrderId"}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    (tmp_path / "orders.csv").write_text(ORDERS)
    (tmp_path / "items.csv").write_text(ITEMS)
    return tmp_path


def read(**policies: str):
    return orders.read("items.csv", columns=COLUMNS, policies=policies)


def test_items_have_the_columns_of_their_orders():
    book = read(join="orders.csv", join_on="OrderId")
    lines = book.lines.df().sort_values(["order_id", "amount"], ignore_index=True)
    assert lines[["customer_id", "order_id", "product", "amount"]].to_numpy().tolist() == [
        ["a@example.com", "1", "Mug", 50],
        ["a@example.com", "1", "Tea", 200],
        ["b@example.com", "2", "Tea", 90],
    ]


def test_an_order_without_items_is_kept_and_items_without_an_order_are_counted(folder):
    (folder / "orders.csv").write_text(ORDERS + "3,2024-02-09,c@example.com,70\n")
    (folder / "items.csv").write_text(ITEMS + "9,Pot,500,1\n")
    book = read(join="orders.csv", join_on="OrderId")
    lines = book.lines.df().set_index("order_id")
    assert lines.loc["3", "amount"] == 70
    assert book.quarantine.df()[["line", "reason"]].to_numpy().tolist() == [
        [5, "order_date is missing"]
    ]


def test_orders_of_items_in_several_files_count_once(folder):
    (folder / "orders.csv").write_text(ORDERS + "3,2024-02-09,c@example.com,70\n")
    (folder / "items").mkdir()
    for month, item in (("2024-01", "1,Tea,100,2\n"), ("2024-02", "2,Tea,100,1\n")):
        (folder / "items" / f"{month}.csv").write_text(f"OrderId,Item,Price,Qty\n{item}")
    book = orders.read("items", columns=COLUMNS, policies=ON)
    lines = book.lines.df().sort_values("order_id")
    assert lines[["order_id", "amount"]].to_numpy().tolist() == [["1", 250], ["2", 90], ["3", 70]]


def test_columns_of_one_name_in_both_files_stay_apart(folder):
    (folder / "items.csv").write_text(ITEMS.replace("Price", "total"))
    columns = {**COLUMNS, "unit_price": "total", "order_total": "Total (orders)"}
    lines = orders.read("items.csv", columns=columns, policies=ON).lines.df()
    assert sorted(lines["amount"]) == [50, 90, 200]


def test_a_broken_line_of_the_orders_is_counted_as_such(folder):
    (folder / "orders.csv").write_text(ORDERS + "broken\n")
    left = read(**ON).quarantine.df()
    assert left[["reason", "text"]].to_numpy().tolist() == [
        ["number of fields differs from the header", "broken"]
    ]


def test_a_changed_file_of_orders_is_read_anew(folder):
    book = read(join="orders.csv", join_on="OrderId")
    first = book.lines.df()["amount"].sum()
    digest = hashlib.sha256(ORDERS.encode()).hexdigest()
    assert book.facts["joined"] == [{"file": "orders.csv", "sha256": digest}]
    (folder / "orders.csv").write_text(ORDERS.replace("250", "2500"))
    assert read(join="orders.csv", join_on="OrderId").lines.df()["amount"].sum() == first + 2250


def test_what_cannot_be_joined_is_refused_with_the_remedy(folder):
    with pytest.raises(ParamsError, match="join_on: 'No' is not a header of items"):
        read(join="orders.csv", join_on="No")
    with pytest.raises(ParamsError, match="join and join_on go together"):
        read(join="orders.csv")
    (folder / "orders.csv").write_text(ORDERS + "1,2024-01-05,a@example.com,250\n")
    with pytest.raises(DataError, match=r"1 of the lines of orders\.csv repeat the 'OrderId'"):
        read(join="orders.csv", join_on="OrderId")


def test_what_is_no_file_is_not_joined(folder):
    with pytest.raises(ParamsError, match="join is for files, and the frame is none"):
        orders.read(pd.DataFrame({"OrderId": ["1"]}), policies=ON)
    with pytest.raises(ParamsError, match="join is for files, and a database's table is none"):
        readers.open_source("sqlite:///shop.db", Policies(**ON))


def test_a_sheet_per_month_is_read_as_a_folder_is(folder):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for month in ("2024-01", "2024-02"):
        sheet = book.create_sheet(month)
        sheet.append(["customer_id", "order_id", "order_date", "amount"])
        sheet.append(["a", f"{month}-1", f"{month}-05", 100])
    book.save(folder / "months.xlsx")
    seen = proposals.inspect("months.xlsx")
    assert seen.policies["sheet"] == "*"
    assert "All 2 sheets have the same columns" in seen.checks["policies.sheet"]
    lines = orders.read("months.xlsx", policies={"sheet": "*"}).lines.df()
    assert lines["order_id"].tolist() == ["2024-01-1", "2024-02-1"]
    assert len(orders.read("months.xlsx").lines.df()) == 1

"""A first look at an export: what it says, what it hides, and the params file it leaves."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from stub_exports import EXPORTS

from ltvkit.cli.main import main
from ltvkit.config import params
from ltvkit.core import personal_data, slugs
from ltvkit.inspection import drafts, proposals, result
from ltvkit.quality import summary

pytestmark = pytest.mark.usefixtures("one_thread")

HOME = Path(__file__).parents[2]
NOTEBOOKS = sorted((HOME / "notebooks").glob("*.ipynb"))
JAPANESE = '''\
会員番号,受注日,受注番号,商品名,税抜金額,税込金額,流入元,対応状況,お名前
0017,2024年4月1日,A-1,"煎茶 ""特選""","1,200","1,320",検索,出荷済,山田
0018,2024/4/3,A-2,玉露,△500,△550,紹介,キャンセル,佐藤
0018,2024/4/3,A-3,玉露,一式,550,紹介,出荷済,佐藤
'''
PLAIN = "customer id,order date,amount\n"


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_ROOT", str(HOME))
    monkeypatch.chdir(tmp_path)


def file(text: str, name: str = "mine.csv", encoding: str = "utf-8") -> str:
    Path(name).write_text(text, encoding, newline="")
    return str(Path(name).resolve())


def look(text: str, **how: str) -> result.Inspection:
    return proposals.inspect(file(text, **how))


def call(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["inspect", *arguments])
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def draft(seen: result.Inspection) -> dict:
    Path("draft.yaml").write_text(drafts.write_params(seen, shop="mine"), "utf-8")
    return dict(params.load("draft.yaml", NOTEBOOKS).values)


def test_a_japanese_export_in_cp932_is_understood():
    seen = look(JAPANESE, encoding="cp932")
    assert seen.facts["encoding"] == "cp932"
    assert seen.currency == "JPY"
    assert seen.columns == {
        "customer_id": "会員番号",
        "order_date": "受注日",
        "amount": "税抜金額",
        "order_id": "受注番号",
        "product": "商品名",
        "channel": "流入元",
        "status": "対応状況",
    }
    assert seen.policies == {"cancelled_status": ["キャンセル"]}
    said = drafts.describe(seen)
    for words in ("CP932", "煎茶", "without tax", "2024-04-01", "JPY", "税込金額, お名前"):
        assert words in said
    assert re.search(r"1  amount is unreadable\n +1  cancelled, by status", said)
    for personal in ("0017", "山田", "A-1"):
        assert personal not in said


@pytest.mark.parametrize("name", EXPORTS)
def test_the_export_of_a_system_is_understood(name):
    text, customers, amounts = EXPORTS[name]
    seen = look(text, encoding="utf-8" if text.isascii() else "cp932")
    assert seen.system.name == name
    assert not seen.missing
    assert seen.columns["customer_id"] == customers
    priced = tuple(seen.columns.get(n) for n in ("quantity", "unit_price"))
    read = [seen.columns.get("amount"), priced, seen.columns.get("order_total")]
    assert amounts in read
    said = drafts.describe(seen)
    assert name in said
    assert "example.com" not in said
    said = any(f"told apart by {customers!r}" in note for note in seen.notes)
    assert said == personal_data.is_personal(customers)
    values = draft(seen)
    assert values["columns"] == seen.columns
    assert values["currency"] in ("JPY", "EUR", "GBP", "USD")


def test_what_a_shop_system_needs_is_written_down():
    values = draft(look(EXPORTS["Shopify"][0]))
    filled = ["customer_id", "order_date", "status", "channel", "currency"]
    assert values["policies"]["fill_down"] == filled
    assert values["policies"]["timezone"] == "Asia/Tokyo"
    assert values["policies"]["cancelled_status"] == ["voided", "refunded", "expired"]
    assert values["currency"] == "EUR"


def test_a_draft_has_every_key_of_the_model_with_the_models_comments():
    text = drafts.write_params(look(PLAIN + "1,2024-01-05,10\n"), shop="mine")
    model = (HOME / drafts.MODEL).read_text("utf-8")
    mine, theirs = yaml.safe_load(text), yaml.safe_load(model)
    assert list(mine) == list(theirs)
    assert list(mine["policies"]) == list(theirs["policies"])
    assert mine["policies"]["data_until"] == ""
    assert mine["abc_by"] == ["customer_id"]
    shared = [line for line in model.splitlines() if line.startswith(("kpi", "acq", "  returns"))]
    assert set(shared) <= set(text.splitlines())
    assert max(map(len, text.splitlines())) <= 110


@pytest.mark.parametrize(
    ("dates", "date_format", "asked"),
    [
        (["03/04/2024", "04/05/2024"], "", True),
        (["03/04/2024", "14/05/2024"], "%d/%m/%Y", False),
        (["03/04/2024", "04/15/2024", "soon"], "%m/%d/%Y", False),
        (["3.4.2024 10:00", "31.5.2024 9:30"], "%d.%m.%Y %H:%M", False),
        (["2024-03-04", "2024/3/5"], "", False),
        (["soon", "later"], "", False),
    ],
)
def test_the_order_of_a_dates_parts_is_found_or_asked_about(dates, date_format, asked):
    seen = look(PLAIN + "".join(f"{n},{day},10\n" for n, day in enumerate(dates)))
    values = draft(seen)
    assert values["policies"]["date_format"] == date_format
    assert ("policies.date_format" in seen.checks) == asked
    if asked:
        assert seen.book is None
        for told in (drafts.describe(seen), Path("draft.yaml").read_text("utf-8")):
            assert '"%d/%m/%Y" or "%m/%d/%Y"' in told


@pytest.mark.parametrize(
    ("text", "currency", "sure"),
    [
        (PLAIN + "1,2024-01-05,€10\n", "EUR", True),
        (PLAIN + "1,2024-01-05,10円\n", "JPY", True),
        (PLAIN + "1,2024-01-05,10\n", "USD", False),
        ("顧客ID,注文日,金額\n1,2024-01-05,10\n", "JPY", False),
        ("顧客ID,注文日,金額,通貨\n1,2024-01-05,10,EUR\n", "EUR", True),
        ("顧客ID,注文日,金額,通貨\n1,2024-01-05,10,EUR\n2,2024-01-05,9,USD\n", "EUR", False),
    ],
)
def test_a_currency_that_is_not_said_is_asked_about(text, currency, sure):
    seen = look(text)
    assert (seen.currency, "currency" not in seen.checks) == (currency, sure)


@pytest.mark.parametrize(("amounts", "decimal"), [("1.210,50 11,5", ","), ("1,210 11.5", None)])
def test_a_decimal_comma_is_declared(amounts, decimal):
    rows = "".join(f"{n};2024-01-05;{a}\n" for n, a in enumerate(amounts.split()))
    assert look(PLAIN.replace(",", ";") + rows).policies.get("decimal") == decimal


def test_an_orders_total_on_each_of_its_lines_is_noticed():
    head = "order no,customer,order date,total,item name\n"
    repeated = [f"{n // 2},c{n // 4},2024-01-05,{100 + n // 2},x\n" for n in range(12)]
    seen = look(head + "".join(repeated))
    assert seen.columns["order_total"] == "total"
    assert (
        "6 orders of 3 customers, 615.00 USD. Otherwise: 6 orders of 3 customers, 1,230 USD"
        in (seen.checks["columns.order_total"])
    )
    apart = [f"{n // 2},c{n // 4},2024-01-05,{100 + n},x\n" for n in range(12)]
    assert "columns.order_total" not in look(head + "".join(apart)).checks


def test_what_is_not_found_is_left_to_fill_in():
    seen = look("a,b,c\n1,2,3\n")
    assert seen.missing == ["customer_id", "order_date", "amount"]
    values = draft(seen)
    assert values["columns"] == {"customer_id": "", "order_date": "", "amount": ""}
    text = Path("draft.yaml").read_text("utf-8")
    assert "# Headers of the export: a, b, c" in text
    assert text.count("CHECK: Which column is it?") == 3


def test_two_headers_that_fit_are_both_named():
    seen = look("顧客ID,会員番号,注文日,金額\n1,2,2024-01-05,3\n")
    assert "'顧客ID', '会員番号'" in seen.checks["columns.customer_id"]
    assert draft(seen)["columns"]["customer_id"] == ""


def test_a_column_that_can_be_left_out_is_left_out_until_it_is_chosen():
    seen = look("顧客ID,注文日,金額,商品コード,品番\n1,2024-01-05,3,a,b\n")
    assert seen.book.facts["first"] == "2024-01-05"
    assert set(draft(seen)["columns"]) == {"customer_id", "order_date", "amount"}
    text = Path("draft.yaml").read_text("utf-8")
    assert "# CHECK: product_id: '商品コード', '品番' fit equally well: choose one." in text


def test_titles_above_the_header_are_passed_over():
    seen = look("売上一覧\n4月分\n顧客ID,注文日,金額\n1,2024-04-01,100\n")
    assert seen.policies["header_line"] == 3
    assert seen.headers == ("顧客ID", "注文日", "金額")
    assert seen.book.facts["first"] == "2024-04-01"


ORDERS = [["顧客ID", "注文日", "金額"], ["1", "2024-04-30", 100], ["2", "2024-04-30", 50]]


def workbook(**sheets: list) -> str:
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save("mine.xlsx")
    return str(Path("mine.xlsx").resolve())


@pytest.mark.parametrize(
    ("cover", "rows"),
    [([["メモ"], ["2枚目"]], "rows: 1"), ([], "no table"), ([[], ["メモ"]], "rows: 0")],
)
def test_the_sheet_of_orders_is_found_behind_a_cover(cover, rows):
    seen = proposals.inspect(workbook(表紙=cover, 売上=ORDERS))
    assert seen.policies["sheet"] == draft(seen)["policies"]["sheet"] == "売上"
    assert "policies.sheet" not in seen.checks
    said = drafts.describe(seen)
    assert f"not read: '表紙' ({rows})" in said
    assert "sheet 売上 of 2" in said
    assert seen.book.facts["other_sheets"] == ["表紙"]
    assert ", sheet 売上 of 2." in summary.origin(seen.book)


def test_of_several_sheets_of_orders_one_is_proposed_and_asked_about():
    seen = proposals.inspect(workbook(一月=ORDERS[:2], 二月=ORDERS, メモ=[["x"]]))
    assert seen.policies["sheet"] == "一月"
    assert "'二月' (rows: 2), 'メモ' (rows: 0)" in seen.checks["policies.sheet"]
    assert "CHECK: '一月' is read" in drafts.write_params(seen, shop="mine")


def test_a_workbook_of_one_sheet_has_nothing_to_choose():
    seen = proposals.inspect(workbook(売上=[[], *ORDERS]))
    assert seen.policies == {"header_line": 2}
    assert ", sheet" not in summary.origin(seen.book)


@pytest.mark.parametrize(
    ("written", "fold"),
    [
        (["a7", "a7", "b8"], None),
        (["a7", "ａ７", "b8"], "width"),
        (["a7", "A7", "b8"], "case"),
        (["a7", "Ａ7", "b8"], "both"),
        (["a7", "A7", "ｂ8", "b8"], "both"),
    ],
)
def test_ids_that_fall_together_are_counted_and_not_shown(written, fold):
    seen = look(PLAIN + "".join(f"{i},2024-01-31,10\n" for i in written))
    assert (seen.policies.get("fold_ids"), "policies.fold_ids" in seen.checks) == (fold, bool(fold))
    assert not any(i in drafts.describe(seen) for i in written)
    if fold:
        several = len(written) - len({"a7", "b8"})
        text = (
            f"{several} customer{'s have' if several > 1 else ' has'} ids written in several ways"
        )
        assert seen.checks["policies.fold_ids"].startswith(text)
        assert draft(seen)["policies"]["fold_ids"] == fold
        assert len(seen.book.lines.df()["customer_id"].unique()) == 2


def test_a_status_of_rows_below_zero_is_money_back_and_no_cancelled_order():
    """A sale of 3,000 that came back on a row of its own: left out, it would count as kept."""
    head = "注文番号,顧客番号,注文日,金額,ステータス\n"
    rows = [f"{n},C{n % 9},2024-05-{n:02d},3000,完了\n" for n in range(1, 25)]
    back = [f"{n},C{n % 9},2024-05-{n + 2:02d},-3000,返品\n" for n in range(1, 6)]
    gone = ["90,C1,2024-05-09,3000,キャンセル\n"] * 2
    seen = look(head + "".join([*rows, *back, *gone]))
    assert seen.policies["cancelled_status"] == ["キャンセル"]
    above = look(head + "".join([*rows, *[row.replace("-3000", "3000") for row in back], *gone]))
    assert sorted(above.policies["cancelled_status"]) == ["キャンセル", "返品"]


def test_orders_with_a_day_of_cancellation_that_count_are_counted():
    head = "order id,customer id,order date,amount,status,Cancelled at\n"
    rows = [
        "1,a,2024-01-31,10,paid,\n",
        "2,a,2024-01-31,10,paid,2024-02-01 10:00\n2,a,2024-01-31,5,paid,\n",
        "3,b,2024-01-31,70,cancelled,2024-02-01 10:00\n",
    ]
    asked = look(head + "".join(rows)).checks["policies.cancelled_status"]
    assert "1 order (15.00 USD) has 'Cancelled at' filled" in asked
    for others in (rows[0], rows[0] + rows[2]):
        assert "filled" not in look(head + others).checks.get("policies.cancelled_status", "")


@pytest.mark.parametrize(
    ("last", "end"),
    [
        ("2024-02-28", "2024-02-29"),
        ("2024-02-29", None),
        ("2024-02-21", None),
        ("2024-12-24", "2024-12-31"),
    ],
)
def test_a_last_month_that_may_be_whole_is_asked_about(last, end):
    source = file(PLAIN + f"1,2024-01-05,10\n1,{last},10\n")
    seen = proposals.inspect(source)
    assert ("policies.data_until" in seen.checks) == bool(end)
    if end:
        assert f'write "{end}"' in seen.checks["policies.data_until"]
        early = pd.Timestamp(last).timestamp()
        os.utime(source, (early, early))  # an export from within the month cannot cover it
        assert "policies.data_until" not in proposals.inspect(source).checks


def test_what_would_stop_a_report_is_said():
    rows = [f"{n},2024-01-31,10\n" for n in range(198)]
    broken = "x,soon,10\n"
    for count, asked in ((2, False), (3, True)):
        seen = look(PLAIN + "".join(rows) + broken * count)
        assert ("policies.max_quarantined" in seen.checks) == asked
    assert "3 of 201 lines (1.5%)" in drafts.describe(seen)
    assert draft(seen)["policies"]["max_quarantined"] == 0.01


def test_files_of_other_kinds_in_a_folder_are_named():
    Path("mine").mkdir()
    file("customer id,order date,amount\n1,2024-01-31,10\n", "mine/orders-1.csv")
    file("order date,customer id,amount,coupon\n2024-01-31,1,10,x\n", "mine/orders-2.csv")
    seen = proposals.inspect(str(Path("mine").resolve()))
    assert "source" not in seen.checks
    assert seen.book.facts["lines_read"] == 2
    file("customer id,rank,date\n1,a,2020-01-01\n", "mine/customers.csv")
    seen = proposals.inspect(str(Path("mine").resolve()))
    assert "'customers.csv' has no order date, amount." in seen.checks["source"]
    assert set(seen.columns) == {"customer_id", "order_date", "amount"}
    assert "rank" not in drafts.describe(seen)
    assert "# CHECK: The files have different" in drafts.write_params(seen, shop="mine")


def test_a_file_cannot_steer_the_terminal_or_break_the_draft():
    nasty = 'customer id,order date,amount,status,"x\x1b[31m\ny"\n1,2024-01-05,10,"\x1b]0;\x07",#\n'
    seen = look(nasty)
    assert "\x1b" not in drafts.describe(seen) + drafts.write_params(seen, shop="mine")
    assert draft(seen)["columns"]["status"] == "status"
    missing = look('"a\x1b\n: [","b"\n1,2\n')
    assert draft(missing)["columns"]["amount"] == ""


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("exports/Mine 2024.csv", "mine-2024"),
        ("受注.csv", "my-shop"),
        ("2024.csv", "my-shop"),
        ("a__B.tsv.gz", "a-b"),
        ("../../etc/x.csv", "x"),
        ("", "my-shop"),
    ],
)
def test_a_shops_name_is_a_folder_name(source, name):
    assert drafts.make_slug(source) == slugs.check_shop(name) == name


def test_the_command_shows_writes_and_says_what_next():
    file(PLAIN + "00017,2024-01-05,10\n,2024-01-06,10\n")
    status, said = call("mine.csv", "--out", "mine.yaml", "--shop", "tea")
    assert status == 0
    assert said.endswith(
        "Written: mine.yaml\n"
        "Next:    fill in its lines marked CHECK, then python -m ltvkit report mine.yaml\n"
    )
    assert "1  no customer id (guest)" in said
    assert "00017" not in said
    values = params.load("mine.yaml", NOTEBOOKS).values
    assert (values["shop"], values["title"]) == ("tea", "Tea")
    assert Path(values["source"]) == Path("mine.csv").resolve()


def test_a_file_that_leaves_nothing_to_decide_can_be_reported_at_once():
    file(PLAIN + "1,2024-01-31,€10\n")
    assert call("mine.csv", "--out", "mine.yaml")[1].endswith(
        "\nNext:    python -m ltvkit report mine.yaml\n"
    )
    assert "# CHECK:" not in Path("mine.yaml").read_text("utf-8")


def test_nothing_is_overwritten():
    file(PLAIN + "1,2024-01-05,10\n")
    Path("mine.yaml").write_text("mine", "utf-8")
    status, said = call("mine.csv", "--out", "mine.yaml")
    assert (status, Path("mine.yaml").read_text("utf-8")) == (2, "mine")
    assert "not overwritten" in said
    status, said = call("mine.csv", "--shop", "cdnow")
    assert status == 2
    assert "--out" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing.csv",), "there is no file"),
        (("postgresql://bob:hidden@localhost/shop", "--shop", "My Shop"), "looks like a secret"),
        (("https://shop.example/orders.csv", "--shop", "My Shop"), "on another machine"),
        (("mine.yaml", "--shop", "cdnow"), "is a params file"),
        (("mine.csv", "--shop", "My Shop"), "names a folder"),
        ((), "Missing argument"),
    ],
)
def test_wrong_input_is_one_message_and_leaves_no_file(arguments, words):
    file(PLAIN + "1,2024-01-05,10\n")
    file("shop: mine\n", "mine.yaml")
    status, said = call(*arguments, *(("--out", "new.yaml") if arguments else ()))
    assert status == 2
    assert words in said
    assert "hidden" not in said
    assert not Path("new.yaml").exists()


def test_below_the_project_a_source_is_written_from_there(tmp_path, monkeypatch):
    from ltvkit.core import paths

    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").touch()
    monkeypatch.chdir(tmp_path / "data")
    assert paths.from_root("a.csv") == paths.from_root("./a.csv") == "data/a.csv"
    assert paths.from_root("*.csv") == "data/*.csv"
    assert paths.from_root("demo:cdnow") == "demo:cdnow"


def test_a_project_without_the_model_gets_the_kits_own(tmp_path, monkeypatch):
    seen = look(PLAIN + "1,2024-01-05,10\n")
    draft = drafts.write_params(seen, shop="mine")
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    assert drafts.write_params(seen, shop="mine") == draft
    (tmp_path / "params").mkdir()
    model = (HOME / drafts.MODEL).read_text("utf-8").replace("of keeping one customer", "in pounds")
    (tmp_path / drafts.MODEL).write_text(model, "utf-8")
    assert "in pounds" in drafts.write_params(seen, shop="mine")


def test_a_status_is_asked_about_by_what_the_file_holds():
    head = "order id,customer id,order date,amount,status\n"
    paid, cancelled = "1,a,2024-01-31,10,paid\n", "2,b,2024-01-31,10,cancelled\n"
    asked = look(head + paid + cancelled).checks["policies.cancelled_status"]
    assert asked.startswith(
        "Status 'cancelled' (1 order) counts as cancelled, 'paid' (1 order) does"
    )
    assert "policies.cancelled_status" not in look(head + paid).checks
    codes = paid.replace("paid", "7") + cancelled.replace("cancelled", "9")
    asked = look(head + codes).checks["policies.cancelled_status"]
    assert asked.startswith("No status counts as cancelled ('7' (1 order), '9' (1 order)).")
    assert "2 orders of 2 customers, 20.00 USD. Otherwise: 1 order of 1 customer" in asked
    empty = look(head)
    assert "policies.cancelled_status" not in empty.checks
    assert "has no lines of data" in empty.refusal

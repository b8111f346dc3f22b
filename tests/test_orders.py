from __future__ import annotations

import warnings
from dataclasses import fields

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltvkit import customers, kpis, orders, quality
from ltvkit.engines import frames
from ltvkit.errors import ColumnError, DataError, LtvkitWarning, ParamsError
from ltvkit.ingest import daily
from ltvkit.ingest.book import Orders
from ltvkit.ingest.lines import select_until
from ltvkit.ingest.policies import Policies

pytestmark = pytest.mark.usefixtures("one_thread")


def raw(**columns) -> pd.DataFrame:
    base = {
        "customer_id": ["a", "a", "b", "b"],
        "order_id": ["1", "2", "3", "4"],
        "order_date": ["2024-01-05", "2024/1/9", "20240110", "2024-02-01 13:45:00"],
        "amount": ["10", "1,200", "¥300", "5.5"],
    }
    return pd.DataFrame(base | columns)


def reasons(book: Orders) -> dict[int, str]:
    return dict(zip(book.quarantine["line"], book.quarantine["reason"], strict=True))


def test_values_are_read_and_columns_stand_in_canonical_order():
    lines = orders.read(raw(gift=["y", "n", "y", None]), columns={"wrap": "gift"}).lines
    assert list(lines) == ["customer_id", "order_id", "order_date", "amount", "wrap"]
    assert lines["amount"].tolist() == [10.0, 1200.0, 300.0, 5.5]
    assert lines["order_date"].dt.strftime("%m%d").tolist() == ["0105", "0109", "0110", "0201"]
    assert lines["wrap"].isna().tolist() == [False, False, False, True]


def test_ids_keep_their_zeros_and_lose_only_a_floats_point():
    text = orders.read(raw(customer_id=["007", "NA", " 12 ", "9007199254740993"])).lines
    assert text["customer_id"].tolist() == ["007", "NA", "12", "9007199254740993"]
    number = orders.read(raw(customer_id=[17850.0, 17850.0, 3.0, 4.0])).lines
    assert number["customer_id"].tolist() == ["17850", "17850", "3", "4"]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("order_date", "yesterday", "order_date is unreadable"),
        ("order_date", "03/04/2024", "order_date is unreadable"),
        ("order_date", "2024-02-30", "order_date is unreadable"),
        ("order_date", "24-01-05", "order_date is unreadable"),
        ("order_date", "", "order_date is missing"),
        ("amount", "n/a", "amount is unreadable"),
        ("amount", "1,5", "amount is unreadable"),
        ("amount", "nan", "amount is unreadable"),
        ("amount", "1e999", "amount is unreadable"),
        ("amount", None, "amount is missing"),
        ("order_id", " ", "order_id is missing"),
        ("customer_id", "", "guest: no customer_id"),
    ],
)
def test_an_unusable_line_is_quarantined_with_its_number_reason_and_text(column, value, reason):
    frame = raw()
    frame.loc[2, column] = value
    book = orders.read(frame)
    assert reasons(book) == {3: reason}
    assert len(book.lines) == 3
    kept_as_written = book.quarantine[column].iloc[0]
    assert kept_as_written == value or pd.isna(kept_as_written)


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("△500", -500),
        ("▲500", -500),
        ("−500", -500),
        ("(500)", -500),
        ("1,200円", 1200),
        ("¥1,234.50", 1234.5),
        ("１，２３４", 1234),
    ],
)
def test_money_as_shops_write_it(written, amount):
    frame = raw(amount=["9999", "9999", "9999", written])
    lines = orders.read(frame, policies={"returns": "separate"})
    both = pd.concat([lines.lines, lines.returns])
    assert both.set_index("order_id")["amount"]["4"] == amount


def test_a_declared_date_format_is_the_only_one_read():
    frame = raw(order_date=["03/04/2024", "31/12/2023", "2024-01-01", "01/01/2024"])
    book = orders.read(frame, policies={"date_format": "%d/%m/%Y"})
    assert reasons(book) == {3: "order_date is unreadable"}
    assert book.lines["order_date"].dt.month.tolist() == [4, 12, 1]


def test_a_time_with_a_zone_counts_by_its_day_in_utc():
    times = pd.to_datetime(["2024-02-01 02:30", "2024-02-01 12:30"] * 2).tz_localize("Asia/Tokyo")
    lines = orders.read(raw(order_date=times)).lines
    assert lines["order_date"].dt.day.tolist() == [31, 1] * 2


def test_lines_after_the_last_day_of_the_export_are_quarantined():
    book = orders.read(raw(), policies={"data_until": "2024-01-31"})
    assert reasons(book) == {4: "order_date is after data_until"}
    assert book.facts["until"] == "2024-01-31"


def test_amount_is_quantity_times_unit_price_where_it_is_not_mapped():
    frame = raw(quantity=[2, 1, 1, 3], unit_price=["1.5", "2", "x", ""]).drop(columns="amount")
    book = orders.read(frame)
    assert book.lines["amount"].tolist() == [3.0, 2.0]
    assert reasons(book) == {3: "amount is unreadable", 4: "amount is missing"}


def test_cancelled_orders_by_status_and_by_prefix():
    frame = raw(
        status=["shipped", "cancelled", "shipped", "shipped"], order_id=["1", "2", "C3", "4"]
    )
    book = orders.read(frame, policies={"cancelled_status": ["cancelled"], "cancelled_prefix": "C"})
    assert reasons(book) == {2: "cancelled, by status", 3: "cancelled, by order_id"}


def test_guests_by_empty_id_and_by_a_list():
    book = orders.read(raw(customer_id=["a", None, "0000", "b"]), policies={"guest_ids": ["0000"]})
    assert reasons(book) == {2: "guest: no customer_id", 3: "guest: customer_id means nobody"}


@pytest.mark.parametrize(
    ("policy", "kept", "beside", "refused"),
    [("net", 3, 0, 1), ("separate", 2, 2, 0), ("drop", 2, 0, 2)],
)
def test_returns_policy(policy, kept, beside, refused):
    frame = raw(customer_id=["a", "a", "b", "c"], amount=["10", "-4", "7", "-3"])
    book = orders.read(frame, policies={"returns": policy})
    assert (len(book.lines), len(book.returns), len(book.quarantine)) == (kept, beside, refused)


def test_under_net_a_return_before_any_purchase_belongs_to_a_sale_not_seen():
    frame = raw(customer_id=["a", "a", "b", "b"], amount=["-4", "10", "7", "-7"])
    book = orders.read(frame)
    assert reasons(book) == {1: "return without an earlier purchase in the data"}


@pytest.mark.parametrize(("policy", "kept"), [("keep", 4), ("drop", 3)])
def test_zero_amounts_policy(policy, kept):
    book = orders.read(raw(amount=["10", "0", "7", "3"]), policies={"zero_amounts": policy})
    assert len(book.lines) == kept


def test_orders_without_an_id_are_lines_or_days():
    frame = raw(order_date=["2024-01-05"] * 4).drop(columns="order_id")
    assert orders.read(frame).lines["order_id"].nunique() == 4
    merged = orders.read(frame, policies={"same_day": "one_order"}).lines
    assert merged["order_id"].tolist() == ["line 1"] * 2 + ["line 3"] * 2


def test_exact_duplicates_are_kept_and_shown_with_or_without_order_ids():
    frame = pd.concat([raw(), raw().iloc[[1, 1]]])
    for given_frame in (frame, frame.drop(columns="order_id")):
        book = orders.read(given_frame)
        table = quality.summarize(book, as_of=book.facts["last"])
        row = table[table["status"] == "of which"].iloc[0]
        assert (row["lines"], row["amount"], len(book.lines)) == (2, 2400.0, 6)
        listed = quality.list_duplicates(book)
        assert listed[["amount", "copies"]].to_numpy().tolist() == [[1200.0, 3]]
        assert ("order_id" in listed) == ("order_id" in given_frame)
    assert quality.list_duplicates(orders.read(raw())).empty


def test_what_is_no_order_line_has_no_money():
    more = [("合計", "", "", "1200"), ("", "", "合計", "1200"), ("a", "9", "someday", "50")]
    more = pd.DataFrame(more, columns=["customer_id", "order_id", "order_date", "amount"])
    table = orders.read(pd.concat([raw(), more.reindex(columns=raw().columns)])).quality
    money = table.set_index("reason")["amount"]
    assert pd.isna(money["total row"])
    assert money["order_date is unreadable"] == 50
    assert money["all lines"] == money.drop("all lines").sum() == money["sales"] + 50


@pytest.mark.parametrize(
    ("lost", "said"), [(1, "1 line was left out."), (2, "2 lines were left out.")]
)
def test_the_finding_counts_what_is_quarantined(lost, said):
    frame = raw(amount=["x"] * lost + ["5"] * (4 - lost))
    assert said in quality.finding(orders.read(frame).quality)


def test_frames_come_back_as_the_kind_that_went_in():
    book = orders.read(pl.from_pandas(raw()))
    assert all(isinstance(f, pl.DataFrame) for f in (book.lines, book.returns, book.quarantine))


def test_orders_after_the_reports_last_day_are_counted():
    book = orders.read(raw())
    table = quality.summarize(book, as_of="2024-01-31")
    later = table[table["reason"].str.contains("after")].iloc[0]
    assert (later["lines"], later["amount"]) == (1, 5.5)
    assert len(select_until(book.lines, as_of="2024-01-31")) == 3


def test_unknown_options_are_refused_with_the_nearest():
    with pytest.raises(ParamsError, match="Did you mean 'returns'"):
        orders.read(raw(), policies={"retruns": "net"})
    with pytest.raises(ParamsError, match="Did you mean 'net'"):
        orders.read(raw(), policies={"returns": "nett"})
    with pytest.raises(ParamsError, match="must be a list"):
        orders.read(raw(), policies={"guest_ids": "0000"})
    with pytest.raises(ParamsError, match="is not a date"):
        orders.read(raw(), policies={"data_until": "tomorrow"})
    with pytest.raises(ParamsError, match="the kit's own"):
        orders.read(raw(gift=1), columns={"line": "gift"})


def test_a_header_that_is_not_there_is_refused_with_those_found():
    with pytest.raises(ColumnError, match="Did you mean 'amount'.*customer_id, order_id"):
        orders.read(raw(), columns={"amount": "amout"})
    with pytest.raises(
        ColumnError, match="no column is mapped to customer_id.*Did you mean 'custmer'"
    ):
        orders.read(raw().rename(columns={"customer_id": "custmer"}))


def test_a_source_that_keeps_nothing_says_why():
    with pytest.raises(DataError, match="guest: no customer_id"):
        orders.read(raw(customer_id=[None] * 4))
    with pytest.raises(DataError, match="the frame has no lines of data"):
        orders.read(raw().iloc[:0])


CELLS = {
    "customer_id": st.sampled_from(["a", "b", "", None, "0"]),
    "order_id": st.sampled_from(["1", "2", "C3", ""]),
    "order_date": st.sampled_from(["2024-01-05", "2024-02-01", "??", "", None]),
    "amount": st.sampled_from(["10", "-3", "0", "x", "", "1,000"]),
}
LINE = st.fixed_dictionaries(CELLS)
# Many lines take no longer than one: few examples, half of them long.
ROWS = st.lists(LINE, min_size=1, max_size=30) | st.lists(LINE, min_size=15, max_size=60)


@settings(max_examples=25, deadline=None)
@given(
    rows=ROWS,
    returns=st.sampled_from(["net", "separate", "drop"]),
    zero=st.sampled_from(["keep", "drop"]),
)
def test_every_line_read_is_kept_or_quarantined_in_rows_and_in_money(rows, returns, zero):
    sure = {"customer_id": "a", "order_id": "9", "order_date": "2023-12-31", "amount": "1"}
    frame = pd.DataFrame([sure, *rows], dtype="str")
    book = orders.read(
        frame,
        policies={
            "returns": returns,
            "zero_amounts": zero,
            "guest_ids": ["0"],
            "cancelled_prefix": "C",
        },
    )
    assert len(frame) == len(book.lines) + len(book.returns) + len(book.quarantine)
    table = book.quality.groupby("status")[["lines", "amount"]].sum()
    parts = table.reindex(["kept", "quarantined"]).fillna(0).sum()
    assert parts["lines"] == table.loc["read", "lines"] == len(frame)
    assert parts["amount"] == pytest.approx(table.loc["read", "amount"])
    assert book.lines["amount"].sum() + book.returns["amount"].sum() == pytest.approx(
        table.loc["kept", "amount"]
    )
    assert sorted(book.quarantine["line"]) == book.quarantine["line"].tolist()


def test_guest_ids_are_folded_as_customers_are():
    given = raw(customer_id=["GUEST", "guest", "ＧUEST", "x"])
    book = orders.read(given, policies={"guest_ids": ["Guest"], "fold_ids": "both"})
    assert list(reasons(book).values()) == ["guest: customer_id means nobody"] * 3
    apart = orders.read(given, policies={"guest_ids": ["Guest"]})
    assert len(apart.lines) == 4


@pytest.mark.parametrize("name", ["p", "P", "n", "v", "x", "d", "t"])
def test_a_header_may_be_called_as_the_kit_calls_its_own(name):
    given = raw(order_date=["R6.1.5"] * 4, amount=["1,200円"] * 4).rename(
        columns={"customer_id": name}
    )
    lines = orders.read(given, columns={"customer_id": name}, policies={"fold_ids": "both"}).lines
    assert lines["amount"].tolist() == [1200.0] * 4
    assert lines["order_date"].dt.strftime("%Y-%m-%d").tolist() == ["2024-01-05"] * 4


def test_a_product_beyond_all_numbers_is_no_amount():
    given = raw(quantity=["1e200", "1", "1", "1"], unit_price=["1e200", "2", "3", "4"])
    book = orders.read(given.drop(columns="amount"))
    assert reasons(book) == {1: "amount is unreadable"}
    assert book.lines["amount"].sum() == 9


def test_a_policy_without_its_column_is_refused(tmp_path):
    with pytest.raises(ParamsError, match="cancelled_status needs the column status"):
        orders.read(raw(), policies={"cancelled_status": ["x"]})
    (tmp_path / "rates.csv").write_text("date,currency,rate\n2024-01-01,USD,150\n")
    with pytest.raises(ParamsError, match="rates needs the column currency"):
        orders.read(raw(), policies={"rates": str(tmp_path / "rates.csv")})


def test_columns_that_differ_in_case_only_are_refused():
    with pytest.raises(ParamsError, match="'amount' and 'Amount' differ in case only"):
        orders.read(raw(g=["9"] * 4), columns={"amount": "amount", "Amount": "g"})
    with pytest.raises(ParamsError, match="differ in case only"):
        orders.read(raw(g=["9"] * 4), columns={"Amount": "g"})


@pytest.mark.parametrize(
    "policy",
    [{"encoding": 932}, {"delimiter": 5}, {"date_format": 5}, {"cancelled_prefix": 9}]
    + [{"header_line": n} for n in (0, "2", True, 2.5)]
    + [{"remote": value} for value in ("false", "no", 0, 1, None, [])]
    + [{"max_quarantined": value} for value in ("5%", "0.05", True, None, [0.05])]
    + [{"guest_ids": value} for value in ("0", 5, None, True, [None], ["a", ["b"]], [1.5], {})]
    + [{"checks": value} for value in ("off", None, ["guests"], True)]
    + [{"returns": value} for value in (None, True, ["net"])],
)
def test_a_policy_of_another_type_is_refused(policy):
    with pytest.raises(ParamsError, match=f"policies: {next(iter(policy))}: "):
        orders.read(raw(), policies=policy)


def test_every_policy_has_a_type_that_is_checked():
    for known in fields(Policies):
        for value in (None, object()):
            with pytest.raises(ParamsError, match=f"policies: {known.name}: "):
                Policies(**{known.name: value})


def test_a_refused_policy_says_how_to_write_it():
    def message(**policy) -> str:
        with pytest.raises(ParamsError) as error:
            Policies(**policy)
        return str(error.value)

    assert message(remote="false") == (
        "policies: remote: 'false' must be true or false, without quotes."
    )
    assert message(max_quarantined="5%") == (
        "policies: max_quarantined: '5%' must be a number, without quotes, as 0.05 for 5%."
    )
    assert message(guest_ids=None) == (
        'policies: guest_ids: there is no value. Write a list of texts, as in ["0", guest] or [], '
        "or leave the line out."
    )
    assert message(encoding=932) == 'policies: encoding: 932 must be text, in quotes, as in "932".'
    assert message(sheet=None) == (
        "policies: sheet: there is no value. Write text, in quotes, or leave the line out."
    )


@pytest.mark.parametrize("name", ["columns", "policies"])
@pytest.mark.parametrize("value", [["amount"], "amount", 5])
def test_options_that_are_no_mapping_are_refused(name, value):
    with pytest.raises(ParamsError, match=f"{name}: .* must be a mapping"):
        orders.read(raw(), **{name: value})


@pytest.mark.parametrize(
    "ids", [["0", "b"], ("0", "b"), {"0", "b"}, pd.Series(["0", "b"]), [0, "b"]]
)
def test_a_list_policy_takes_any_collection(ids):
    book = orders.read(raw(customer_id=["a", "a", "0", "b"]), policies={"guest_ids": ids})
    assert set(reasons(book)) == {3, 4}


# --- A frame is spoken to as a frame


def test_a_frame_without_a_required_column_is_told_what_to_give():
    frame = raw().rename(columns={"customer_id": "会員番号", "order_date": "When"})
    with pytest.raises(ColumnError) as error:
        orders.read(frame)
    assert "columns={'customer_id': '会員番号', 'order_date': 'its column'}" in str(error.value)
    assert "params file" not in str(error.value)


def test_a_frame_with_dates_that_cannot_be_read_is_told_the_policy():
    with pytest.raises(DataError, match=r"policies={'date_format': '%d/%m/%Y'}"):
        orders.read(raw(order_date=["03/04/2024"] * 4))


def test_lines_that_count_as_orders_are_warned_of():
    frame = raw().drop(columns="order_id")
    with pytest.warns(LtvkitWarning, match="each of its 4 lines counts.*'same_day': 'one_order'"):
        orders.read(frame)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        orders.read(frame, policies={"same_day": "one_order"})
        orders.read(raw())


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (raw().to_dict(), "dict cannot be read: give a path, or a pandas or Polars frame"),
        (raw()["amount"], "Series cannot be read"),
        (pl.LazyFrame(raw().to_dict("list")), "LazyFrame cannot be read"),
        (None, "NoneType cannot be read"),
        (pd.DataFrame(), "has no columns"),
        (pd.concat([raw(), raw()], axis=1), "several columns of one name"),
        (raw().assign(amount=[1, "2", 3.5, None]), "column amount.*astype"),
        (raw().assign(amount=[1j] * 4), "column amount"),
    ],
)
def test_what_is_no_readable_frame_is_refused(frame, message):
    with pytest.raises(DataError, match=message):
        orders.read(frame)


@pytest.mark.parametrize("compute", [customers.summarize, kpis.series, daily.aggregate_until])
@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_a_raw_frame_given_to_a_concept_is_sent_to_orders_read(compute, kind):
    with pytest.raises(ColumnError, match=r"'order_date' holds text: .*orders.read\(frame\)"):
        compute(kind(raw().to_dict("list")), as_of="2024-02-29")
    dated = raw(order_date=pd.to_datetime(["2024-01-05"] * 4))
    with pytest.raises(ColumnError, match="'amount' holds text"):
        compute(kind(dated.to_dict("list")), as_of="2024-02-29")
    with pytest.raises(ColumnError, match=r"orders.read\(frame, columns={'customer_id'"):
        compute(orders.read(raw()).lines.drop(columns="customer_id"), as_of="2024-02-29")


OWN = (
    "reason",
    "Line",
    "file",
    "text",
    "rows",
    "lines",
    "raw",
    "_line",
    "_FAULT",
    "_text",
    "_file",
)
OWN += ("_none", "_raw_2", "_written", "_sign", "_first", "file_row_number", "copies", "extra", "v")
OWN += ("status (raw)", "reason (raw)", 'a"b', "select", "folder", "filename")


@pytest.mark.parametrize("kind", ["frame", "csv", "folder", "parquet", "filled"])
def test_a_column_named_like_one_of_the_kits_own_is_read(kind, tmp_path):
    frame = raw(amount=["10", "x", "5", "-400"], order_id=["1", "2", "3", "4"])
    frame = frame.assign(**{name: ["q", "r", "s", "t"] for name in OWN})
    policies, source = {}, frame
    if kind == "parquet":
        frame.to_parquet(source := tmp_path / "a.parquet")
    elif kind != "frame":
        frame.to_csv(source := tmp_path / "a.csv", index=False)
    if kind == "folder":
        frame.assign(order_id=["5", "6", "7", "8"]).to_csv(tmp_path / "b.csv", index=False)
        source = tmp_path
    elif kind == "filled":
        policies = {"fill_down": ["customer_id", "order_id"]}
    columns = {f"other_{n}": name for n, name in enumerate(OWN)}
    book = orders.read(source, columns=columns, policies=policies)
    lines = frames.table(frames.lazy(book.lines))
    assert {tuple(sorted(set(lines[c]))) for c in columns} == {("q", "s", "t")}
    quarantine = frames.table(frames.lazy(book.quarantine))
    names = [column.casefold() for column in quarantine]
    assert len(set(names)) == len(names)
    assert (quarantine.loc[0] == "r").sum() == len(OWN)
    assert quarantine["reason"].iloc[0] == "amount is unreadable"
    assert quality.summarize(book, as_of="2024-03-31")["lines"].iloc[0] == len(quarantine) * 4


def test_duplicates_keep_a_column_called_copies():
    book = orders.read(
        pd.concat([raw(copies=["q"] * 4)] * 2), columns={"copies": "copies", "extra": "copies"}
    )
    found = quality.list_duplicates(book)
    assert found["copies"].tolist() == [2] * 4
    assert found["copies (raw)"].tolist() == found["extra"].tolist() == ["q"] * 4

"""Convert orders in several currencies to one by a table of rates, or refuse them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ltvkit.core import paths, personal_data, redaction
from ltvkit.engines import sql, temporary_tables
from ltvkit.engines.connection import connect
from ltvkit.errors import DataError, ParamsError
from ltvkit.ingest.parse import dates, values
from ltvkit.ingest.parse.signs import SIGNS, TOKENS

COLUMNS = ("date", "currency", "rate")
MOST = 10  # currencies that a message names

# Messages on several currencies: by a column, or by the signs beside the amounts.
BY_COLUMN = (
    "the orders are in {n} currencies: {listed}. Give `rates`, a CSV file of date, currency, rate, "
    "or export one currency only."
)
BY_SIGNS = (
    "the amounts are written in several currencies: {listed}. Export one currency only, or map "
    "`currency` to a column that says it of each line, and give `rates`."
)


def read_rates(path: Path) -> pd.DataFrame:
    """A CSV file of date, currency, rate -> the same as timestamps, codes and floats, in order.

    A rate is what one unit of `currency` is worth in the report's currency from that date on; the
    report's own has one line with rate 1. Raises `DataError` naming the line that cannot be used.
    """
    import pyarrow as pa

    options = {"header": None, "dtype": str, "keep_default_na": False, "skip_blank_lines": False}
    try:
        written = pd.read_csv(path, encoding="utf-8-sig", **options).fillna("")
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise _unusable(path, f"the file cannot be read: {redaction.foreign(error)}") from error
    written.columns = written.iloc[0].str.strip().str.lower().tolist()
    if sorted(written.columns) != sorted(COLUMNS):
        raise _unusable(path, f"its columns are {', '.join(map(_quote, written.columns))}")
    written.index += 1
    written = written.iloc[1:][lambda w: w.ne("").any(axis=1)]
    if written.empty:
        raise _unusable(path, "it has no lines")
    texts = pa.schema([(name, pa.string()) for name in COLUMNS])
    table = (
        connect()
        .from_arrow(pa.Table.from_pandas(written, schema=texts, preserve_index=False))
        .project(
            f"{dates.parse_date('date', 'VARCHAR')} as date, "
            f"upper({values.parse_text('currency', 'VARCHAR')}) as currency, "
            f"{values.parse_number('rate', 'VARCHAR')} as rate"
        )
        .df()
    )
    _refuse(path, written, table["date"].isna(), "date is unreadable")
    coded = table["currency"].str.fullmatch("[A-Z]{3}").eq(True)
    _refuse(path, written, ~coded, "currency is no code of three letters")
    _refuse(path, written, ~(table["rate"] > 0), "rate is not a number above 0")
    _refuse(path, written, table.duplicated(["date", "currency"]), "date and currency stand twice")
    return table.sort_values(["currency", "date"], ignore_index=True)


def load_rates(path: str) -> pd.DataFrame | None:
    """The rates in the file that the policies name; None without one."""
    return read_rates(find_rates(path)) if path else None


def find_rates(path: str) -> Path:
    """The file of rates that the policies name; raises `DataError` where there is none."""
    found = paths.resolve(path)
    if not found.is_file():
        raise _unusable(found, f"the file cannot be read: there is none at {found}")
    return found


def convert(relation: Any, table: pd.DataFrame, *, columns: tuple[str, ...]) -> Any:
    """Lines with `currency` and `order_date` -> the same, `columns` in the report's currency.

    The rate is that of the latest date on or before the line's day. Adds `_rated`: false where
    there is none, and `columns` are NULL. As many rows come out as went in, in any order.
    """
    changed = ", ".join(f"{sql.quoted(c)} * _rate as {sql.quoted(c)}" for c in columns)
    known = temporary_tables.add_table(table, like=relation)
    return relation.query(
        "lines",
        f"select * exclude (_rate) replace ({changed}), _rate is not null as _rated "
        f"from (select lines.*, known.rate as _rate from lines asof left join {known} known "
        "on lines.currency = known.currency and lines.order_date >= known.date)",
    )


def refuse_mixture(counts: pd.DataFrame, *, mend: str = BY_COLUMN) -> None:
    """Raise `DataError` where `currency`, `lines` name several currencies; blanks name none.

    >>> refuse_mixture(pd.DataFrame({"currency": ["JPY", "USD"], "lines": [1200, 3]}))
    Traceback (most recent call last):
    ltvkit.errors.DataError: the orders are in 2 currencies: JPY (1,200 lines), USD (3 lines). \
Give `rates`, a CSV file of date, currency, rate, or export one currency only.
    """
    named = counts.dropna(subset="currency").sort_values(["lines", "currency"], ascending=[0, 1])
    if len(named) > 1:
        pairs = zip(named["currency"], named["lines"], strict=True)
        first = [f"{_show(currency)} ({lines:,} lines)" for currency, lines in pairs][:MOST]
        listed = ", ".join(first) + ", ..." * (len(named) > MOST)
        raise DataError(mend.format(n=len(named), listed=listed))


def _show(currency: str) -> str:
    """A currency for a message; what is in its column by mistake may name somebody."""
    known = currency in SIGNS or re.fullmatch(r"[A-Z$]{1,4}", currency)
    return currency if known else redaction.HIDDEN


def detect_sign(column: str) -> str:
    """SQL for the currency's sign beside an amount, as SIGNS names it; NULL where there is none.

    Of two, the code behind the amount: $5 CAD is in CAD.

    >>> import duckdb
    >>> written = duckdb.sql("select unnest(['¥1,200', '1200', '1,200円', '$5 CAD']) as amount")
    >>> written.project(detect_sign("amount") + " as sign").fetchall()
    [('¥',), (None,), ('¥',), ('C$',)]
    """
    name = sql.quoted(column)
    # The first characters that belong to no number: seeking every token costs ten times as much.
    first = f"regexp_extract({name}, {sql.literal(f'[^-+/{values.NUMERALS}]+')})"
    signs = {token.rstrip("./"): sign for token, sign in TOKENS.items()}
    codes = {token: sign for token, sign in TOKENS.items() if re.fullmatch("[A-Z]{3}", token)}
    behind = f"regexp_extract({name}, '[^A-Z]([A-Z]{{3}})$', 1)"
    found = f"coalesce({_choose(behind, codes)}, {_choose(first, signs)})"
    return f"case when try_cast({name} as double) is not null then null else {found} end"


def _choose(text: str, names: Mapping[str, str]) -> str:
    keys, named = (", ".join(map(sql.literal, part)) for part in (names, names.values()))
    return f"map([{keys}], [{named}])[{text}]"


def check_currency(currency: str, facts: Mapping[str, Any]) -> None:
    """Raise `ParamsError` where amounts carry the sign of another currency than `currency`.

    >>> check_currency("USD", {"signs": ["¥"]})
    Traceback (most recent call last):
    ltvkit.errors.ParamsError: currency: 'USD', but the amounts are written with ¥. Write the ...
    """
    codes = {code for used in SIGNS.values() for code in used}
    for known in facts.get("signs", ()):
        if currency in codes - set(SIGNS[known]):
            raise ParamsError(
                f"currency: {currency!r}, but the amounts are written with {known}. Write the "
                "currency that the orders are in."
            )


def _refuse(path: Path, written: pd.DataFrame, bad: pd.Series, reason: str) -> None:
    if bad.any():
        row = written[bad.to_numpy()].iloc[0]
        raise _unusable(path, f"line {row.name}: {reason}: {','.join(map(_quote, row))}")


def _quote(cell: str) -> str:
    """A cell for a message, unless it is more than a day, a number or a word of few letters."""
    known = re.fullmatch(r"[\d./:,+ -]{0,20}|[A-Za-z_]{1,8}", cell)
    return cell if known and personal_data.hide(cell) == cell else redaction.HIDDEN


def _unusable(path: Path, what: str) -> DataError:
    return DataError(
        f"rates {Path(path).name}: {what}. Give the columns date, currency, rate, one line per "
        "date and currency, as 2024-01-05,USD,144.5."
    )

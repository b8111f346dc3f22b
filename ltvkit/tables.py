"""Finished tables as people read them: labels, units and formats.

Rounding happens only here. A table keeps its exact numbers; `show` gives a copy to look at, and
`money`, `share`, `count`, `change` ... give the same formats as strings, for sentences and axes.
"""

from __future__ import annotations

import html
import itertools
import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import pandas as pd
from pandas.api.types import is_integer

from ltvkit.errors import ParamsError, one_of
from ltvkit.i18n import _

N_ = str  # marks a word for the catalogue; it is looked up when it is shown
MISSING, MINUS, MORE = "\N{EN DASH}", "\N{MINUS SIGN}", "\N{HORIZONTAL ELLIPSIS}"
WHOLE_CURRENCIES = ("JPY", "円", "¥", "\N{FULLWIDTH YEN SIGN}", "KRW", "₩", "VND", "₫")
KINDS = ("share", "money", "count")
TEXT_WIDTH, TEXT_ROWS, TEXT_CELL = 100, 20, 40

LABELS = {
    "above": N_("Above"),
    "action": N_("What to do"),
    "age_months": N_("Age (months)"),
    "age_quarters": N_("Age (quarters)"),
    "age_weeks": N_("Age (weeks)"),
    "age_years": N_("Age (years)"),
    "amount": N_("Amount"),
    "average_order_value": N_("Average order value"),
    "before": N_("Before"),
    "category": N_("Category"),
    "channel": N_("Channel"),
    "class": N_("Class"),
    "cohort": N_("Cohort"),
    "cumulative_share": N_("Cumulative share"),
    "customer_id": N_("Customer"),
    "customers": N_("Customers"),
    "customers_share": N_("Share of customers"),
    "decile": N_("Decile"),
    "end": N_("Until"),
    "f_score": N_("F score"),
    "first_order": N_("First order"),
    "gone": N_("Gone"),
    "high": N_("High"),
    "items": N_("Items"),
    "items_share": N_("Share of items"),
    "last_order": N_("Last order"),
    "lines": N_("Order lines"),
    "low": N_("Low"),
    "ltv": N_("LTV per customer"),
    "m_score": N_("M score"),
    "margin": N_("Margin"),
    "measure": N_("Measure"),
    "median_recency_days": N_("Median recency (days)"),
    "new_customers": N_("New customers"),
    "order_date": N_("Order date"),
    "order_id": N_("Order"),
    "orders": N_("Orders"),
    "period": N_("Period"),
    "product": N_("Product"),
    "product_id": N_("Product id"),
    "purchase_days": N_("Purchase days"),
    "quantity": N_("Quantity"),
    "r_score": N_("R score"),
    "rank": N_("Rank"),
    "reason": N_("Reason"),
    "recency_days": N_("Recency (days)"),
    "repeat_rate": N_("Repeat rate"),
    "revenue": N_("Revenue"),
    "revenue_per_customer": N_("Revenue per customer"),
    "revenue_share": N_("Share of revenue"),
    "score": N_("Score"),
    "segment": N_("Segment"),
    "share": N_("Share"),
    "start": N_("From"),
    "status": N_("Status"),
    "tenure_days": N_("Tenure (days)"),
    "up_to": N_("Up to"),
}

# Which columns take which format: the first match wins, so the narrower names come first.
FORMATS = {
    "word": ("action", "before", "class", "measure", "reason", "segment", "status"),
    "bound": ("above", "up_to"),
    "points": ("*_rate_vs_previous", "*_rate_vs_last_year"),
    "change": ("*_vs_previous", "*_vs_last_year", "*_change"),
    "share": ("share", "*_share", "*_rate", "within_*"),
    "money": ("amount", "*revenue*", "*_value", "margin", "*ltv", "low", "high"),
    "count": ("customers", "new_customers", "orders", "lines", "items", "purchase_days"),
    "days": ("*_days",),
    "date": ("start", "end", "*_date", "first_order", "last_order"),
}
GRAINS = {
    "year": r"(19|20)\d\d",
    "quarter": r"\d{4}-Q\d",
    "month": r"\d{4}-\d\d",
    "week": r"\d{4}-W\d\d",
    "day": r"\d{4}-\d\d-\d\d",
}
PATTERNS = {
    "*_vs_previous": N_("{name} vs previous"),
    "*_vs_last_year": N_("{name} vs last year"),
    "within_*": N_("Within {name} days"),
}


def money(x: float, currency: str = "", *, decimals: int | None = None) -> str:
    """An amount of money. Decimals: none for yen and the like, none from 1,000 on, else two.

    >>> money(45.678, "USD"), money(45678.9, "£"), money(45678.9, "円")
    ('45.68 USD', '£45,679', '45,679円')
    """
    if pd.isna(x):
        return MISSING
    digits = number(abs(x), decimals=_decimals([x], currency) if decimals is None else decimals)
    sign = MINUS if x < 0 and _visible(digits) else ""
    if currency and unicodedata.category(currency[-1]) == "Sc":
        return f"{sign}{currency}{digits}"
    glue = " " if currency.isascii() and currency else ""
    return f"{sign}{digits}{glue}{currency}"


def share(x: float, *, decimals: int = 1) -> str:
    """A part of a whole, in percent.

    >>> share(0.1234), share(float("nan")) == MISSING
    ('12.3%', True)
    """
    return MISSING if pd.isna(x) else number(100 * x, decimals=decimals) + "%"


def count(x: float) -> str:
    """How many.

    >>> count(23570)
    '23,570'
    """
    return number(x, decimals=0)


def change(x: float) -> str:
    """A relative change, signed.

    >>> change(0.052), change(0.0), change(-0.031) == MINUS + "3.1%"
    ('+5.2%', '0.0%', True)
    """
    text = share(x)
    return "+" + text if x > 0 and _visible(text) else text


def points(x: float) -> str:
    """A difference of two shares, in percentage points.

    >>> points(0.012)
    '+1.2 pp'
    """
    return MISSING if pd.isna(x) else change(x)[:-1] + " pp"


def number(x: float, *, decimals: int | None = None) -> str:
    """Any other number: with `decimals` places, else four significant digits, integers whole.

    >>> number(0.24259), number(1882), number(12345.6)
    ('0.2426', '1,882', '12,346')
    """
    if pd.isna(x):
        return MISSING
    if decimals is None:
        text = f"{x:,.4g}" if abs(x) < 999.95 else f"{x:,.0f}"
    else:
        text = f"{x:,.{decimals}f}"
    return text.replace("-", MINUS if _visible(text) else "")


def date(x: Any) -> str:
    """A day as year-month-day.

    >>> date(pd.Timestamp("2024-09-30"))
    '2024-09-30'
    """
    return MISSING if pd.isna(x) else f"{x:%Y-%m-%d}"


def label(column: Any, currency: str = "") -> str:
    """A column's name as a reader sees it, with its unit; unknown names stay as they are.

    >>> label("revenue", "USD"), label("revenue_vs_previous"), label("within_30")
    ('Revenue (USD)', 'Revenue vs previous', 'Within 30 days')
    """
    name = str(column)
    for pattern, words in PATTERNS.items():
        if fnmatchcase(name, pattern):
            start, end = pattern.split("*")
            return _(words).format(name=label(name.removeprefix(start).removesuffix(end)))
    words = LABELS.get(name, name.replace("_", " "))
    text = _(words) if words else ""  # gettext answers "" with its own header
    return f"{text} ({currency})" if currency and _format(name) == "money" else text


def value(x: Any, column: str, currency: str = "") -> str:
    """One value as `column` would show it.

    >>> value(0.4, "repeat_rate"), value(45.5, "revenue", "USD"), value(0.05, "orders_vs_previous")
    ('40.0%', '45.50 USD', '+5.0%')
    """
    kind = _format(column) or "number"
    return money(x, currency) if kind == "money" else _cell(x, kind)


def grain(names: Iterable[str]) -> str:
    """What kind of period all `names` are: "day" ... "year"; "month" where they are no periods.

    >>> grain(["1998-W26", "1998-W27"]), grain(["shop", "web"])
    ('week', 'month')
    """
    names = list(map(str, names))
    fitting = [g for g, p in GRAINS.items() if all(re.fullmatch(p, name) for name in names)]
    return fitting[0] if names and fitting else "month"


def width(text: str) -> int:
    """Columns a text takes in a fixed-width font: Japanese characters take two."""
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


@dataclass(frozen=True)
class Display:
    """A table ready to look at: HTML in notebooks and pages, aligned text elsewhere."""

    caption: str
    header: tuple[str, ...]
    body: tuple[tuple[str, ...], ...]
    right: tuple[bool, ...]
    more: int
    notes: tuple[str, ...]

    def _repr_html_(self) -> str:
        body = "".join(self._row("td", row) for row in self.body)
        if self.more:
            cell = f'<td class="ltv-more" colspan="{len(self.header)}"><div align="left">'
            body += f"<tr>{cell}{html.escape(_more_rows(self.more))}</div></td></tr>\n"
        head = f"<thead>\n{self._row('th', self.header)}</thead>\n"
        return (
            f'<table class="ltv-table">\n{self._caption()}{head}<tbody>\n{body}</tbody>\n</table>'
        )

    def _caption(self) -> str:
        notes = f'<span class="ltv-note">({html.escape("; ".join(self.notes))})</span>'
        parts = [html.escape(self.caption)] * bool(self.caption) + [notes] * bool(self.notes)
        return f"<caption>{' '.join(parts)}</caption>\n" if parts else ""

    def _row(self, tag: str, cells: tuple[str, ...]) -> str:
        """Text gets a div of its own, as JupyterLab aligns every cell of a table to the right."""
        scope = ' scope="col"' if tag == "th" else ""
        number = f'<{tag}{scope} class="ltv-number">{{}}</{tag}>'
        text = f'<{tag}{scope} class="ltv-text"><div align="left">{{}}</div></{tag}>'
        shapes = [number if right else text for right in self.right]
        filled = [s.format(html.escape(c)) for s, c in zip(shapes, cells, strict=True)]
        return f"<tr>{''.join(filled)}</tr>\n"

    def __repr__(self) -> str:
        columns = zip(self.header, *self.body[:TEXT_ROWS], strict=True)
        blocks = [_padded(c, right=r) for c, r in zip(columns, self.right, strict=True)]
        ends = itertools.accumulate(width(b[0]) + 2 for b in blocks)
        fit = max(1, sum(end - 2 <= TEXT_WIDTH for end in ends))
        lines = ["  ".join(cells).rstrip() for cells in zip(*blocks[:fit], strict=True)]
        if hidden := self.more + len(self.body[TEXT_ROWS:]):
            lines.append(_more_rows(hidden))
        if fit < len(blocks):
            lines.append(_more_columns(len(blocks) - fit))
        return "\n".join([*[self.caption] * bool(self.caption), *lines, *self.notes])


def show(
    table: pd.DataFrame,
    *,
    currency: str = "",
    caption: str = "",
    kind: str | None = None,
    rows: int | None = None,
    partial: Any = None,
) -> Display:
    """A finished summary table -> a copy to look at, the first `rows` of it.

    Columns named 0, 1, 2, ... (ages of cohorts) need `kind`: "share", "money" or "count".
    `partial` stars what the data cover only in part: a frame stars cells by its boolean columns
    (same names, rows in the same order), one boolean per row stars rows; a column `partial` in
    the table is used like that by itself. Raises `ParamsError` where `kind` is missing or unknown.

    >>> show(pd.DataFrame({"decile": [1, 2], "revenue": [900.0, 30.5]}), currency="USD")
    Decile  Revenue (USD)
         1         900.00
         2          30.50
    """
    flat = _flat(table)
    stars = _stars(flat, partial)
    flat = flat.drop(columns="partial", errors="ignore")
    kinds = [_kind(flat.iloc[:, i], name, kind) for i, name in enumerate(flat.columns)]
    shown = flat.head(len(flat) if rows is None else rows)
    body = list(zip(*_columns(shown, kinds, currency, stars), strict=True))
    return Display(
        caption=caption,
        header=tuple(label(name, currency) for name in flat.columns),
        body=tuple(body),
        right=tuple(k not in ("text", "word", "date", "flag") for k in kinds),
        more=len(flat) - len(shown),
        notes=tuple(_notes(table, body, currency if kind == "money" else "", stars)),
    )


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    """An index that says something becomes the first column."""
    plain = isinstance(table.index, pd.RangeIndex) and table.index.name is None
    flat = table.reset_index(drop=plain)
    return flat.rename_axis(columns=None)


def _stars(flat: pd.DataFrame, partial: Any) -> pd.DataFrame:
    """Booleans in the shape of what is shown; a partial row is starred in its first column."""
    if partial is None:
        partial = flat.get("partial")
    kept = flat.columns.drop("partial", errors="ignore")
    stars = pd.DataFrame(False, index=flat.index, columns=kept)
    if isinstance(partial, pd.DataFrame):
        marks = {str(c): m for c, m in partial.items() if pd.api.types.is_bool_dtype(m)}
        for i, name in enumerate(map(str, kept)):
            if name in marks:
                stars.isetitem(i, marks[name].to_numpy())
    elif partial is not None:
        stars.isetitem(0, pd.Series(partial).to_numpy(dtype=bool))
    return stars


def _columns(
    shown: pd.DataFrame, kinds: list[str], currency: str, stars: pd.DataFrame
) -> list[list[str]]:
    """Every cell as text, column by column. Columns of ages share their number of decimals."""
    ages = [is_integer(name) for name in shown.columns]
    columns = []
    for i, kind in enumerate(kinds):
        values = shown.iloc[:, i]
        like = shown.loc[:, ages].to_numpy().ravel() if ages[i] else values
        decimals = _decimals(like, currency) if kind == "money" else None
        marks = ["*" * star for star in stars.iloc[: len(shown), i]]
        columns.append([_cell(x, kind, decimals) + m for x, m in zip(values, marks, strict=True)])
    return columns


def _kind(values: pd.Series, name: Any, kind: str | None) -> str:
    """The format of a column: its place (an age), else its name, else its type."""
    if is_integer(name):
        if kind is None:
            raise ParamsError(
                f"this table has columns named by numbers ({name}, ...): say what they hold with "
                f"kind='share', kind='money' or kind='count'."
            )
        one_of("kind", kind, KINDS)
        return kind
    if known := _format(name):
        return known
    of_type = pd.api.types.infer_dtype(values, skipna=True)
    return {
        "boolean": "flag",
        "integer": "count",
        "floating": "number",
        "mixed-integer-float": "number",
        "datetime64": "date",
        "datetime": "date",
        "date": "date",
    }.get(of_type, "text")


def _format(name: Any) -> str | None:
    for kind, names in FORMATS.items():
        if any(fnmatchcase(str(name), pattern) for pattern in names):
            return kind
    return None


def _cell(x: Any, kind: str, decimals: int | None = None) -> str:
    if isinstance(x, str):
        return _(LABELS.get(x, x)) if x and kind == "word" else x
    if pd.isna(x):
        return "" if kind in ("text", "word", "bound", "flag") else MISSING
    if kind == "bound":
        return number(x, decimals=0 if x == round(x) else 2) if math.isfinite(x) else ""
    if kind == "money":
        return money(x, decimals=decimals)
    if kind == "flag":
        return _("yes") if x else _("no")
    plain = {"share": share, "change": change, "points": points, "date": date, "number": number}
    other = number if isinstance(x, float) else str
    return {**plain, "count": count, "days": count}.get(kind, other)(x)


def _notes(
    table: pd.DataFrame, body: list[tuple[str, ...]], currency: str, stars: pd.DataFrame
) -> list[str]:
    """What the marks mean, and what the numbered columns are."""
    named = table.columns.name
    if named is None and "cohort" in (flat := _flat(table)):
        named = f"age_{grain(flat['cohort'])}s"
    ages = [name for name in table.columns if is_integer(name)]
    notes = []
    if ages and named is not None:
        text = _("columns {first} to {last}: {what}")
        notes.append(text.format(first=ages[0], last=ages[-1], what=label(named)))
        notes[0] += f", {currency}" * bool(currency)
    if any(MISSING in row for row in body):
        notes.append(f"{MISSING} " + _("not available yet"))
    if stars.head(len(body)).to_numpy().any():
        notes.append("* " + _("partial: the data cover only a part of it"))
    return notes if body else [*notes, _("no rows")]


def _decimals(values: Iterable[Any], currency: str) -> int:
    """How many decimals money takes: one decision per column, so that its points line up."""
    if currency in WHOLE_CURRENCIES:
        return 0
    return 0 if any(abs(x) >= 999.995 for x in values if not pd.isna(x)) else 2


def _visible(text: str) -> bool:
    """Whether anything is left after rounding: a rounded nothing takes no sign."""
    return any(digit in text for digit in "123456789")


def _more_rows(n: int) -> str:
    text = _("{n} more rows") if n > 1 else _("{n} more row")
    return f"{MORE} {text.format(n=n)}"


def _more_columns(n: int) -> str:
    text = _("{n} more columns") if n > 1 else _("{n} more column")
    return f"{MORE} {text.format(n=n)}"


def _padded(cells: Iterable[str], *, right: bool) -> list[str]:
    """Cells of one width, as a fixed-width font shows them."""
    cells = [_clipped(cell) for cell in cells]
    widest = max(map(width, cells))
    pads = [" " * (widest - width(cell)) for cell in cells]
    return [p + c if right else c + p for p, c in zip(pads, cells, strict=True)]


def _clipped(text: str) -> str:
    text = " ".join(text.split())
    if width(text) <= TEXT_CELL:
        return text
    ends = list(itertools.accumulate(map(width, text)))
    return text[: sum(end < TEXT_CELL for end in ends)] + MORE

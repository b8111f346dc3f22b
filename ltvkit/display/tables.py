"""Tables as readers see them: labelled and rounded copies of tables that keep exact numbers.

Labels and formats are those of `formats`, by the names of the columns.
"""

import html
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_integer, is_numeric_dtype

from ltvkit.core import redaction
from ltvkit.core.i18n import _
from ltvkit.display import formats, joining
from ltvkit.display.texts import fill
from ltvkit.errors import ParamsError, one_of

__all__ = ["Display", "show"]

__dir__ = __all__.copy

MORE = "\N{HORIZONTAL ELLIPSIS}"
TEXT_WIDTH, TEXT_ROWS, TEXT_CELL = 100, 20, 40
LONGEST = 300  # characters of a cell
LEFT = ("text", "word", "plain", "stage", "date")  # aligned left; all other formats are numbers


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
        caption = html.escape(self.caption)
        if notes := joining.clauses([*self.notes, *_hidden(self.more)]):
            aside = joining.aside("", html.escape(notes))
            caption += f' <span class="ltv-note">{aside.strip()}</span>'
        body = "".join(_row("td", row, self.right) for row in self.body)
        head = f"<thead>\n{_row('th', self.header, self.right)}</thead>\n"
        caption = f"<caption>{caption.strip()}</caption>\n" if caption else ""
        return f'<table class="ltv-table">\n{caption}{head}<tbody>\n{body}</tbody>\n</table>'

    def __repr__(self) -> str:
        return self.text()

    def text(self, *, cell: int = TEXT_CELL, whole: bool = False) -> str:
        """The table in a fixed-width font, each cell up to so many characters; or `whole`."""
        rows = self.body if whole else self.body[:TEXT_ROWS]
        columns = zip(self.header, *rows, strict=True)
        most = LONGEST if whole else cell
        blocks = [_padded(c, right=r, most=most) for c, r in zip(columns, self.right, strict=True)]
        ends = itertools.accumulate(formats.width(b[0]) + 2 for b in blocks)
        fit = len(blocks) if whole else max(1, sum(end - 2 <= TEXT_WIDTH for end in ends))
        lines = ["  ".join(cells).rstrip() for cells in zip(*blocks[:fit], strict=True)]
        hidden = _hidden(self.more + len(self.body) - len(rows), len(blocks) - fit)
        lines += [f"({text})" for text in hidden]
        notes = joining.clauses(self.notes)
        lines += [f"({notes})" if self.body else notes] * bool(notes)
        return "\n".join([*[formats.line(self.caption)] * bool(self.caption), *lines])


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
    flat = table.reset_index(drop=not any(table.index.names)).rename_axis(columns=None)
    stars = _stars(flat, partial).iloc[:rows]
    cohorts = flat.get("cohort")
    ages = table.columns.name or (cohorts is not None and f"age_{formats.grain(cohorts)}s")
    flat = flat.drop(columns="partial", errors="ignore")
    kinds = [_kind(flat.iloc[:, i], name, kind) for i, name in enumerate(flat.columns)]
    shown = flat.iloc[:rows]
    body = list(zip(*_columns(shown, kinds, currency, stars), strict=True))
    return Display(
        caption=caption and _(caption),
        header=tuple(_shown(formats.label(name, currency)) for name in flat.columns),
        body=tuple(body),
        right=tuple(k not in LEFT for k in kinds),
        more=len(flat) - len(shown),
        notes=tuple(_notes(flat, body, stars, ages, currency if kind == "money" else "")),
    )


def _stars(flat: pd.DataFrame, partial: Any) -> pd.DataFrame:
    """Booleans in the shape of what is shown; a partial row is starred in its first column."""
    marks = flat.get("partial") if partial is None else partial
    names = map(str, flat.columns.drop("partial", errors="ignore"))
    stars = pd.DataFrame(False, index=flat.index, columns=names)
    if isinstance(marks, pd.DataFrame):
        cells = marks.rename(columns=str).select_dtypes("bool").reset_index(drop=True)
        stars = cells.reindex(columns=stars.columns, fill_value=False)
    elif marks is not None:
        stars.isetitem(0, pd.Series(marks).to_numpy(dtype=bool))
    return stars


def _kind(values: pd.Series, name: Any, kind: str | None) -> str:
    """The format of a column: that of its place (an age), else of its name, else of its type."""
    if not is_integer(name):
        typed = is_numeric_dtype(values) and not is_bool_dtype(values)
        return formats.kind(name) or ("number" if typed else "text")
    if kind is None:
        raise ParamsError(
            f"this table has columns named by numbers ({name}, ...): say what they hold with "
            f"kind='share', kind='money' or kind='count'."
        )
    one_of("kind", kind, ("share", "money", "count"))
    return kind


def _columns(
    shown: pd.DataFrame, kinds: list[str], currency: str, stars: pd.DataFrame
) -> list[list[str]]:
    """Every cell as text, column by column. Columns of ages share their number of decimals."""
    ages = [is_integer(name) for name in shown.columns]
    columns = []
    for i, kind in enumerate(kinds):
        values = shown.iloc[:, i]
        like = shown.loc[:, ages].to_numpy().ravel() if ages[i] else values
        decimals = formats.money_decimals(like, currency) if kind == "money" else None
        texts = [_shown(formats.cell(x, kind, decimals=decimals)) for x in values]
        columns.append([x + "*" * star for x, star in zip(texts, stars.iloc[:, i], strict=True)])
    return columns


def _shown(cell: str) -> str:
    """A text without invisible characters, cut to `LONGEST`; files hold all of it."""
    return _cut(formats.line(cell[: 2 * LONGEST]), LONGEST)


def _cut(text: str, most: int) -> str:
    """A text of at most `most` characters; what would not be known once it is cut is masked."""
    return text if len(text) <= most else redaction.mask_figures(text)[: most - 1] + MORE


def _notes(
    flat: pd.DataFrame, body: list[tuple[str, ...]], stars: pd.DataFrame, ages: Any, currency: str
) -> list[str]:
    """What the marks and the numbered columns mean, or that the table is empty."""
    if not body:
        return [_("There is nothing to show.")]
    numbered = [name for name in flat.columns if is_integer(name)]
    notes = []
    if numbered and ages:
        what = formats.label(ages) + f", {currency}" * bool(currency)
        notes.append(fill("numbered", first=numbered[0], last=numbered[-1], what=what))
    if any(formats.MISSING in row for row in body):
        divided = _is_divided(flat.iloc[: len(body)])
        words = _("not available, or divided by zero") if divided else _("not available")
        notes.append(f"{formats.MISSING} {words}")
    if stars.to_numpy().any():
        notes.append("* " + _("partial: the data cover only a part of it"))
    return notes


def _is_divided(shown: pd.DataFrame) -> bool:
    """Whether a figure is infinite; the end of a range may be."""
    figures = shown.select_dtypes("number")
    figures = figures[[name for name in figures if formats.kind(name) != "bound"]]
    return bool(np.isinf(figures.to_numpy(dtype=float, na_value=np.nan)).any())


def _row(tag: str, cells: Iterable[str], right: Iterable[bool]) -> str:
    """Text gets a div of its own, as JupyterLab aligns every cell of a table to the right."""
    number = f'<{tag} class="ltv-number">{{}}</{tag}>'
    text = f'<{tag} class="ltv-text"><div align="left">{{}}</div></{tag}>'
    pairs = zip(cells, right, strict=True)
    filled = [(number if r else text).format(html.escape(cell)) for cell, r in pairs]
    return f"<tr>{''.join(filled)}</tr>\n"


def _hidden(rows: int, columns: int = 0) -> list[str]:
    hidden = {"more_rows": rows, "more_columns": columns}
    return [fill(name, n=n) for name, n in hidden.items() if n > 0]


def _padded(cells: Iterable[str], *, right: bool, most: int) -> list[str]:
    """Cells of one width, as a fixed-width font shows them."""
    cells = [formats.line(cell) for cell in cells]
    cells = [_cut(cell, most) for cell in cells]
    widest = max(map(formats.width, cells))
    pads = [" " * (widest - formats.width(cell)) for cell in cells]
    return [p + c if right else c + p for p, c in zip(pads, cells, strict=True)]

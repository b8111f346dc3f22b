"""A small line of a key figure over the last months: as SVG in the page, as table cells in mail."""

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from ltvkit.core.i18n import _
from ltvkit.display import formats

MONTHS = 25  # as many as show the same month three times
WIDTH, HEIGHT, EDGE = 200, 36, 4
STEP, INK, LAST = 5, "#8fa7bd", "#1f4e79"  # of a month in mail: pixels, colours


class Line(NamedTuple):
    """Points by month (0: the first shown), how many months, and the main facts in words."""

    points: dict[int, tuple[float, float]]
    months: int
    label: str


def draw(values: Sequence[float], names: Sequence[str], *, measure: str, currency: str = "") -> str:
    """Values by month, and the months' names -> SVG, with its main facts as a label.

    A month that is not known breaks the line; with fewer than two known ones there is no line ("").

    >>> draw([1.0], ["2024-08"], measure="orders")
    ''
    >>> print(draw([1.0, 3.0], ["2024-08", "2024-09"], measure="orders").split('aria-label="')[1])
    August 2024 to September 2024, from 1 (August 2024) to 3 (September 2024)"><path \
d="M4.0,32.0L196.0,4.0"/><path class="end" d="M196.0,4.0h.01"/></svg>
    """
    line = _place_all(values, names, measure=measure, currency=currency)
    if line is None:
        return ""
    points = line.points
    path = "".join(
        f"{'L' if n - 1 in points else 'M'}{x:.1f},{y:.1f}"
        + "h.01" * (n - 1 not in points and n + 1 not in points)  # a point by itself
        for n, (x, y) in points.items()
    )
    x, y = points[max(points)]
    return (
        f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(line.label)}"><path d="{path}"/>'
        f'<path class="end" d="M{x:.1f},{y:.1f}h.01"/></svg>'
    )


def draw_cells(
    values: Sequence[float], names: Sequence[str], *, measure: str, currency: str = ""
) -> str:
    """The same line for mail, as a table with a cell per month, whose upper edge is its height.

    Mail programs show neither SVG nor pictures inside a page. Block characters come from several
    fonts on Windows, in several heights and widths. Tables are drawn alike by all of them.

    >>> draw_cells([1.0], ["2024-08"], measure="orders")
    ''
    >>> draw_cells([1.0, 3.0], ["2024-08", "2024-09"], measure="orders").count("height:32px")
    1
    """
    line = _place_all(values, names, measure=measure, currency=currency)
    if line is None:
        return ""
    last = max(line.points)
    cells = (
        _draw_month(line.points[n][1], LAST if n == last else INK)
        if n in line.points
        else f'<td width="{STEP}"></td>'
        for n in range(line.months)
    )
    return (
        '<table role="img" cellpadding="0" cellspacing="0" border="0" '
        f'aria-label="{escape(line.label)}"><tr valign="bottom">{"".join(cells)}</tr></table>'
    )


def _draw_month(y: float, colour: str) -> str:
    """A table by itself, as cells of one row are all as high as the highest."""
    style = f"height:{HEIGHT - y:.0f}px;border-top:3px solid {colour};font-size:1px;line-height:1px"
    return (
        f'<td width="{STEP}"><table cellpadding="0" cellspacing="0" border="0"><tr>'
        f'<td width="{STEP}" style="{style}">&nbsp;</td></tr></table></td>'
    )


def _place_all(
    values: Sequence[float], names: Sequence[str], *, measure: str, currency: str
) -> Line | None:
    """The points of the last months, without those that are not known; None: fewer than two."""
    values, names = list(values)[-MONTHS:], list(names)[-MONTHS:]
    known = [n for n, x in enumerate(values) if not formats.is_missing(x)]
    if len(known) < 2:
        return None
    low, high = (pick(known, key=lambda n: values[n]) for pick in (min, max))
    points = {n: _place(n, values[n], len(values), values[low], values[high]) for n in known}
    label = _("{first} to {last}, from {low} ({then}) to {high} ({when})").format(
        first=formats.month(names[0]),
        last=formats.month(names[-1]),
        low=formats.value(values[low], measure, currency),
        then=formats.month(names[low]),
        high=formats.value(values[high], measure, currency),
        when=formats.month(names[high]),
    )
    return Line(points, len(values), label)


def _place(n: int, value: float, count: int, low: float, high: float) -> tuple[float, float]:
    """Where a value is drawn, from left to right, the highest on top; alike: in the middle."""
    x = EDGE + (WIDTH - 2 * EDGE) * n / (count - 1)
    part = (value - low) / (high - low) if high > low and math.isfinite(high - low) else 0.5
    return x, HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * part

"""A small line of a key figure over the last months, as SVG in the page: no script, no file."""

import math
from collections.abc import Sequence
from html import escape

from ltvkit.core.i18n import _
from ltvkit.display import formats

MONTHS = 25  # as many as show the same month three times
WIDTH, HEIGHT, EDGE = 200, 36, 4


def draw(values: Sequence[float], names: Sequence[str], *, measure: str, currency: str = "") -> str:
    """Values by month, and the months' names -> SVG, with its main facts as a label.

    A month that is not known breaks the line; with fewer than two known ones there is no line ("").

    >>> draw([1.0], ["2024-08"], measure="orders")
    ''
    >>> print(draw([1.0, 3.0], ["2024-08", "2024-09"], measure="orders").split('aria-label="')[1])
    August 2024 to September 2024, from 1 (August 2024) to 3 (September 2024)"><path \
d="M4.0,32.0L196.0,4.0"/><path class="end" d="M196.0,4.0h.01"/></svg>
    """
    values, names = list(values)[-MONTHS:], list(names)[-MONTHS:]
    known = [n for n, x in enumerate(values) if not formats.is_missing(x)]
    if len(known) < 2:
        return ""
    low, high = (pick(known, key=lambda n: values[n]) for pick in (min, max))
    points = {n: _place(n, values[n], len(values), values[low], values[high]) for n in known}
    path = "".join(
        f"{'L' if n - 1 in points else 'M'}{x:.1f},{y:.1f}"
        + "h.01" * (n - 1 not in points and n + 1 not in points)  # a point by itself
        for n, (x, y) in points.items()
    )
    x, y = points[known[-1]]
    label = _("{first} to {last}, from {low} ({then}) to {high} ({when})").format(
        first=formats.month(names[0]),
        last=formats.month(names[-1]),
        low=formats.value(values[low], measure, currency),
        then=formats.month(names[low]),
        high=formats.value(values[high], measure, currency),
        when=formats.month(names[high]),
    )
    return (
        f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}"><path d="{path}"/>'
        f'<path class="end" d="M{x:.1f},{y:.1f}h.01"/></svg>'
    )


def _place(n: int, value: float, count: int, low: float, high: float) -> tuple[float, float]:
    """Where a value is drawn, from left to right, the highest on top; alike: in the middle."""
    x = EDGE + (WIDTH - 2 * EDGE) * n / (count - 1)
    part = (value - low) / (high - low) if high > low and math.isfinite(high - low) else 0.5
    return x, HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * part

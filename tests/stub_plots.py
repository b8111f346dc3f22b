"""What a chart shows, for the tests of charts."""

from __future__ import annotations

import itertools

import numpy as np
from matplotlib.axes import Axes


def words(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def legend(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def lines(ax: Axes) -> dict[str, np.ndarray]:
    return {line.get_label(): np.asarray(line.get_ydata(), dtype=float) for line in ax.lines}


def illegible(ax: Axes) -> list:
    """Tick labels of one axis whose boxes touch, and words that leave the figure, as laid out."""
    ax.figure.draw_without_rendering()  # every text is set, and one without a glyph warns
    found, every = [], [*ax.texts, ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label]
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        ticks = [t.label1 for t in axis.get_major_ticks() if low <= t.get_loc() <= high]
        boxes = [(t.get_text(), t.get_window_extent()) for t in ticks if t.get_text()]
        found += [(a, b) for (a, x), (b, y) in itertools.combinations(boxes, 2) if x.overlaps(y)]
        every += ticks
    every += ax.get_legend().get_texts() if ax.get_legend() else []
    whole = ax.figure.bbox.padded(1)
    boxes = [(t.get_text(), t.get_window_extent()) for t in every if t.get_text()]
    return found + [
        text for text, b in boxes if not (whole.contains(*b.min) and whole.contains(*b.max))
    ]

"""Seconds and memory by order lines, drawn from the results of bench_scale.

`python tests/benchmarks/growth_chart.py results.json ... growth.png`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import scale_tables
import seaborn as sns
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator
from scale_tables import NAMES

SIZES = {1e5: "100 thousand", 1e6: "1 million", 1e7: "10 million", 1e8: "100 million"}
PANELS = {"seconds": "seconds (median, 2 cores)", "peak": "memory at its peak (MB)"}
APART = 0.042  # of the height of a panel, between two labels


def growth_chart(table: pd.DataFrame, path: Path, *, task: str = "everything") -> None:
    """Results of `task` -> a picture of seconds and of memory by lines, all axes logarithmic."""
    rows = table[table["task"] == task]
    ways = [way for way in NAMES if way in set(rows["way"])]
    colors = dict(zip(ways, sns.color_palette("deep", len(ways)), strict=True))
    with sns.axes_style("whitegrid"), plt.rc_context({"font.size": 11}):
        figure, panels = plt.subplots(1, 2, figsize=(14, 5.5), layout="constrained")
        for axes, (column, label) in zip(panels, PANELS.items(), strict=True):
            _drawn(rows, axes, column, colors)
            _scaled(rows, axes, label)
            _named(rows, axes, column, colors)
        figure.suptitle("From prepared Parquet to all summary tables")
        figure.savefig(path, dpi=150)
        plt.close(figure)


def _drawn(rows: pd.DataFrame, axes: plt.Axes, column: str, colors: dict) -> None:
    looks = {"hue": "way", "style": "way", "hue_order": [*colors], "style_order": [*colors]}
    sns.lineplot(
        rows, x="lines", y=column, **looks, palette=colors, markers=True, dashes=False, ax=axes
    )
    axes.get_legend().remove()


def _scaled(rows: pd.DataFrame, axes: plt.Axes, label: str) -> None:
    axes.set(xscale="log", yscale="log", xlabel="order lines", ylabel=label)
    axes.set_xlim(rows["lines"].min() / 1.2, rows["lines"].max() * 1.2)
    axes.xaxis.set_major_locator(FixedLocator([n for n in SIZES if n < 2 * rows["lines"].max()]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _place: SIZES.get(value, "")))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:,g}"))


def _named(rows: pd.DataFrame, axes: plt.Axes, column: str, colors: dict) -> None:
    """Each way's name on the right, at the height of its last point, and a thin line to it."""
    last = rows.sort_values("lines").groupby("way").last().loc[[*colors]]
    low, high = np.log(axes.get_ylim())
    wanted = (np.log(last[column].to_numpy()) - low) / (high - low)
    for (way, point), height in zip(last.iterrows(), _spread(wanted), strict=True):
        axes.annotate(
            NAMES[way],
            xy=(point["lines"], point[column]),
            xytext=(1.03, height),
            textcoords="axes fraction",
            color=colors[way],
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colors[way], "lw": 0.6, "alpha": 0.7},
        )


def _spread(heights: np.ndarray) -> np.ndarray:
    """Heights in their order, moved as little as keeps them `APART`."""
    order = np.argsort(heights, kind="stable")
    steps = np.arange(len(heights)) * APART
    # Where labels are too near, each cluster of them is set around its middle.
    blocks: list[list[float]] = []
    for value in heights[order] - steps:
        blocks.append([value])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    settled = np.concatenate([np.full(len(block), np.mean(block)) for block in blocks])
    found = np.empty(len(heights))
    found[order] = settled + steps
    return found


if __name__ == "__main__":
    growth_chart(scale_tables.read(sys.argv[1:-1]), Path(sys.argv[-1]))

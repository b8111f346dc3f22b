"""Seconds and memory by order lines, drawn from the results of bench_scale.

`python tests/benchmarks/growth_chart.py results.json growth.png`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, LogLocator, NullLocator

NAMES = {"kit": "ltvkit", "bare": "bare DuckDB SQL", "polars": "Polars", "pandas": "pandas"}
SIZES = {1e5: "100 thousand", 1e6: "1 million", 1e7: "10 million", 1e8: "100 million"}


def growth_chart(table: pd.DataFrame, path: Path, *, task: str = "everything") -> None:
    """Results of `task` -> a picture of seconds and of memory by lines, both axes logarithmic."""
    rows = table[table["task"] == task].assign(way=lambda t: t["way"].map(NAMES).fillna(t["way"]))
    with sns.axes_style("whitegrid"), plt.rc_context({"font.size": 11}):
        figure, axes = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
        _drawn(rows, axes[0], "seconds", "seconds (median, 2 cores)")
        _drawn(rows, axes[1], "peak", "memory at its peak (MB)")
        axes[1].get_legend().remove()
        figure.suptitle("From prepared Parquet to all summary tables")
        figure.savefig(path, dpi=150)
        plt.close(figure)


def _drawn(rows: pd.DataFrame, axes: plt.Axes, column: str, label: str) -> None:
    sns.lineplot(
        rows, x="lines", y=column, hue="way", style="way", markers=True, dashes=False, ax=axes
    )
    axes.set(xscale="log", yscale="log", xlabel="order lines", ylabel=label)
    sizes = [n for n in SIZES if 0.5 * n < rows["lines"].max()]
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_major_formatter(FixedFormatter([SIZES[n] for n in sizes]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:,g}"))
    axes.legend(title="")


if __name__ == "__main__":
    growth_chart(pd.read_json(sys.argv[1]), Path(sys.argv[2]))

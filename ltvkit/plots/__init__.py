"""Charts of finished tables: each takes the table and `ax=None`, and returns the Axes.

Words, labels and number formats are those of `tables`. Nothing is shown or saved, and no setting
of matplotlib changes: in a notebook a chart appears because its figure is open.

>>> import pandas as pd
>>> shares = {"decile": [1, 2], "revenue_share": [0.8, 0.2], "cumulative_share": [0.8, 1.0]}
>>> deciles(pd.DataFrame(shares)).get_title(loc="left")
'Revenue by customer decile'
"""

from __future__ import annotations

from ltvkit.plots.cohort import ltv_curves, second_order, triangle
from ltvkit.plots.concentration import deciles, lorenz, pareto
from ltvkit.plots.kpi import kpi_series
from ltvkit.plots.rfm import migration, rfm_grid, segments

__all__ = [
    "deciles",
    "kpi_series",
    "lorenz",
    "ltv_curves",
    "migration",
    "pareto",
    "rfm_grid",
    "second_order",
    "segments",
    "triangle",
]

"""Charts of finished tables: each takes the table and `ax=None`, and returns the Axes.

Words, labels and number formats are those of `formats`. Nothing is shown or saved, and no setting
of matplotlib changes: in a notebook a chart appears because its figure is open.

>>> import pandas as pd
>>> shares = {"decile": [1, 2], "revenue_share": [0.8, 0.2], "cumulative_share": [0.8, 1.0]}
>>> deciles(pd.DataFrame(shares)).get_title(loc="left")
'Share of revenue so far (%) by customer decile'
"""

from ltvkit.display.plots.bridges import bridge
from ltvkit.display.plots.differences import differences
from ltvkit.display.plots.forecasts import calibration, fan, ltv_distribution, matrix, tracking
from ltvkit.display.plots.funnel import funnel, stage_days, stage_series
from ltvkit.display.plots.heatmaps import migration, rfm_grid, triangle
from ltvkit.display.plots.lifetimes import hazard, one_customer, order_steps, survival
from ltvkit.display.plots.measures import effects, replays, timeline
from ltvkit.display.plots.series import customer_kinds, kpi_series, ltv_curves, second_order
from ltvkit.display.plots.shares import deciles, leaders, lorenz, pareto, segments
from ltvkit.display.plots.support import answering, days_after
from ltvkit.display.plots.trees import tree
from ltvkit.display.plots.types import archetypes, risk

# fmt: off
__all__ = [
    "answering", "archetypes", "bridge", "calibration", "customer_kinds", "days_after",
    "deciles", "differences", "effects", "fan", "funnel", "hazard", "kpi_series", "leaders",
    "lorenz", "ltv_curves", "ltv_distribution", "matrix", "migration", "one_customer",
    "order_steps", "pareto", "replays", "rfm_grid", "risk", "second_order", "segments",
    "stage_days", "stage_series", "survival", "timeline", "tracking", "tree", "triangle",
]

__dir__ = __all__.copy

"""An early sign of LTV: how many new customers order again within 90 days, cohort by cohort.

What is known of a cohort after 90 days, and whether, in past cohorts, it went with what customers
brought after them. What they brought within them is left out: second orders are a part of it. An
association, and nothing more: both may follow a third thing, or drift in the same years.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy

from ltvkit import cohorts, periods
from ltvkit.display import formats, joining
from ltvkit.drivers.texts import fill
from ltvkit.engines.frames import Frame
from ltvkit.periods import Day

WITHIN, MONTHS = 90, 12  # days to the second order; months of LTV
SIGN, WORTH, LATER = "second_order_share", f"ltv_{MONTHS}m", "later_value"
EARLY = 4  # months of age, in which the 90 days of all customers of a month lie
FEWEST, LEAST = 8, 30  # cohorts, and customers of each, to measure a link on
RECENT = 5  # months: of an older cohort, what it did is no news
COVERED = 0.95  # of the interval
POINTS = 0.1  # the slope is told for ten percentage points


@dataclass(frozen=True)
class Link:
    """How the early sign of past cohorts went with their LTV.

    `table`: a row per monthly cohort: cohort, customers, second_order_share (within 90 days of the
    first; NaN: not all have had them), ltv_12m, later_value (of it, what came in the calendar
    months 5 to 12; both NaN: too young). `cohorts`: those of 30 customers or more with the share
    and the later value; of these the rank correlation (Spearman), and the slope (least squares) for
    ten points of the share, each as estimate, low, high (95%, by drawing cohorts anew; NaN where
    there are fewer than 8 cohorts, or one of both is the same in all). `month`: of the report.
    """

    table: pd.DataFrame
    cohorts: int
    correlation: tuple[float, float, float]
    slope: tuple[float, float, float]
    month: str = ""

    @property
    def found(self) -> bool:
        """Whether the interval of the rank correlation leaves out zero."""
        return self.correlation[1] > 0 or self.correlation[2] < 0


def find_link(
    days: Frame,
    *,
    as_of: Day,
    of: str = "revenue",
    draws: int = 1000,
    seed: int = 1,
    export_begins: str = "",
) -> Link:
    """Order lines, or their `days` -> `Link` of monthly cohorts up to `as_of`.

    Raises `TooLittleData` where it is not known who is new (see `cohorts.build`), and `ColumnError`
    without a margin (`of` "margin").
    """
    second = cohorts.second_order(days, as_of=as_of, within=(WITHIN,), export_begins=export_begins)
    built = cohorts.build(days, as_of=as_of, by="month", export_begins=export_begins)
    table = second.rename(columns={f"within_{WITHIN}": SIGN})
    worth = _find_worth(built, of=of)
    table = table.assign(**{name: table["cohort"].map(worth[name]) for name in (WORTH, LATER)})
    known = table["customers"].notna()
    link = measure_link(table[known].reset_index(drop=True), draws=draws, seed=seed)
    return replace(link, month=periods.label(periods.index_of(as_of, "month"), "month"))


def _find_worth(built: pd.DataFrame, *, of: str) -> pd.DataFrame:
    """Cohorts -> LTV of those whose last month of the 12 is over, and of it what came after the
    early months; NaN: too young."""
    worth, age = cohorts.ltv(built, of=of).set_index("cohort"), MONTHS - 1
    if age not in worth:
        return pd.DataFrame({WORTH: np.nan, LATER: np.nan}, index=worth.index)
    whole = worth[~cohorts.partial(built)[str(age)].to_numpy()]
    found = pd.DataFrame({WORTH: whole[age], LATER: whole[age] - whole[EARLY - 1]})
    return found.reindex(worth.index)


def measure_link(table: pd.DataFrame, *, draws: int = 1000, seed: int = 1) -> Link:
    """A table of cohorts (see `Link`) -> how both go together.

    >>> table = pd.DataFrame({"cohort": [f"2023-{n:02d}" for n in range(1, 10)], "customers": 50,
    ...     "second_order_share": [n / 100 for n in range(1, 10)],
    ...     "later_value": [100.0 + 2 * n for n in range(1, 10)]})
    >>> link = measure_link(table)
    >>> link.cohorts, round(link.correlation[0], 3), round(link.slope[0], 3)
    (9, 1.0, 20.0)
    """
    old = table[(table["customers"] >= LEAST) & table[[SIGN, LATER]].notna().all(axis=1)]
    none = (np.nan, np.nan, np.nan)
    if len(old) < FEWEST or (old[[SIGN, LATER]].nunique() < 2).any():
        return Link(table, len(old), none, none)
    sign, later = (old[name].to_numpy(dtype=float) for name in (SIGN, LATER))
    drawn = np.random.default_rng(seed).integers(0, len(old), (draws, len(old)))
    drawn = np.vstack([np.arange(len(old)), drawn])  # the first are the cohorts as they are
    x, y = sign[drawn], later[drawn]
    ranks = (scipy.stats.rankdata(values, axis=1) for values in (x, y))
    return Link(table, len(old), _summarize(_correlate(*ranks)), _summarize(_fit(x, y) * POINTS))


def _correlate(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x, y = (values - values.mean(axis=1, keepdims=True) for values in (x, y))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (x * y).sum(axis=1) / np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))


def _fit(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x, y = (values - values.mean(axis=1, keepdims=True) for values in (x, y))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (x * y).sum(axis=1) / (x * x).sum(axis=1)


def _summarize(values: np.ndarray) -> tuple[float, float, float]:
    """The estimate, and the middle part of the draws (those in which both differ)."""
    low, high = np.nanquantile(values[1:], [(1 - COVERED) / 2, (1 + COVERED) / 2])
    return float(values[0]), float(low), float(high)


def describe_link(link: Link, *, currency: str = "") -> str:
    """The sign of the newest cohort, and how it went with LTV before, in sentences."""
    known = link.table[link.table[SIGN].notna() & (link.table["customers"] >= LEAST)]
    said = []
    if len(known) and _is_recent(known["cohort"].iloc[-1], link.month):
        newest = known.iloc[-1]
        name = formats.month(newest["cohort"])
        rates = {"rate": float(newest[SIGN]), "usual": _find_usual(known)}
        said += [fill("early_sign", cohort=name, days=WITHIN, **rates)]
    if np.isnan(link.correlation[0]):
        name = "link_same" if link.cohorts >= FEWEST else "link_too_few"
        return joining.sentences([*said, fill(name, least=FEWEST, n=link.cohorts, customers=LEAST)])
    correlation = [formats.number(x, decimals=2) for x in link.correlation]
    slope = [formats.difference(x, LATER, currency) for x in link.slope]
    figures = dict(zip(("r", "low", "high"), correlation, strict=True))
    figures |= dict(zip(("slope", "slope_low", "slope_high"), slope, strict=True))
    way = "link_up" if link.correlation[1] > 0 else "link_down"
    name = way if link.found else "no_link"
    when = {"days": WITHIN, "after": EARLY + 1, "months": MONTHS}
    return joining.sentences([*said, fill(name, n=link.cohorts, **when, **figures)])


def _is_recent(cohort: str, month: str) -> bool:
    """Whether a cohort is the newest that can be known, or nearly so."""
    apart = [periods.index_of(f"{name}-01", "month") for name in (cohort, month or cohort)]
    return apart[1] - apart[0] <= RECENT


def _find_usual(known: pd.DataFrame) -> float:
    """The share of all customers of these cohorts who ordered again in time."""
    return float(np.average(known[SIGN], weights=known["customers"].astype(float)))

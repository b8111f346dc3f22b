"""How many go on within some days, and after how many days, where some were seen for a short time.

Kaplan & Meier (1958), Journal of the American Statistical Association 53, 457-481: who came lately
counts for as long as they were seen, and for no failure. Who reached a stage late is rarer in the
data than in the shop, as more of those are not there yet; so they weigh 1 / the share of people who
were followed for so long since they entered (Lin, Sun & Ying 1999, Biometrika 86(1), 59-70): of all
who entered, as those who did not reach the stage were followed, too. A weight is 20 at most, so
where fewer than 5% were followed for so long, the late count for somewhat less than they should.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ltvkit.engines import resampling
from ltvkit.ltv import intervals

PARTS = (0, 7, 30, 60, 120, 180, 240, 300, 365, 450, 550, 640, 730)  # days since entering, by ends
RAREST = 0.05  # a person weighs as 20 at most
DRAWS, SEED = 300, 1
SUM = "...pd,pd->...d"  # over the parts p, by day d
FEWEST = 10  # people who went on; a median of fewer has no interval
FIGURES = ("next_stage_share", "lowest_share", "highest_share")
MEDIAN = ("median_days", "median_days_low", "median_days_high")


class Waits(NamedTuple):
    """People at a stage. `went`, `open`: how many went on after 0, 1, ... `within` days, and were
    seen no longer than that (of the last day: and longer), a row per part of people by when they
    reached it; `weight`: what each is worth at each day."""

    went: np.ndarray
    open: np.ndarray
    weight: np.ndarray


def arrange(cells: pd.DataFrame, followed: pd.DataFrame | None, *, within: int) -> Waits:
    """`cells` (part, time, reached, people, since) of one group, and how many people entered so
    many `days` ago (None: all weigh the same) -> `Waits`."""
    counts = np.zeros((2, len(PARTS) + 1, within + 1))
    part, time, reached = (cells[n].to_numpy(dtype=int) for n in ("part", "time", "reached"))
    np.add.at(counts, (1 - reached, part, time), cells["people"].to_numpy(dtype=float))
    number = np.bincount(part, cells["people"], minlength=len(PARTS) + 1)
    kept = number > 0
    went, open_ = counts[:, kept]
    if followed is None:
        return Waits(went, open_, np.ones_like(went))
    since = np.bincount(part, cells["since"], minlength=len(PARTS) + 1)[kept] / number[kept]
    entered = np.bincount(followed["days"], followed["people"])
    share = entered[::-1].cumsum()[::-1] / entered.sum()
    late = since[:, None] + np.arange(within + 1)
    weight = 1 / np.maximum(np.interp(late, np.arange(len(share)), share, right=0), RAREST)
    return Waits(went, open_, weight)


def estimate(waits: Waits, *, draws: int = DRAWS) -> dict[str, float]:
    """next_stage_share with its 95% interval (mid-P, see `ltv.intervals`), and the days by which
    half of those who go on have done so, with theirs (people drawn anew, `draws` times). NaN:
    nobody was seen for so long, nobody went on, or fewer than 10 did (of the interval)."""
    at_risk, went = _weigh(waits.went, waits.open, waits.weight)
    left = _stay(at_risk, went)
    if left[-1] > 0 and not at_risk[-1] > 0:
        return dict.fromkeys((*FIGURES, *MEDIAN), np.nan)
    squares, _went = _weigh(waits.went, waits.open, waits.weight**2)
    worth = at_risk / np.maximum(squares, 1e-300)  # people whom a weight of 1 is worth
    low, high = intervals.beta_product_mid_p(at_risk * worth, went * worth)
    share = 1 - left[-1]
    found = dict(zip(FIGURES, (float(share), 1 - high, 1 - low), strict=True))
    ends = (np.nan, np.nan)
    if draws and waits.went.sum() >= FEWEST:
        ends = resampling.find_limits(_find_half(draw(waits, draws=draws)))
    return found | dict(zip(MEDIAN, (float(_find_half(left)), *ends), strict=True))


def draw(waits: Waits, *, draws: int = DRAWS, seed: int = SEED) -> np.ndarray:
    """The share who stay by day, in each draw: people of a stage drawn anew, with replacement."""
    counts = np.stack([waits.went, waits.open])
    filled = counts > 0
    n, rng = counts.sum(), np.random.default_rng(seed)
    drawn = np.zeros((draws, *counts.shape))
    drawn[:, filled] = rng.multinomial(int(n), counts[filled] / n, size=draws)
    return _stay(*_weigh(drawn[:, 0], drawn[:, 1], waits.weight))


def _weigh(
    went: np.ndarray, open_: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """At risk and gone on by day, as many as their weights are."""
    at_risk = (went + open_)[..., ::-1].cumsum(axis=-1)[..., ::-1]
    return np.einsum(SUM, at_risk, weight), np.einsum(SUM, went, weight)


def _stay(at_risk: np.ndarray, went: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.cumprod(1 - np.where(at_risk > 0, went / at_risk, 0.0), axis=-1)


def _find_half(left: np.ndarray) -> np.ndarray:
    """The first day by which half of those who go on at all have done so; NaN: nobody does."""
    whole = 1 - left[..., -1:]
    day = (1 - left >= whole / 2 - 1e-12).argmax(axis=-1).astype(float)
    return np.where(whole[..., 0] > 0, day, np.nan)

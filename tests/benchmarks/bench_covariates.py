"""The seasonal clock beside the Pareto/NBD with dynamic covariates (Bachmann, Meierer & Naef 2021),
on the apparel data of the R package CLVTools.

`bench_covariates.py FOLDER`: with apparelTrans.csv and apparelDynCov.csv, the tables of these names
in its folder `data`, dates as days since 1970 (as the PyPI package `rdata` reads them).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import minimize, minimize_scalar
from scipy.special import gammaln

from ltvkit.forecast import seasons
from ltvkit.forecast.clock import HISTORY, Clock
from ltvkit.forecast.models.pareto_nbd import ParetoNBDFitter

BEGIN, KNOWN, AHEAD = pd.Timestamp("2005-01-02"), 104 * 7, 1450  # days known, and held out
PLAIN = (1.4490, 48.6361, 0.5613, 46.8844)  # published: arXiv 2602.09845, 6.2.1
WITH_ALL = (1.977706, 115.177940, 2.012683, 158.181797)  # CLVTools 0.12.1
LIFE, TRANS = (-2.482678, -0.512544, 0.505730), (0.718314, 0.264898, 0.613721)
PUBLISHED = {"none": -5848.098, "all": -5752.937}  # CLVTools 0.12.1
ERRORS = (2.039532, 3.329395)  # MAE and RMSE without covariates, arXiv 2602.09845, 6.3.1


class Result(NamedTuple):
    """Log likelihood, purchases expected by customer, log factor of high season, seconds."""

    likelihood: float
    expected: np.ndarray
    factor: float
    seconds: float

    def score(self, held_out: pd.Series) -> dict[str, float]:
        error = self.expected - held_out.to_numpy()
        return {
            "LL": self.likelihood,
            "factor": float(np.exp(self.factor)),
            "MAE": float(np.abs(error).mean()),
            "RMSE": float(np.sqrt((error**2).mean())),
            "total": float(self.expected.sum()),
            "seconds": self.seconds,
        }


def read(folder: Path) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame]:
    """The folder -> purchases (customer, day), which days are high season, and who is who."""
    lines = pd.read_csv(folder / "apparelTrans.csv", dtype={"Id": str})
    covariates = pd.read_csv(folder / "apparelDynCov.csv", dtype={"Id": str})
    start = (BEGIN - pd.Timestamp("1970-01-01")).days
    bought = lines.assign(day=(lines["Date"] - start).astype(int)).drop_duplicates(["Id", "day"])
    one = covariates[covariates["Id"] == "1"].sort_values("Cov.Date")
    who = covariates.groupby("Id")[["Gender", "Channel"]].first()
    return bought, np.repeat(one["High.Season"].to_numpy(), 7), who


def count(bought: pd.DataFrame, high: np.ndarray, ids: pd.Index) -> pd.DataFrame:
    """Purchases -> by customer: x, last (day), in_season (of x), and held_out purchases."""
    known = bought[bought["day"] <= KNOWN].groupby("Id")["day"].agg(["size", "max"])
    again = bought[bought["day"].between(1, KNOWN)]
    columns = {
        "x": known["size"] - 1,
        "last": known["max"],
        "in_season": again.groupby("Id")["day"].agg(lambda days: high[days].sum()),
        "held_out": bought[bought["day"] > KNOWN].groupby("Id").size(),
    }
    return pd.DataFrame(columns, index=ids).fillna(0)


def measure(params, table: pd.DataFrame, buying: np.ndarray, leaving: np.ndarray):
    """Log likelihood and expected purchases of each customer, from the paths of both clocks by day.

    Written from the model alone: while alive, purchases come at the rate lambda times the slope of
    `buying`, and customers leave at mu times that of `leaving`; lambda and mu are gamma. The
    moment of leaving is summed day by day.
    """
    r, alpha, s, beta = (np.broadcast_to(p, len(table))[:, None] for p in params)
    x, last = table["x"].to_numpy(float)[:, None], table["last"].to_numpy()[:, None]
    middle = [(path[1:] + path[:-1]) / 2 for path in (buying, leaving)]
    left = np.exp(
        -(r + x) * np.log(alpha + middle[0][:KNOWN]) - (s + 1) * np.log(beta + middle[1][:KNOWN])
    ) * (s * np.diff(leaving)[:KNOWN])
    gone = (left * (np.arange(KNOWN) >= last)).sum(axis=1, keepdims=True)
    here = (alpha + buying[KNOWN]) ** -(r + x) * (beta + leaving[KNOWN]) ** -s
    value = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    stays = ((beta + leaving[KNOWN]) / (beta + middle[1][KNOWN : KNOWN + AHEAD])) ** s
    bought = (stays * np.diff(buying)[KNOWN : KNOWN + AHEAD]).sum(axis=1, keepdims=True)
    expected = here / (here + gone) * (r + x) / (alpha + buying[KNOWN]) * bought
    return (value + np.log(here + gone))[:, 0], expected[:, 0]


def trace(high: np.ndarray, coefficient: float) -> np.ndarray:
    """A path by day, in weeks that are longer in the high season."""
    return np.append(0.0, np.exp(coefficient * high).cumsum()) / 7


def fit_path(table: pd.DataFrame, high: np.ndarray, *, leaving: bool) -> Result:
    """Fit `measure` with High.Season on purchases, and on leaving too if asked."""
    same = table.groupby(["x", "last"], as_index=False).size()

    def paths(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return trace(high, theta[4]), trace(high, theta[5] if leaving else 0.0)

    def lack(theta: np.ndarray) -> float:
        each, _expected = measure(np.exp(theta[:4]), same, *paths(theta))
        return -float(each @ same["size"] + theta[4] * table["in_season"].sum())

    begun = time.perf_counter()
    start = [*np.log(PLAIN), 0.5] + [0.0] * leaving
    found = minimize(lack, start, method="L-BFGS-B", bounds=[(v - 3, v + 3) for v in start])
    seconds = time.perf_counter() - begun
    expected = measure(np.exp(found.x[:4]), table, *paths(found.x))[1]
    return Result(-found.fun, expected, found.x[4], seconds)


def fit_clock(table: pd.DataFrame, high: np.ndarray, factor: float | None = None) -> Result:
    """The kit, with a clock: the factor of high season given, or the one of highest likelihood."""
    same = table.groupby(["x", "last"], as_index=False).size()
    edges = np.flatnonzero(np.diff(high, prepend=0, append=0))
    days = BEGIN + pd.to_timedelta(edges - np.arange(len(edges)) % 2, unit="D")
    spans = [f"{a:%Y-%m-%d}/{b:%Y-%m-%d}" for a, b in zip(days[::2], days[1::2], strict=True)]
    today = BEGIN + pd.Timedelta(days=KNOWN)

    def fit(log_factor: float) -> tuple[float, ParetoNBDFitter, Clock]:
        campaigns = dict.fromkeys(spans, float(np.exp(log_factor)))
        clock = seasons.make_clock(None, as_of=today, days_before=KNOWN, campaigns=campaigns)
        fitter = ParetoNBDFitter().fit(*clock.history(_name(same)), weights=same["size"])
        gain = log_factor * table["in_season"].sum()
        return fitter.log_likelihood_ + gain, fitter, clock

    begun = time.perf_counter()
    best = factor
    if best is None:
        best = minimize_scalar(lambda v: -fit(v)[0], bounds=(-1, 2), options={"xatol": 1e-4}).x
    value, fitter, clock = fit(best)
    seconds = time.perf_counter() - begun
    expected = fitter.predict(clock.ahead(AHEAD), *clock.history(_name(table)))
    return Result(value, expected, best, seconds)


def _name(table: pd.DataFrame) -> pd.DataFrame:
    columns = table["x"].astype(int), table["last"], np.full(len(table), KNOWN)
    return pd.DataFrame(dict(zip(HISTORY, columns, strict=True)))


def at_published(table: pd.DataFrame, high: np.ndarray, who: pd.DataFrame) -> Result:
    """High.Season, Gender and Channel on both, at the parameters that CLVTools finds."""
    buys, leaves = who.to_numpy() @ TRANS[1:], who.to_numpy() @ LIFE[1:]
    r, alpha, s, beta = WITH_ALL
    params = r, alpha * np.exp(-buys), s, beta * np.exp(-leaves)
    each, expected = measure(params, table, trace(high, TRANS[0]), trace(high, LIFE[0]))
    return Result(each.sum() + TRANS[0] * table["in_season"].sum(), expected, TRANS[0], np.nan)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    bought, high, who = read(parser.parse_args().folder)
    table = count(bought, high, who.index)
    results = {
        "kit, no season": fit_clock(table, high, 0.0),
        "kit, clock with one factor": fit_clock(table, high),
        "High.Season on purchases": fit_path(table, high, leaving=False),
        "High.Season on both": fit_path(table, high, leaving=True),
        "all three on both": at_published(table, high, who),
    }
    rows = [{"model": name, **found.score(table["held_out"])} for name, found in results.items()]
    print(pd.DataFrame(rows).to_string(index=False))
    print("held out:", int(table["held_out"].sum()), "; distinct histories:", table.groupby(
        ["x", "last"]).ngroups)  # fmt: skip
    plain, all_three = results["kit, no season"], results["all three on both"]
    assert abs(plain.likelihood - PUBLISHED["none"]) < 0.01
    assert abs(all_three.likelihood - PUBLISHED["all"]) < 0.01
    score = plain.score(table["held_out"])
    assert np.allclose([score["MAE"], score["RMSE"]], ERRORS, atol=1e-3)


if __name__ == "__main__":
    main()

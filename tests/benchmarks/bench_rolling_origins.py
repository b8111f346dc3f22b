"""How far a forecast of revenue by month is off, and how many months its band holds: from several
dates of real and simulated shops, each time as a user would have made it on that date.

`--quick`: two seeds. `--out rolling.csv` keeps every month, `--from rolling.csv` shows it again.
`--source FILE --columns JSON --policies JSON --origins 2011-06-30 2011-08-31` adds an export of
your own. To measure another revision with this script, set PYTHONPATH to its folder.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from simulated_shops import KINDS, cut, simulate, truth

from ltvkit import customers, forecast, kpis, orders
from ltvkit.errors import LtvkitError, TooLittleData

MONTHS, CUTS = 12, (1, 3, 6, 12, 18, 24, 36)
END = pd.Timestamp("2024-12-31")
REAL = {
    "cdnow": ("demo:cdnow", {}, ("1997-06-30", "1997-09-30", "1997-12-31", "1998-03-31")),
    "shop": (
        "demo:shop",
        {"cancelled_status": ["cancelled"]},
        ("2023-03-31", "2023-06-30", "2023-09-30", "2023-12-31", "2024-03-31"),
    ),
}


def forecast_months(
    lines: pd.DataFrame, *, as_of: pd.Timestamp, months: int, model: str
) -> pd.DataFrame:
    """Exported lines up to `as_of` -> a row per month to come, as `forecast.revenue` gives it.

    The calls of `notebooks/05_ltv_forecast.ipynb`, with its defaults. `new`: customers to be won.
    Only this function knows the kit.
    """
    book = orders.read(lines, policies={"data_until": f"{as_of:%Y-%m-%d}"})
    begins = book.facts["export_begins"]
    if model == "best":
        model = forecast.backtest(book.lines, as_of=as_of, months=6).best_model
    buyers = customers.summarize(book.days, as_of=as_of)
    known = {"as_of": as_of, "months": months, "export_begins": begins}
    rolled = forecast.roll(book.days, model=model, **known)
    fitted = drawn = None
    with suppress(TooLittleData):  # a page says so, and goes on without
        rolled, fitted, drawn = forecast.fit_as_rolled(
            buyers, book.days, rolled, models=[model], **known
        )
    history = kpis.series(book.days, as_of=as_of, export_begins=begins)
    asked = {"history": history, "as_of": as_of, "months": months}
    ahead = forecast.revenue(buyers, fitted, drawn, past=rolled, **asked)
    return ahead.table.tail(months).assign(new=ahead.won, method=ahead.method)


class Case(NamedTuple):
    """A forecast to make: the shop's whole life, the export at `as_of`, and how far to look."""

    shop: str
    seed: str
    as_of: pd.Timestamp
    life: pd.DataFrame
    part: pd.DataFrame
    months: int = MONTHS


def list_simulated(name: str, seed: int) -> Iterator[Case]:
    """The last five years of a shop, on four dates; and the steady one cut to less before two."""
    life = simulate(name, seed)
    for back in (30, 24, 18, 12):
        as_of = END + pd.offsets.MonthEnd(-back)
        part = cut(life, as_of=as_of, months=60 - back)
        yield Case(name, str(seed), as_of, life, part)
    for months, back in itertools.product(CUTS, (18, 12)) if name == "steady" else ():
        as_of = END + pd.offsets.MonthEnd(-back)
        part = cut(life, as_of=as_of, months=months)
        yield Case(f"steady, months in the export: {months}", str(seed), as_of, life, part)


def list_real(
    name: str, source: str, origins: Sequence[str], *, policies: dict, columns: dict
) -> Iterator[Case]:
    """An export on several dates; all that came later and was exported is the truth."""
    book = orders.read(source, policies=policies, columns=columns)
    life = pd.DataFrame(book.lines.df())[["customer_id", "order_id", "order_date", "amount"]]
    last = pd.Timestamp(book.as_of("last")).to_period("M")
    for as_of in map(pd.Timestamp, origins):
        months = min((last - as_of.to_period("M")).n, MONTHS)
        yield Case(name, "", as_of, life, life[life["order_date"] <= as_of], months)


def list_cases(asked: argparse.Namespace) -> Iterator[Case]:
    """All shops, or those that `--only` asks for."""
    for seed, name in itertools.product(range(2 if asked.quick else 5), KINDS):
        if asked.only in name or (name == "steady" and asked.only.startswith("steady")):
            yield from list_simulated(name, seed)
    for name, (source, policies, origins) in REAL.items():
        yield from list_real(name, source, origins, policies=policies, columns={})
    if asked.source:
        rules, columns = json.loads(asked.policies), json.loads(asked.columns)
        name = Path(asked.source).stem
        yield from list_real(name, asked.source, asked.origins, policies=rules, columns=columns)


def measure(case: Case, *, model: str) -> pd.DataFrame:
    """One forecast beside the truth, a row per month; without a forecast, why there is none."""
    shop, seed, as_of, life, part, months = case
    after = truth(life, part, as_of=as_of, months=months)
    began = time.perf_counter()
    try:
        ahead = forecast_months(part, as_of=as_of, months=months, model=model)
        ahead = ahead.drop(columns="actual").assign(refused="")
    except LtvkitError as error:
        ahead = after[["month"]].assign(refused=str(error))
    named = {"shop": shop, "seed": seed, "as_of": f"{as_of:%Y-%m-%d}"}
    return after.merge(ahead, on="month").assign(**named, seconds=time.perf_counter() - began)


def summarize(rows: pd.DataFrame) -> pd.DataFrame:
    """A row per month -> one per shop: forecast / truth, the band, the time."""
    shown = rows[rows["refused"] == ""]
    shown = shown.assign(
        inside=shown["actual"].between(shown["low"], shown["high"]),
        actual_existing=shown["actual_existing"].where(shown["existing_revenue"].notna()),
        won=shown["won"].where(shown["new"].notna()),
        width=(shown["high"] - shown["low"]) / shown["expected"].clip(lower=1e-9),
    )
    each = ["shop", "seed", "as_of"]
    once = rows.drop_duplicates(each).groupby("shop", sort=False)
    sums = ["expected", "actual", "existing_revenue", "actual_existing", "new", "won"]
    by_origin = shown.groupby(each, sort=False)[sums].sum()
    total = by_origin.groupby("shop", sort=False).sum()
    ratio = by_origin["expected"] / by_origin["actual"]
    spread = ratio.groupby("shop", sort=False).agg(["min", "max"])
    table = pd.DataFrame(
        {
            "origins": once.size(),
            "refused": once["refused"].agg(lambda texts: int((texts != "").sum())),
            "forecast / truth": total["expected"] / total["actual"],
            "lowest": spread["min"],
            "highest": spread["max"],
            "existing / truth": total["existing_revenue"] / total["actual_existing"],
            "new, forecast": total["new"],
            "new, truth": total["won"],
            "% of months inside": 100 * shown.groupby("shop")["inside"].mean(),
            "width of band": shown.groupby("shop")["width"].mean(),
            "seconds": once["seconds"].median(),
            "methods": shown.drop_duplicates(each).groupby("shop")["method"].agg(_count),
        }
    )
    return table.reindex(rows["shop"].unique()).rename_axis("shop").reset_index()


def _count(methods: pd.Series) -> str:
    """Which methods were used, and how often."""
    return ", ".join(f"{name} {n}" for name, n in methods.value_counts().items())


def show(table: pd.DataFrame) -> str:
    """A table -> Markdown."""
    forms = {"origins": "{:.0f}", "refused": "{:.0f}", "% of months inside": "{:.0f}"}
    forms |= {"new, forecast": "{:,.0f}", "new, truth": "{:,.0f}"}
    rows = [
        " | ".join(
            str(cell) if isinstance(cell, str) else forms.get(name, "{:.2f}").format(cell)
            for name, cell in row.items()
        )
        for row in table.to_dict("records")
    ]
    head = [" | ".join(table.columns), " | ".join(["---", *["---:"] * (len(table.columns) - 1)])]
    return "\n".join(f"| {line} |" for line in head + rows).replace("nan", "")


def check(table: pd.DataFrame, inside: float) -> None:
    """What must hold: totals from 12 months on within 15%, and the band as wide as it needs."""
    held = table[~table["shop"].isin([f"steady, months in the export: {m}" for m in (1, 3, 6)])]
    steady = held[held["shop"].str.startswith("steady")]
    off = steady[(steady["forecast / truth"] - 1).abs() > 0.15]
    assert off.empty, f"totals more than 15% off: {list(off['shop'])}"
    assert 85 <= inside <= 97, f"{inside:.0f}% of months are inside their band, not 85 to 97%"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true")
    options.add_argument("--model", default="pareto_nbd", help="best, or a model's name")
    options.add_argument("--only", default="", help="shops whose name holds this")
    options.add_argument("--out", default="")
    options.add_argument("--from", dest="kept", default="")
    options.add_argument("--source", default="")
    options.add_argument("--columns", default="{}")
    options.add_argument("--policies", default="{}")
    options.add_argument("--origins", nargs="*", default=[])
    asked = options.parse_args()
    if asked.kept:
        kinds = {"seed": str, "refused": str, "method": str}
        rows = pd.read_csv(asked.kept, dtype=kinds).fillna(dict.fromkeys(kinds, ""))
        rows = rows.assign(method=rows.get("method", ""))
    else:
        cases = (case for case in list_cases(asked) if asked.only in case.shop)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows = pd.concat([measure(case, model=asked.model) for case in cases])
    if asked.out:
        rows.to_csv(asked.out, index=False)
    table = summarize(rows)
    inside = np.nanmean(rows["actual"].between(rows["low"], rows["high"])[rows["low"].notna()])
    print(show(table))
    print(f"\nOver all: {100 * inside:.1f}% of months inside their band.", flush=True)
    check(table, 100 * inside)


if __name__ == "__main__":
    main()

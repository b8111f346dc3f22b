"""What a season is worth, and what it costs where there is none: small simulated shops, as the kit
would have judged them a year before the end of what is known.

`bench_seasons.py [--seeds 6] [--out seasons.csv]`
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from simulated_shops import Kind, chance, season, simulate

from ltvkit import forecast
from ltvkit.forecast.backtesting import rolling_origins

END, YEAR = pd.Timestamp("2024-12-31"), 12  # months to forecast; known: the four years before
SHOPS = {
    "a season": Kind(won=32, opened=5, factor=season),
    "no season": Kind(won=32, opened=5),
    "months by chance": Kind(won=32, opened=5, factor=chance),
}
HARMLESS = 1.01  # times the error without a season, where there is none


def try_shop(name: str, seed: int) -> dict[str, float | str | bool]:
    """A kind and a seed -> the error of the last year's months without a season, with it, and as
    chosen on the day before that year, all as a share of revenue."""
    whole = simulate(name, seed, SHOPS[name])
    origin = END + pd.offsets.MonthEnd(-YEAR)
    known = whole[whole["order_date"] <= origin]
    rule = {"model": "mbg_nbd", "export_begins": "opening"}
    past = rolling_origins.measure_errors(forecast.roll(known, as_of=origin, **rule).table)
    chosen = rolling_origins.choose(past, ["model", "season"])  # of these two alone
    later = forecast.roll(whole, as_of=END, **rule).table
    year = later[later["origin"] == origin].set_index("method")
    errors = {
        method: float((rows["forecast"] - rows["actual"]).abs().sum() / rows["actual"].sum())
        for method, rows in year.groupby(level="method")
    }
    return {
        "shop": name,
        "seed": seed,
        "customers": known["customer_id"].nunique(),
        "off": errors["model"],
        "on": errors.get("season", errors["model"]),  # where none is found
        "chosen": errors[chosen],
        "switched_on": chosen == "season",
    }


def try_shops(seeds: int) -> Iterator[dict[str, float | str | bool]]:
    for name in SHOPS:
        for seed in range(seeds):
            yield try_shop(name, seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    begun = time.perf_counter()
    each = pd.DataFrame(try_shops(asked.seeds))
    if asked.out:
        each.to_csv(asked.out, index=False)
    table = each.groupby("shop", sort=False).agg(
        shops=("seed", "size"),
        customers=("customers", "mean"),
        off=("off", "mean"),
        on=("on", "mean"),
        chosen=("chosen", "mean"),
        switched_on=("switched_on", "sum"),
    )
    print(table.round(4).to_string())
    print(f"{time.perf_counter() - begun:.0f} s")
    assert table.loc["a season", "chosen"] < table.loc["a season", "off"]
    none = table.loc["no season"]
    assert none["chosen"] <= HARMLESS * none["off"]


if __name__ == "__main__":
    main()

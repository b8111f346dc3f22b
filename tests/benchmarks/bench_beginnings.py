"""How often an export is taken to begin in the middle of a shop's life: of shops that open in it,
and of older ones.

Each shop has a size, a length, and customers of its own, drawn from wide ranges. "How customers
are won" is the number of new ones by day; only an older shop has customers from before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from stub_shops import START, simulate

from ltvkit.ingest.truncation import find_truncation

SHOPS = 1000  # of each sort
LENGTHS = (240, 365, 396, 550, 730, 1000)
Won = Callable[[float], float]


def steady(rng: np.random.Generator) -> Won:
    return lambda t: 1.0


def growing(rng: np.random.Generator) -> Won:
    pace = rng.uniform(0.0005, 0.004)
    return lambda t: np.exp(pace * t)


def shrinking(rng: np.random.Generator) -> Won:
    pace = rng.uniform(0.0005, 0.003)
    return lambda t: np.exp(-pace * t)


def seasonal(rng: np.random.Generator) -> Won:
    height, day = rng.uniform(0.2, 0.7), rng.uniform(0, 365)
    return lambda t: 1 + height * np.sin(2 * np.pi * (t - day) / 365)


def with_a_slow_start(rng: np.random.Generator) -> Won:
    length = rng.uniform(60, 400)
    return lambda t: float(np.clip((t + 10) / length, 0, 1))


def with_a_campaign(rng: np.random.Generator) -> Won:
    height, length = rng.uniform(1, 6), rng.uniform(3, 60)
    return lambda t: 1 + height * np.exp(-t / length)


def with_a_high_season(rng: np.random.Generator) -> Won:
    height, day = rng.uniform(1, 3), rng.uniform(0, 365)
    return lambda t: 1 + height * ((t - day) % 365 < 45)


def in_a_few_months(rng: np.random.Generator) -> Won:
    last = rng.integers(30, 120)
    return lambda t: 3.0 * (t < last)


OLDER = (steady, growing, shrinking, seasonal)
OPENED = (*OLDER, with_a_slow_start, with_a_campaign, with_a_high_season, in_a_few_months)


def is_found(seed: int, made: Callable[[np.random.Generator], Won], *, older: bool) -> bool:
    """Whether one shop is taken to begin in the middle of its life."""
    rng = np.random.default_rng(seed)
    won, size = made(rng), np.exp(rng.uniform(np.log(1.5), np.log(20)))
    days = int(rng.choice(LENGTHS))
    lines = simulate(
        rng,
        won=lambda t: size * won(t),
        days=days,
        before=int(rng.uniform(700, 1800)) if older else 0,
        gap=rng.uniform(25, 150),
        stay=rng.uniform(90, 900),
        once=rng.uniform(0, 0.4),
    )
    return find_truncation(lines, as_of=START + pd.Timedelta(days=days - 1)) is not None


def main() -> None:
    for title, kinds, older in (("opened", OPENED, False), ("older", OLDER, True)):
        found: dict[str, list[bool]] = {made.__name__: [] for made in kinds}
        for seed in range(SHOPS):
            made = kinds[seed % len(kinds)]
            found[made.__name__].append(is_found(seed, made, older=older))
        total = sum(map(sum, found.values()))
        print(f"{title}: {total} of {SHOPS} found")
        for name, each in found.items():
            print(f"  {name}: {sum(each)} of {len(each)}")
        if not older:
            assert total <= SHOPS / 100, "more than 1% of shops that open in their export are found"


if __name__ == "__main__":
    main()

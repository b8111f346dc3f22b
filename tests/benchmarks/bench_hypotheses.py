"""Are hypotheses judged as promised? `python tests/benchmarks/bench_hypotheses.py
[RUNS [DESIGN ...]]`.

Shops are made of real customers: each is one of CDNOW's, drawn with replacement, with all orders
of the first 460 days, begun on a random day of three years. In each shop every kind of comparison
is evaluated on a measure that did nothing, and on one that makes some of the treated place one more
order; the randomized one is also looked at every week. What is counted:

- false positives: how often p < 5% though nothing was done (promised: 5%)
- coverage: how often the 95% interval holds the true effect
- power: how often p < 5% when something was done, and what `hypotheses.power` had foreseen
- looks: how often the interval of all looks excludes no effect at some week, though none is there
- the variance that knowing the time before saves, against the difference as it stands
"""

from __future__ import annotations

import datetime as dt
import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.hypotheses.design import assignment, power_analysis
from ltvkit.hypotheses.effects import comparisons, customer_days, targets
from ltvkit.hypotheses.evaluation import evaluate
from ltvkit.hypotheses.hypothesis import Hypothesis, Target
from ltvkit.ingest.readers import samples

RUNS, DONE, LOOKED = 2000, 600, 200  # shops: with nothing done; also with something; looked at
CUSTOMERS, DRAWN = 9000, 2000
YEARS, FOLLOWED = 3 * 365, 460  # days of a shop, and of a customer in it
BEGIN, START, LENGTH = dt.date(2021, 1, 1), 900, 56
METRICS = ("revenue_per_customer", "orders_per_customer", "retention_rate")
ANYBODY = Target("channel", ("a", "b"))
QUIET, KEEN = ("new", "promising"), ("champions", "loyal", "potential loyalist")
# How many of the treated place one more order, where something was done.
CHANCES = {
    "randomized": 0.075, "control alike": 0.055, "control unlike": 0.12, "last year": 0.1,
    "before, segment": 0.07, "before, decile": 0.02,
}  # fmt: skip
DESIGNS = {
    "randomized": {"comparison": "randomized", "target": ANYBODY},
    "control alike": {
        "comparison": "control_segment",
        "target": Target("channel", ("a",)),
        "control": Target("channel", ("b",)),
    },
    "control unlike": {
        "comparison": "control_segment",
        "target": Target("segment", KEEN),
        "control": Target("segment", QUIET),
    },
    "last year": {"comparison": "same_period_last_year", "target": Target("segment", QUIET)},
    "before, segment": {"comparison": "before_after", "target": Target("segment", QUIET)},
    "before, decile": {"comparison": "before_after", "target": Target("decile", ("9", "10"))},
}


CHOSEN = sys.argv[2:] or list(DESIGNS)


def pool() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """CDNOW's customers: where each begins, the days since the first order, the amounts."""
    log = samples.read_cdnow().sort_values(["customer_id", "order_date"], kind="stable")
    date = pd.to_datetime(log["order_date"])
    log = log.assign(day=(date - date.groupby(log["customer_id"]).transform("min")).dt.days)
    log = log[log["day"] <= FOLLOWED]
    who = pd.factorize(log["customer_id"])[0]
    begins = np.searchsorted(who, np.arange(who.max() + 2))
    return begins, log["day"].to_numpy(), log["amount"].to_numpy()


BEGINS, DAYS, AMOUNTS = pool()


def day(number: int) -> dt.date:
    return BEGIN + dt.timedelta(number)


def shop(rng: np.random.Generator) -> pd.DataFrame:
    """The order lines of one shop."""
    drawn = rng.integers(0, len(BEGINS) - 1, CUSTOMERS)
    count = BEGINS[drawn + 1] - BEGINS[drawn]
    who = np.repeat(np.arange(CUSTOMERS), count)
    at = np.arange(count.sum()) + np.repeat(BEGINS[drawn] - (np.cumsum(count) - count), count)
    when = DAYS[at] + rng.integers(-FOLLOWED // 2, YEARS, CUSTOMERS)[who]
    seen = (when >= 0) & (when < YEARS)
    channel = np.array(["a", "b"])[rng.integers(0, 2, CUSTOMERS)]
    return lines(
        np.char.zfill(who[seen].astype(str), 5), when[seen], AMOUNTS[at][seen], channel[who[seen]]
    )


def lines(who, when, amount, channel) -> pd.DataFrame:
    date = pd.Timestamp(BEGIN) + pd.to_timedelta(when, "D")
    known = {"customer_id": who, "order_id": np.arange(len(who)).astype(str), "order_date": date}
    return pd.DataFrame(known | {"amount": amount, "channel": channel})


def hypothesis(name: str, assigned: pd.DataFrame | None, worth: float) -> Hypothesis:
    words = dict.fromkeys(("title", "hypothesis", "owner", "department", "measure"), name)
    days = {"selected": day(START - 1), "start": day(START), "end": day(START + LENGTH - 1)}
    return Hypothesis(
        id="x", **words, **days, **DESIGNS[name],
        metric=METRICS[0], guardrails=METRICS[1:], smallest_effect=worth,
        assigned=assigned if name == "randomized" else None,
    )  # fmt: skip


def draw(known: customer_days.Histories, seed: int) -> pd.DataFrame:
    """Two thousand customers, half of them treated, drawn as the kit draws."""
    on = periods.number_of(day(START - 1))
    who = np.random.default_rng(seed).permutation(known.customers_on(on)["customer_id"])[:DRAWN]
    segment = targets.read_segments(known, who, on=on).to_numpy()
    table = pd.DataFrame({"customer_id": known.ids[who], "segment": segment})
    return assignment.assign(table, seed=seed)


def acted(rng, orders, known, treated, chance: float) -> tuple[pd.DataFrame, dict[str, float]]:
    """The lines after a measure on customers in `treated` places, and its true effects."""
    hit = treated[rng.random(len(treated)) < chance]
    when = rng.integers(START, START + LENGTH, len(hit))
    own = known.rows(treated).query("active > 0 and day < @known.last - @LENGTH")["revenue"]
    mean = own.mean()
    channel = np.asarray(known.channels)[hit]
    more = lines(known.ids[hit], when, rng.choice(own, len(hit)), channel)
    more = more.assign(order_id="m" + more["order_id"])
    first = periods.number_of(day(START))
    idle = 1 - known.column("active", treated, first, first + LENGTH - 1).mean()
    true = dict(zip(METRICS, (chance * mean, chance, chance * idle), strict=True))
    return pd.concat([orders, more], ignore_index=True), true


def judged(name: str, tried: Hypothesis, known, true: dict[str, float], **more) -> list[dict]:
    """What an evaluation says of each metric."""
    found = evaluate(tried, known, as_of=tried.end)
    rows = []
    for row in found.table.to_dict("records"):
        low, high = row["lowest"], row["highest"]
        rows.append(
            {
                "design": name,
                "metric": row["metric"],
                "grade": found.grade,
                "low": low,
                "high": high,
                "seen": row["p"] < 0.05,
                "held": low <= true[row["metric"]] <= high,
                "known": not np.isnan(row["p"]),
                "saved": found.extras["variance_saved"],
                **more,
            }
        )
    compared = comparisons.compare(known, found.hypothesis)
    made = compared.estimate(tried.metric, comparisons.read_strata(known, tried))
    low, high = made.bootstrap()
    rows[0]["boot"] = low <= true[METRICS[0]] <= high
    return rows


def run(seed: int) -> list[dict]:
    """One shop, every design, with and without an effect."""
    rng = np.random.default_rng(seed)
    orders = shop(rng)
    end = day(START + LENGTH - 1)
    known = customer_days.build(orders, as_of=end)
    assigned, rows = draw(known, seed), []
    nothing = dict.fromkeys(METRICS, 0.0)
    for name in CHOSEN:
        tried = hypothesis(name, assigned, 1.0)
        rows += judged(name, tried, known, nothing, done=False)
        if seed >= DONE:
            continue
        treated = comparisons.select_groups(known, tried).treated
        changed, true = acted(rng, orders, known, treated, CHANCES[name])
        tried = hypothesis(name, assigned, true[METRICS[0]])
        plan = power_analysis.power(tried, known, as_of=end, weeks=())
        after = customer_days.build(changed, as_of=end)
        after._done.known.update(past(known))
        rows += judged(name, tried, after, true, done=True, foreseen=plan["power"].iloc[0])
    looked = seed < LOOKED and "randomized" in CHOSEN
    return rows + (looks(orders, assigned) if looked else [])


def past(known: customer_days.Histories) -> dict:
    """What was found out about days before the start, which a measure after it does not change."""
    days = {key: key if isinstance(key, int) else key[-1] for key in known._done.known}
    first = periods.number_of(day(START))
    return {key: found for key, found in known._done.known.items() if days[key] < first}


def looks(orders: pd.DataFrame, assigned: pd.DataFrame) -> list[dict]:
    """Nothing was done; somebody looks every week."""
    tried, out = hypothesis("randomized", assigned, 1.0), dict.fromkeys(METRICS, False)
    for week in range(1, LENGTH // 7):
        as_of = day(START + 7 * week - 1)
        for row in evaluate(tried, orders, as_of=as_of).table.to_dict("records"):
            out[row["metric"]] |= row["lowest"] > 0 or row["highest"] < 0
    return [
        {"design": "randomized", "metric": m, "looked": True, "seen": o} for m, o in out.items()
    ]


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with ProcessPoolExecutor(2) as two:
        rows = pd.DataFrame([r for rows in two.map(run, range(runs), chunksize=4) for r in rows])
    looked = rows[rows["looked"].eq(True)] if "looked" in rows else rows.head(0)
    rows = rows[rows["done"].notna()]
    null, done = rows[~rows["done"].astype(bool)], rows[rows["done"].astype(bool)]
    by = ["design", "metric"]
    plain = done[(done["metric"] == METRICS[0]) & done["grade"].isin(["A", "B"])]
    shown = pd.DataFrame(
        {
            "false positives": null.groupby(by)["seen"].mean(),
            "coverage": done.groupby(by)["held"].mean(),
            "power": done.groupby(by)["seen"].mean(),
            "foreseen": done[done["metric"] == METRICS[0]].groupby(by)["foreseen"].mean(),
            "bootstrap": plain.groupby(by)["boot"].mean(),
            "looks": looked.groupby(by)["seen"].mean(),
        }
    )
    print(f"{runs} shops of {CUSTOMERS:,} customers, in percent:")
    print((100 * shown.astype(float)).round(1).to_string())
    grades = (
        null[null["metric"] == METRICS[0]].groupby("design")["grade"].value_counts(normalize=True)
    )
    print("grades, percent:\n", (100 * grades).round(1).to_string())
    saved = null[(null["design"] == "randomized") & (null["metric"] == METRICS[0])]["saved"]
    print(f"variance saved by the time before, revenue: {100 * saved.mean():.1f}%")


if __name__ == "__main__":
    main()

"""Are payments forecast? `python tests/benchmarks/bench_subscriptions.py [export.csv]`.

Simulated shops of 800 subscribers whose whole life is known, twelve months held out: monthly and
yearly fees, deliveries every one to three months, a term before anybody can leave, a price that has
just risen, a trial price, an export of those who were still there. For each method: the error of
payments and of revenue in the held-out year, of today's customers, over all shops and of the worst
one. The script fails if renewal rates are off by more than 5% over the shops of a kind. A file of a
monthly fee (member, day, ..., fee; CP932) is tried from four dates. Not part of the tests.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

from ltvkit.errors import TooLittleData
from ltvkit.forecast.subscriptions import METHODS, forecast_months

SHOPS, MEMBERS, KNOWN, AHEAD = 12, 800, 36, 12  # months
JANUARY = np.datetime64("2020-01")
KINDS = ("monthly", "yearly", "1 to 3 months", "term", "price rise", "trial", "only who stayed")
LATE = 24  # month from which on leavers are in the export of those who stayed


def shop(kind: str, rng: np.random.Generator) -> pd.DataFrame:
    """Order lines: each leaves at a renewal with a chance of their own, Beta(1, 12)."""
    every = np.full(MEMBERS, 12 if kind == "yearly" else 1)
    if kind == "1 to 3 months":
        every = rng.choice([1, 2, 3], MEMBERS, p=[0.6, 0.25, 0.15])
    born, price = rng.integers(0, KNOWN, MEMBERS), rng.choice([30.0, 50.0, 80.0], MEMBERS)
    stays = rng.geometric(rng.beta(1, 3 if kind == "yearly" else 12, MEMBERS))
    stays += 3 * (kind == "term")  # nobody leaves before the fourth payment
    paid = np.minimum(stays, -(-(KNOWN + AHEAD - born) // every))
    who = np.repeat(np.arange(MEMBERS), paid)
    number = np.concatenate([np.arange(n) for n in paid])
    month = born[who] + number * every[who]
    amount = price[who] * np.where((month >= KNOWN - 2) & (kind == "price rise"), 1.2, 1.0)
    amount = np.where((number == 0) & (kind == "trial"), 5.0, amount)
    day = rng.integers(0, 28, MEMBERS)[who]
    dates = (JANUARY + month).astype("datetime64[D]") + day
    lines = pd.DataFrame({"customer_id": who.astype(str), "order_date": dates, "amount": amount})
    lines = lines.assign(order_id=np.arange(who.size).astype(str), month=month)
    if kind == "only who stayed":
        last = lines.groupby("customer_id")["month"].transform("max")
        lines = lines[last >= LATE]
    return lines.astype({"order_date": "datetime64[us]"})


def compare(lines: pd.DataFrame, method: str) -> np.ndarray:
    """Payments and revenue of today's customers in the held-out year: forecast, then actual."""
    as_of = (JANUARY + KNOWN).astype("datetime64[D]") - 1
    past = lines[lines["month"] < KNOWN]
    found = forecast_months(past, as_of=str(as_of), months=AHEAD, method=method).table
    after = lines[lines["customer_id"].isin(past["customer_id"]) & (lines["month"] >= KNOWN)]
    return np.array([*found[["customers", "revenue"]].sum(), len(after), after["amount"].sum()])


def simulate() -> None:
    rows = []
    for kind in KINDS:
        for method in METHODS:
            each = np.array(
                [compare(shop(kind, np.random.default_rng(n)), method) for n in range(SHOPS)]
            )
            errors = each[:, :2] / each[:, 2:] - 1
            whole = each.sum(axis=0)
            row = {"kind": kind, "method": method, "payments": whole[0] / whole[2] - 1}
            row |= {"revenue": whole[1] / whole[3] - 1, "worst": np.abs(errors[:, 1]).max()}
            rows.append(row)
    table = pd.DataFrame(rows)
    print(table.round(3).to_string(index=False))
    own = table[table["method"] == "renewal_rates"]
    assert own["payments"].abs().max() < 0.05
    assert own["revenue"].abs().max() < 0.05


def try_file(path: str) -> None:
    """A monthly fee, from four dates up to its end."""
    raw = pd.read_csv(path, encoding="cp932")
    lines = pd.DataFrame({"customer_id": raw.iloc[:, 0], "amount": raw.iloc[:, 3].astype(float)})
    lines = lines.assign(order_date=pd.to_datetime(raw.iloc[:, 1]), order_id=raw.index.astype(str))
    month = lines["order_date"].dt.to_period("M")
    for back in (12, 9, 6, 3):
        split = month.max() - back
        old = lines["customer_id"].isin(lines.loc[month <= split, "customer_id"])
        actual = lines.loc[old & (month > split)]
        for method in METHODS:
            try:
                rule = {"as_of": split.end_time.normalize(), "months": back, "method": method}
                table = forecast_months(lines, **rule).table
            except TooLittleData as error:
                print(f"{split}, {back} months, {method}: {error}")
                continue
            payments = table["customers"].sum() / len(actual) - 1
            revenue = table["revenue"].sum() / actual["amount"].sum() - 1
            print(f"{split}, {back} months, {method}: {payments:+.1%}, revenue {revenue:+.1%}")


if __name__ == "__main__":
    simulate()
    for path in sys.argv[1:]:
        try_file(path)

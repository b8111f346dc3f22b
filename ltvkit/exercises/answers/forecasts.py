"""Who is still active, and how good a forecast was."""

from __future__ import annotations

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import customers, forecast
from ltvkit.core.i18n import _
from ltvkit.engines import frames
from ltvkit.errors import TooLittleData
from ltvkit.exercises.answers import Found
from ltvkit.ingest.book import Orders
from ltvkit.periods import Day

PARAMETERS = {"r": 1.0, "alpha": 10.0, "a": 1.0, "b": 1.0}  # of the example by hand
DORA = (3, 10.0, 20.0)  # repeat purchases, the week of the last one, weeks since the first
MONTHS, FIFTHS = 6, 5


def probability_by_hand() -> Found:
    """P(alive) of the customer of the exercise, by the example's parameters."""
    model = forecast.BetaGeoFitter()
    model.params_ = pd.Series(PARAMETERS)
    x, last, age = DORA
    right = float(model.conditional_probability_alive([x], [last], [age])[0])
    odds, base = (1 - right) / right, (PARAMETERS["alpha"] + age) / (PARAMETERS["alpha"] + last)
    wrong = {
        "gone": 1 - right,
        "odds": odds,
        "exponent": 1 / (1 + odds / base),
        "no_factor": 1 / (1 + base ** (1 + x)),
        "times": 1 / (1 + odds * 3 / 4),
    }
    return right, wrong, {"odds": round(odds, 4)}


def count_certain(book: Orders, as_of: Day) -> Found:
    """Customers without a repeat purchase, whom BG/NBD counts as active for certain."""
    buyers = customers.summarize(book.days, as_of=as_of)
    table = _count_by_days(buyers)
    once = int(table.get(1, 0))
    if once in (0, table.sum()):
        raise TooLittleData(_("either all of them or none came back."))
    active = forecast.predict(buyers, forecast.fit(buyers, model="mbg_nbd"))
    wrong = {
        "repeaters": table.sum() - once,
        "all": table.sum(),
        "twice": table.get(2, float("nan")),
        "expected": round(_sum(active, "p_alive")),
    }
    return once, wrong, {"all": int(table.sum())}


def count_active(book: Orders, as_of: Day) -> Found:
    """The sum of all P(alive) by MBG/NBD."""
    buyers = customers.summarize(book.days, as_of=as_of)
    alive = [
        _sum(forecast.predict(buyers, forecast.fit(buyers, model=name)), "p_alive")
        for name in ("mbg_nbd", "bg_nbd")
    ]
    table = _count_by_days(buyers)
    wrong = {
        "bg_nbd": alive[1],
        "all": table.sum(),
        "repeaters": table.sum() - table.get(1, 0),
        "share": alive[0] / table.sum(),
    }
    return alive[0], wrong, {"all": int(table.sum())}


def count_orders_after(book: Orders, as_of: Day, split: str) -> Found:
    """Days with an order after the split, of the customers known at it."""
    tested = _test(book, as_of, split)
    whole = _sum(customers.summarize(book.days, as_of=as_of), "purchase_days")
    actual, known = tested["actual"].sum(), tested["purchase_days"].sum()
    wrong = {
        "new_too": whole - known,
        "customers": (tested["actual"] > 0).sum(),
        "before": known,
        "until_now": known + actual,
    }
    return actual, wrong, {"n": len(tested)}


def error_in_total(book: Orders, as_of: Day, split: str) -> Found:
    """(forecast - actual) / actual, of the customers known at the split."""
    tested = _test(book, as_of, split)
    said, actual = tested["predicted"].sum(), tested["actual"].sum()
    whole = _sum(customers.summarize(book.days, as_of=as_of), "purchase_days")
    with_new = whole - tested["purchase_days"].sum()
    wrong = {
        "other_way": (actual - said) / actual,
        "new_too": said / with_new - 1,
        "by_customer": (tested["predicted"] - tested["actual"]).abs().sum() / actual,
        "ratio": said / actual,
    }
    return said / actual - 1, wrong, {"said": round(said), "actual": round(actual)}


def share_of_best_fifth(book: Orders, as_of: Day, split: str) -> Found:
    """Orders after the split of the fifth for whom most was forecast."""
    tested = _test(book, as_of, split).sort_values("predicted", kind="stable")
    size = len(tested) // FIFTHS
    best = tested.tail(size)
    top = tested.sort_values("actual", kind="stable").tail(size)
    frequent = tested.sort_values("purchase_days", kind="stable").tail(size)
    wrong = {
        "predicted": round(best["predicted"].sum()),
        "hindsight": top["actual"].sum(),
        "before": frequent["purchase_days"].sum(),
        "customers": size,
        "least": tested.head(size)["actual"].sum(),
    }
    return best["actual"].sum(), wrong, {"all": int(tested["actual"].sum())}


def _test(book: Orders, as_of: Day, split: str) -> pd.DataFrame:
    """A row per customer known at the split: purchase_days until it, predicted, actual after it."""
    known = customers.summarize(book.days, as_of=split)
    said = forecast.predict(known, forecast.fit(known, model="bg_nbd"), months=(MONTHS,))
    name = f"orders_{MONTHS}m"
    table = frames.table(frames.lazy(said).select("customer_id", "purchase_days", name))
    now = frames.lazy(customers.summarize(book.days, as_of=as_of))
    days = frames.table(now.select("customer_id", "purchase_days")).set_index("customer_id")
    table = table.sort_values("customer_id").set_index("customer_id")
    actual = days["purchase_days"].reindex(table.index) - table["purchase_days"]
    if not actual.sum() > 0:
        raise TooLittleData(_("nobody who was known at the split ordered after it."))
    return table.rename(columns={name: "predicted"}).assign(actual=actual)


def _count_by_days(buyers: frames.Frame) -> pd.Series:
    """Customers by the number of days on which they bought."""
    counted = frames.add_up(frames.lazy(buyers), "purchase_days", sums=("orders",), n=nw.len())
    return counted.set_index("purchase_days")["n"]


def _sum(frame: frames.Frame, column: str) -> float:
    return float(frames.table(frames.lazy(frame).select(nw.col(column).sum()))[column].iloc[0])

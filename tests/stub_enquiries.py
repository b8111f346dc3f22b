"""Enquiries for tests: those of the sample shop, small ones by hand, and texts made by the kit."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from ltvkit import orders, support
from ltvkit.samples import enquiries as sample

AS_OF = "2024-09-30"


@cache
def read_sample() -> pd.DataFrame:
    return support.read_enquiries({"source": "demo:enquiries"}, engine="pandas").rows


@cache
def read_orders():
    return orders.read("demo:shop", policies={"cancelled_status": ["cancelled"]}, engine="pandas")


def make_enquiries(*rows: tuple, columns: tuple[str, ...] = ()) -> pd.DataFrame:
    """Enquiries from (customer_id, day, text, ...) rows, with more `columns`."""
    frame = pd.DataFrame(rows, columns=["customer_id", "day", "text", *columns])
    time = pd.to_datetime(frame.pop("day")) + pd.Timedelta(hours=10)
    ids = [f"e{n:04d}" for n in range(len(frame))]
    return frame.assign(enquiry_id=ids, enquiry_time=time, enquiry_date=time.dt.normalize())


# Intents that texts are drawn from, and how often: three can be told apart, two share their texts.
SHARES = {
    "delivery_status": 0.3, "receipt": 0.25, "change_address": 0.2, "return_request": 0.1,
    "cancel_order": 0.1, "complaint": 0.05,
}  # fmt: skip


def draw_texts(n: int, *, seed: int, noise: float = 0.0) -> pd.DataFrame:
    """Texts of intents at random, one a minute; `noise`: the share whose intent was named wrongly,
    so that no model is right more often than that."""
    rng, known = np.random.default_rng(seed), sample.truth()
    intents = rng.choice(list(SHARES), n, p=list(SHARES.values()))
    texts = sample.write_texts(rng, list(intents), known)
    wrong = rng.random(n) < noise
    named = np.where(wrong, rng.choice(list(SHARES)[:3], n), intents)
    time = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(n), "min")
    return pd.DataFrame(
        {"enquiry_id": [f"e{k:06d}" for k in range(n)], "customer_id": [f"c{k}" for k in range(n)],
         "enquiry_time": time, "enquiry_date": time.normalize(), "text": texts, "intent": named}
    )  # fmt: skip


def find_broken(router: support.Router, fresh: pd.DataFrame) -> list[str]:
    """Enquiries that come next -> the intents answered automatically that are right too rarely."""
    found = router.judge(fresh["text"])
    taken = (found["reason"] == "").to_numpy()
    right = (found["intent"].to_numpy() == fresh["intent"].to_numpy())[taken]
    by_intent = pd.Series(right).groupby(found["intent"][taken].to_numpy()).mean()
    return sorted(by_intent.index[by_intent < router.promise])

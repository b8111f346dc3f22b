"""Events of the sample shop: visits before the first order, reviews and referral codes after it.

The true rates between stages stand in events.yaml. Purchases are those of the shop; around them are
visitors who never bought, as many as these rates ask for.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ltvkit.core import files
from ltvkit.samples import shop

TRUTH = files.read_yaml(__name__, "events.yaml")
STAGES = ("attention", "interest", "comparison", "purchase")
NAMES = dict(zip(STAGES, ("first_visit", "view_item", "add_to_cart", "purchase"), strict=True))
COLUMNS = ["event_time", "event", "visitor_id", "customer_id", "channel", "order_id", "referred_by"]
AHEAD = 60  # days after the end of the data, of whose buyers the first stages are seen already
JITTER = 7  # days around those of a buyer, in which others reached the same stage
MORNING, EVENING = 7, 23  # hours


def truth() -> dict:
    """The parameters that the events are made from, as events.yaml explains them.

    >>> truth()["rates"]["search"]["purchase"]
    0.48
    """
    return dict(TRUTH)


def simulate(orders: pd.DataFrame | None = None, *, seed: int = 20240402) -> pd.DataFrame:
    """The sample shop's order export (or that of `shop.simulate`) -> its event export by time.

    event_time ("2023-04-01 08:15"), event, visitor_id, customer_id, channel, order_id, referred_by;
    what an event does not have is empty. Customers whose first order was before the log begins have
    no journey in it, but their later orders, reviews and codes.
    """
    lines = shop.simulate() if orders is None else orders
    streams = np.random.default_rng(seed).spawn(5)
    known = lines[(lines["status"] == "shipped") & (lines["customer_id"] != "")]
    placed = known.drop_duplicates("order_id")[["order_id", "customer_id", "channel", "order_date"]]
    placed = placed.assign(day=pd.to_datetime(placed["order_date"]).to_numpy().astype("M8[D]"))
    placed = placed.sort_values(["day", "order_id"], ignore_index=True)
    begin, end = np.datetime64(TRUTH["first"]), placed["day"].max().to_datetime64()
    first = placed.drop_duplicates("customer_id")
    journeys = _travel(streams[0], first[first["day"] >= begin], end)
    parts = [
        journeys,
        _order_again(streams[1], placed, first, journeys),
        _review(streams[2], placed),
        _introduce(streams[3], first, begin),
        _look_up(streams[4], first, begin, end),
    ]
    events = pd.concat(parts, ignore_index=True)
    events = events[events["at"].between(begin, end + np.timedelta64(1, "D"), inclusive="left")]
    events = events.assign(event_time=events["at"].dt.strftime("%Y-%m-%d %H:%M"))
    events = events.reindex(columns=COLUMNS).fillna("")
    return events.sort_values(COLUMNS, ignore_index=True)


def _travel(rng, first: pd.DataFrame, end: np.datetime64) -> pd.DataFrame:
    """First orders -> the events of those who bought, of those who will soon, and of all others.

    Of each person the last stage is drawn backwards: around one who went on there are as many who
    did not as the rate asks for (the failures before a success: geometric).
    """
    seen = first[rng.random(len(first)) < TRUTH["recorded"]]
    coming = seen[seen["day"] > end - np.timedelta64(AHEAD, "D")]
    coming = coming.assign(day=coming["day"] + np.timedelta64(AHEAD, "D"), customer_id="")
    people = pd.concat([seen, coming.assign(order_id="")], ignore_index=True)
    people = people.rename(columns={"day": "purchase"})[
        ["customer_id", "order_id", "channel", "purchase"]
    ]
    for before, stage in zip(STAGES[-2::-1], STAGES[:0:-1], strict=True):
        waited = rng.exponential(TRUTH["mean_days"][stage], len(people)).astype(int)
        people[before] = people[stage] - waited.astype("m8[D]")
        rate = people["channel"].map({c: r[stage] for c, r in TRUTH["rates"].items()})
        failed = people.loc[np.repeat(people.index, rng.geometric(rate) - 1), ["channel", before]]
        moved = rng.integers(-JITTER, JITTER + 1, len(failed)).astype("m8[D]")
        people = pd.concat([people, failed.assign(**{before: failed[before] + moved})])
        people = people.reset_index(drop=True)
    people = people.sort_values([STAGES[0], "channel"], ignore_index=True)
    people["visitor_id"] = _number("V", people.index.to_numpy())
    rows = []
    for place, stage in enumerate(STAGES):
        reached = people[people[stage].notna()]
        part = (place + rng.random(len(reached))) / len(STAGES)
        rows.append(reached.assign(event=NAMES[stage], at=_time(reached[stage], part)))
    events = pd.concat(rows, ignore_index=True)
    bought = events["event"].eq(NAMES["purchase"]).to_numpy()
    named = bought & (rng.random(len(events)) < TRUTH["named"])
    ordered = bought & (rng.random(len(events)) < TRUTH["ordered"])
    events["customer_id"] = events["customer_id"].where(named)
    events["order_id"] = events["order_id"].where(ordered)
    return events[["at", "event", "visitor_id", "customer_id", "channel", "order_id"]]


def _order_again(rng, placed, first, journeys) -> pd.DataFrame:
    """Later orders of all customers, with their id; a few on the device of somebody else."""
    again = placed[~placed["order_id"].isin(first["order_id"])]
    again = again[rng.random(len(again)) < TRUTH["recorded"]]
    own = journeys[journeys["order_id"].notna() & (journeys["order_id"] != "")]
    devices = own.merge(first[["order_id", "customer_id"]], on="order_id", suffixes=("_seen", ""))
    devices = devices.set_index("customer_id")["visitor_id"]
    others = first.loc[rng.random(len(first)) < TRUTH["shared"], "customer_id"]
    borrowed = pd.Series(rng.choice(devices.to_numpy(), len(others)), index=others)
    device = again["customer_id"].map(borrowed).fillna(again["customer_id"].map(devices))
    at = _time(again["day"], rng.random(len(again)))
    return again.assign(event=NAMES["purchase"], at=at, visitor_id=device)[
        ["at", "event", "visitor_id", "customer_id", "channel", "order_id"]
    ]


def _review(rng, placed: pd.DataFrame) -> pd.DataFrame:
    written = placed[rng.random(len(placed)) < TRUTH["review"]]
    low, high = TRUTH["review_days"]
    day = written["day"] + rng.integers(low, high + 1, len(written)).astype("m8[D]")
    at = _time(day, rng.random(len(written)))
    return written[["customer_id"]].assign(event="write_review", at=at)


def _introduce(rng, first: pd.DataFrame, begin: np.datetime64) -> pd.DataFrame:
    """Customers won by referral -> the code that they named: that of somebody who had bought."""
    won = first[(first["channel"] == "referral") & (first["day"] >= begin)]
    won = won[rng.random(len(won)) < TRUTH["names_code"]]
    days, ids = first["day"].to_numpy(), first["customer_id"].to_numpy()
    last = np.searchsorted(days, won["day"].to_numpy())
    since = np.searchsorted(days, won["day"].to_numpy() - np.timedelta64(TRUTH["code_days"], "D"))
    place = since + (rng.random(len(won)) * (last - since)).astype(int)
    won = won.assign(referred_by=ids[np.maximum(np.minimum(place, last - 1), 0)])[last > since]
    at = _time(won["day"], rng.random(len(won)))
    columns = ["customer_id", "channel", "order_id", "referred_by"]
    return won[columns].assign(event="referred", at=at)


def _look_up(rng, first, begin, end) -> pd.DataFrame:
    since = np.maximum(first["day"].to_numpy(), begin)
    days = (np.datetime64(end, "D") - since.astype("M8[D]")).astype(int)
    looked = rng.poisson(TRUTH["look_up"] * days / 30)
    who = np.repeat(np.arange(len(first)), looked)
    day = since[who] + (rng.random(len(who)) * (days[who] + 1)).astype("m8[D]")
    ids = first["customer_id"].to_numpy()[who]
    at = _time(pd.Series(day), rng.random(len(who)))
    return pd.DataFrame({"at": at.to_numpy(), "event": "view_order_history", "customer_id": ids})


def _time(day: pd.Series, part: np.ndarray) -> pd.Series:
    """Days, and which part of the day is over -> a minute of it."""
    minutes = 60 * MORNING + (part * 60 * (EVENING - MORNING)).astype(int)
    return pd.to_datetime(day) + pd.to_timedelta(minutes, unit="min")


def _number(letter: str, places: np.ndarray) -> pd.Series:
    return letter + pd.Series(places + 1).astype(str).str.zfill(6)

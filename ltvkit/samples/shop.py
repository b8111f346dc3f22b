"""A simulated mail-order shop with known parameters."""

from pathlib import Path

import numpy as np
import pandas as pd

from ltvkit.errors import ParamsError
from ltvkit.samples import measures as planted
from ltvkit.samples import planted_traits

START = np.datetime64("2022-04")
COLUMNS = ["order_id", "order_date", "customer_id", "status", "product_id", "product", "category"]
COLUMNS += ["quantity", "unit_price", "amount", "margin", "channel"]
CHANNELS = {"search": 0.34, "social": 0.22, "affiliate": 0.18, "catalogue": 0.16, "referral": 0.10}
SEASON = np.array([0.95, 0.9, 1.1, 1.1, 1.05, 0.9, 1.15, 0.9, 0.9, 1.0, 1.1, 1.25])  # January first
GROWTH = 0.8  # by how much the pace of acquisition rises over the window
CANCELLED, GUESTS, RETURNED = 0.02, 0.03, 0.03  # shares, added to the true orders and lines
PICKS = {1: 0.45, 2: 0.30, 3: 0.15, 4: 0.10}  # products per order; 1 + yen / 2,000 at most


def truth() -> dict[str, float]:
    """The parameters that the shop is made from.

    BG/NBD, in weeks: buying rate ~ Gamma(`r`, rate `alpha`) repeat orders a week, drop-out chance
    ~ Beta(`a`, `b`). Gamma-Gamma, in yen: an order's value ~ Gamma(`p`, rate nu), nu ~ Gamma(`q`,
    rate `v`); its mean is p * v / (q - 1). Channel and category change none of them.

    >>> "{p} * {v} / ({q} - 1) = 6,000 yen".format(**truth())
    '5.0 * 3600.0 / (4.0 - 1) = 6,000 yen'
    """
    return {"r": 0.4, "alpha": 14.0, "a": 0.6, "b": 2.6, "p": 5.0, "q": 4.0, "v": 3600.0}


def simulate(
    *,
    customers: int = 5000,
    months: int = 30,
    seed: int = 20240401,
    measures: bool = True,
    traits: bool = False,
) -> pd.DataFrame:
    """The order export of a sample shop: one row per order line, sorted by date and order id.

    `customers` are acquired from 2022-04-01 to the last day of month `months`, the end of the
    data. An order's value is rounded once, to whole yen (1 at least); its lines share it by list
    price and add up to it exactly. `unit_price` is the list price, `amount` what was paid, less
    coupons. The `truth` describes the "shipped" lines that name a customer; cancelled orders, guest
    orders (empty `customer_id`) and returns (negative lines of an earlier sale, its order id with R
    for S) are added, and so are the effects of what the shop did (measures.yaml), unless
    `measures` is false. With `traits`, customers also differ by their first order
    (planted_traits.yaml). Raises `ParamsError` if `customers` or `months` is below 1.

    >>> simulate(customers=100, months=6)["status"].value_counts().index.tolist()
    ['shipped', 'returned', 'cancelled']
    """
    if customers < 1 or months < 1:
        raise ParamsError(f"customers={customers}, months={months}: both must be 1 or more.")
    days = np.arange(START, START + months, dtype="M8[D]")
    streams = np.random.default_rng(seed).spawn(6)
    acquiring, buying, spoiling, filling, returning, acting = streams
    sales = _buy(buying, _acquire(acquiring, customers, days), days.size)
    if traits:
        sales = planted_traits.apply(sales, start=START)
    if measures:
        start = START.astype("M8[D]").astype(object)
        sales = planted.apply(acting, sales, start=start, days=days.size)
    lines = _fill(filling, _spoil(spoiling, sales, days.size))
    lines = _return(returning, lines, days.size)
    lines = lines.assign(order_date=np.datetime_as_string(days[lines["day"]]))
    return lines.sort_values(["day", "order_id"], ignore_index=True)[COLUMNS]


def _acquire(rng, customers, days):
    """Customers by first order: `at` in days since START, `channel`; some months bring more."""
    pace = SEASON[days.astype("M8[M]").astype(int) % 12] * np.linspace(1, 1 + GROWTH, days.size)
    at = np.sort(rng.choice(days.size, customers, p=pace / pace.sum()) + rng.random(customers))
    channel = rng.choice(list(CHANNELS), customers, p=list(CHANNELS.values()))
    names = "C" + pd.Series(np.arange(1, customers + 1)).astype(str).str.zfill(6)
    return pd.DataFrame({"customer_id": names, "channel": channel, "at": at})


def _buy(rng, people, end):
    """Every true order: BG/NBD times `at` (in days, before `end`) and Gamma-Gamma values.

    All are active at their first order and leave with chance p after each repeat order (Fader,
    Hardie, Lee 2005). Exponential gaps up to `end` give a Poisson number of uniform instants, and
    the number of the repeat order after which a customer leaves is geometric, so no loop is needed.
    """
    known, first, n = truth(), people["at"].to_numpy(), len(people)
    rate = rng.gamma(known["r"], 1 / (7 * known["alpha"]), n)
    last = rng.geometric(np.maximum(rng.beta(known["a"], known["b"], n), 1e-12))
    who = np.repeat(np.arange(n), rng.poisson(rate * (end - first)))
    at = first[who] + rng.random(who.size) * (end - first[who])
    at = at[np.lexsort((at, who))]
    kept = np.arange(who.size) - np.searchsorted(who, who) < last[who]
    who, at = np.r_[np.arange(n), who[kept]], np.r_[first, at[kept]]
    nu = rng.gamma(known["q"], 1 / known["v"], n)[who]
    value = np.maximum(np.rint(rng.gamma(known["p"], 1 / nu)), 1).astype("int64")
    return people.iloc[who].assign(at=at, value=value, status="shipped")


def _spoil(rng, sales, end):
    """Cancelled and guest orders added; `order_id` counts all by time, `day` is the whole day."""
    again = sales.iloc[rng.integers(len(sales), size=round(CANCELLED * len(sales)))]
    later = again["at"] + rng.random(len(again)) * np.minimum(14, end - again["at"])
    guests = sales.iloc[rng.integers(len(sales), size=round(GUESTS * len(sales)))]
    extra = [again.assign(at=later, status="cancelled"), guests.assign(customer_id="")]
    sales = pd.concat([sales, *extra]).sort_values("at", kind="stable", ignore_index=True)
    number = "S" + pd.Series(np.arange(1, len(sales) + 1)).astype(str).str.zfill(7)
    return sales.assign(order_id=number, day=np.minimum(sales["at"].astype("int64"), end - 1))


def _goods():
    """One row per product, with the Zipf `share` of picks it gets: every category has its hits."""
    goods = pd.read_csv(Path(__file__).with_name("catalogue.csv"))
    ids = [f"P{number:03d}" for number in range(1, len(goods) + 1)]
    weight = 1 / (np.arange(len(goods)) * 17 % len(goods) + 1)
    return goods.assign(product_id=ids, share=weight / weight.sum())


def _fill(rng, sales):
    """Order lines: the products, how many of each, and the order's value shared among them."""
    goods, value = _goods(), sales["value"].to_numpy()
    picks = rng.choice(list(PICKS), len(sales), p=list(PICKS.values()))
    order = np.repeat(np.arange(len(sales)), np.minimum(picks, 1 + value // 2000))
    item = rng.choice(len(goods), order.size, p=goods["share"])
    # The same product twice in an order is one line.
    order, item = np.divmod(np.unique(order * len(goods) + item), len(goods))
    goods = goods.iloc[item].reset_index(drop=True)
    quantity, amount = _pay(order, goods["unit_price"].to_numpy(), value)
    margin = np.rint(amount * goods["margin_rate"]).astype("int64")
    lines = pd.concat([sales.iloc[order].reset_index(drop=True), goods], axis=1)
    return lines.assign(quantity=quantity, amount=amount, margin=margin)


def _pay(order, price, value):
    """Quantities worth `value` or more at list price, and what is paid for each: `value` in all."""
    opens = np.diff(order, prepend=-1) > 0
    starts = np.flatnonzero(opens)
    quantity = np.maximum(value // np.add.reduceat(price, starts), 1)[order]
    missing = value - np.add.reduceat(quantity * price, starts)
    quantity[starts] += np.maximum(-(-missing // price[starts]), 0)
    total = np.add.reduceat(quantity * price, starts)
    # Rounding the running total, and not each line, is what makes the lines add up.
    running = np.cumsum(quantity * price) - (np.cumsum(total) - total)[order]
    paid = running * value[order] // total[order]
    return quantity, np.where(opens, paid, np.diff(paid, prepend=0))


def _return(rng, lines, end):
    """Lines and their returns: negative, 3 to 21 days later, before `end`, one day per order."""
    wait = rng.integers(3, 22, len(lines))[pd.factorize(lines["order_id"])[0]]
    back = lines.assign(day=lines["day"] + wait, order_id=lines["order_id"].str.replace("S", "R"))
    true = (back["status"] == "shipped") & (back["customer_id"] != "") & (back["day"] < end)
    back = back[true & (rng.random(len(back)) < RETURNED)].assign(status="returned")
    return pd.concat([lines, back.assign(**-back[["quantity", "amount", "margin"]])])

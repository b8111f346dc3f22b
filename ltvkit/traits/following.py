"""New customers followed to one age: the traits of their first order, and what they brought."""

from __future__ import annotations

from dataclasses import dataclass

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import periods
from ltvkit.core.i18n import _
from ltvkit.engines import frames, sampling
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, TooLittleData, check_share
from ltvkit.ingest import daily
from ltvkit.periods import Day
from ltvkit.traits import first_orders
from ltvkit.traits.texts import fill

AGES = (12, 6, 3)  # months to follow customers; the longest that fits
LEAST_COHORTS = 3  # months in which those were won who have lived through as many
LEAST = 100  # customers
MAX_CUSTOMERS = 30_000  # of more, a sample is followed (see `sampling`)


@dataclass(frozen=True)
class Followed:
    """Customers who have lived through the first `months`, and what each brought in them.

    `table`: a row per customer, in the order of their ids: `born` (the month of the first order, as
    a number), `first_order`, `amount` (of the first order), `ltv`, and a column per trait.
    `traits`: their names. `of`: revenue or margin. `whole`: how many customers have lived so long;
    where these are more than 30,000, the table is a sample of them.
    """

    table: pd.DataFrame
    traits: tuple[str, ...]
    months: int
    of: str
    whole: int

    @property
    def note(self) -> str:
        """That a sample was used; "" if all customers were."""
        return sampling.note(len(self.table), of=self.whole)

    @property
    def unit(self) -> str:
        """What `ltv` adds up, in words."""
        return _("margin") if self.of == "margin" else _("revenue")


def follow(
    customers: Frame,
    days: Frame,
    *,
    as_of: Day,
    of: str = "revenue",
    months: int = 0,
    margin_rate: float = 0.0,
) -> Followed:
    """Customers of `first_orders.collect`, and order lines or their days -> `Followed`.

    LTV is what a customer brings in the first `months` calendar months, of which that of the first
    order is one (12: ages 0 to 11), returns netted; 0: 12 of them, 6 or 3 where the orders span
    less, which must leave three months of new customers. `of` "margin": of the orders, or
    `margin_rate` times revenue. Raises `ColumnError` without a margin, and `TooLittleData` where
    too few customers are old enough.
    """
    check_share("margin_rate", margin_rate)
    if months < 0 or not isinstance(months, int):
        raise ParamsError(f"months={months!r}: give a whole number, or 0.")
    money = "revenue" if of == "margin" and margin_rate else of
    traits = first_orders.list_traits(customers)
    opened = frames.lazy(customers).select(*first_orders.OWN, *traits)
    born = opened.with_columns(born=periods.index("first_order", "month"))
    last = periods.last_whole(as_of, "month")
    months = months or _choose_age(born, last)
    old = born.filter(nw.col("born") <= last + 1 - months)
    whole = frames.count(old)
    if whole < LEAST:
        raise TooLittleData(fill("too_few_followed", least=LEAST, n=whole, months=months))
    part, _share = sampling.draw(old.to_native(), most=MAX_CUSTOMERS, among=whole)
    table = frames.table(_add_ltv(frames.lazy(part), days, as_of=as_of, money=money, months=months))
    table = table.sort_values("customer_id", ignore_index=True).drop(columns="customer_id")
    table["ltv"] = table["ltv"].astype(float) * (margin_rate if money != of else 1.0)
    return Followed(table, tuple(traits), months, of, whole)


def _choose_age(born: nw.LazyFrame, last: int) -> int:
    """For how many months to follow: the first of the ages with three whole months of customers."""
    first = frames.table(born.select(nw.col("born").min()))["born"].iloc[0]
    whole = 0 if pd.isna(first) else last - int(first) + 1
    found = next((age for age in AGES if whole >= age + LEAST_COHORTS - 1), 0)
    if not found:
        least = min(AGES) + LEAST_COHORTS - 1
        raise TooLittleData(fill("too_young", least=least, n=max(whole, 0)))
    return found


def _add_ltv(
    customers: nw.LazyFrame, days: Frame, *, as_of: Day, money: str, months: int
) -> nw.LazyFrame:
    seen = frames.lazy(daily.select_days(days, as_of=as_of).to_native(), needs=(money,))
    seen = seen.with_columns(_period=periods.index("order_date", "month"))
    aged = seen.select("customer_id", "_period", money).join(
        customers.select("customer_id", "born"), on="customer_id"
    )
    age = nw.col("_period") - nw.col("born")
    summed = aged.filter(age >= 0, age < months).group_by("customer_id").agg(nw.col(money).sum())
    paid = summed.with_columns(frames.round_money(money)).rename({money: "ltv"})
    joined = customers.join(paid, on="customer_id", how="left")
    return joined.with_columns(nw.col("ltv").fill_null(0.0))

"""Traits of first orders that the sample shop `demo:traits` is given: their true effects are known.

All orders of a customer with the trait are worth more, or less, so LTV is by the same factor, at
any age, whatever else is true of the customer.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from ltvkit.core import files


class Trait(NamedTuple):
    """One trait, as planted_traits.yaml explains it."""

    id: str
    worth: float
    channel: str = ""
    months: tuple[int, ...] = ()


TRAITS = tuple(Trait(**facts) for facts in files.read_yaml(__name__, "planted_traits.yaml"))


def apply(sales: pd.DataFrame, *, start: np.datetime64) -> pd.DataFrame:
    """True orders (customer_id, channel, `at` in days since `start`, value) -> with all traits."""
    first = sales.groupby("customer_id")["at"].transform("min").to_numpy().astype("int64")
    month = (start.astype("M8[D]") + first).astype("M8[M]").astype(int) % 12 + 1
    worth = np.ones(len(sales))
    for trait in TRAITS:
        has = np.isin(month, trait.months) if trait.months else np.ones(len(sales), dtype=bool)
        if trait.channel:
            has = has & (sales["channel"] == trait.channel).to_numpy()
        worth = np.where(has, worth * trait.worth, worth)
    value = np.maximum(np.rint(sales["value"].to_numpy() * worth), 1).astype("int64")
    return sales.assign(value=value)

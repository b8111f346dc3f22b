"""Why revenue changed, and what a stage that was reached is worth."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ltvkit import drivers
from ltvkit.core.i18n import _
from ltvkit.errors import TooLittleData
from ltvkit.exercises.answers import Found
from ltvkit.funnel.stages import ADVOCATING

BEFORE = {"customers": 200, "average_order_value": 5000}  # of the exercise by hand
AFTER = {"customers": 150, "average_order_value": 6000}
NEW, KEPT, WON_BACK = "new_customers_a_day", "kept_customers_a_day", "won_back_a_day"


def share_by_hand() -> Found:
    """The Shapley value of the customers in a change of customers times average order value."""
    product = drivers.Formula("customers * average_order_value")
    parts = {name: float(part) for name, part in drivers.attribute(product, BEFORE, AFTER).items()}
    (n, value), (n_after, value_after) = BEFORE.values(), AFTER.values()
    wrong = {
        "customers_first": (n_after - n) * value,
        "value_first": (n_after - n) * value_after,
        "whole": n_after * value_after - n * value,
        "other_part": parts["average_order_value"],
        "sign": -parts["customers"],
    }
    return parts["customers"], wrong, {}


def part_of_new_customers(change: drivers.Change) -> Found:
    """What the number of new customers a day has to do with a change of revenue."""
    parts = change.table.set_index("leaf")["change_in_revenue"]
    if NEW not in parts or not parts[NEW]:
        raise TooLittleData(_("who was new cannot be told, or did not change."))
    all_customers = parts.reindex([NEW, KEPT, WON_BACK]).sum()
    wrong = {
        "all_customers": all_customers,
        "whole": parts.sum(),
        "kept": parts.get(KEPT, np.nan),
        "one_sign": -parts[NEW],
    }
    return parts[NEW], wrong, {"share": float(parts[NEW] / parts.sum())}


def value_of_a_review(reached: pd.DataFrame, ever: pd.DataFrame) -> Found:
    """What who had written a review by the landmark brought more than similar customers."""
    later, naive = (table[table["stage"] == ADVOCATING] for table in (reached, ever))
    if naive.empty or later["ltv_difference"].isna().all():
        raise TooLittleData(_("too few customers have written a review."))
    row = later.iloc[0]
    wrong = {
        "ever": naive["ltv_difference"].iloc[0],
        "later": row["ltv_later"],
        "similar": row["ltv_of_similar"],
        "highest": row["high"],
    }
    return row["ltv_difference"], wrong, {}

"""The metrics of a hypothesis, as data: each is a sum over customers by another sum.

A figure of a group is the sum of `of` by the sum of `per`, over one window of days. All are the
better the higher.
"""

from __future__ import annotations

from typing import NamedTuple

from ltvkit.core.i18n import N_


class Metric(NamedTuple):
    """`of` / `per` are columns of `histories.Histories.column`."""

    of: str
    per: str
    definition: str


METRICS = {
    "revenue_per_customer": Metric(
        "revenue", "customers", N_("revenue in the window by the customers of the group")
    ),
    "margin_per_customer": Metric(
        "margin", "customers", N_("margin in the window by the customers of the group")
    ),
    "orders_per_customer": Metric(
        "orders", "customers", N_("orders in the window by the customers of the group")
    ),
    "items_per_customer": Metric(
        "quantity", "customers", N_("items bought in the window by the customers of the group")
    ),
    "average_order_value": Metric(
        "revenue", "orders", N_("revenue in the window by orders in the window")
    ),
    "retention_rate": Metric(
        "active", "customers", N_("share of the group that ordered in the window")
    ),
    "second_order_rate": Metric(
        "second", "once", N_("of those who had ordered once before it, the share that ordered")
    ),
}

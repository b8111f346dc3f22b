"""The decisions at the door that change a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from ltvkit import periods
from ltvkit.errors import ParamsError, nearest, one_of

RESERVED = ("line", "reason", "born", "cohort", "age")


@dataclass(frozen=True)
class Policies:
    """The decisions that change a number; each is printed with the report.

    - `date_format`: how dates are written, as in "%d/%m/%Y"; empty: year first, in the usual forms.
    - `returns`: lines below zero are "net" (they lower revenue), "separate" (kept beside, out of
      revenue) or "drop" (quarantined). Under "net", a return without an earlier purchase by that
      customer in the data is quarantined: it belongs to a sale that was not seen.
    - `cancelled_status`: values of `status` that mean a cancelled line; quarantined.
    - `cancelled_prefix`: beginning of the order ids that mean a cancellation; quarantined.
    - `zero_amounts`: lines of zero are "keep" (a purchase that earned nothing) or "drop".
    - `guest_ids`: customer ids that mean "nobody". Lines without a customer are always counted,
      shown and quarantined: nobody's lifetime value can be followed.
    - `same_day`: a customer's orders of one day are "separate" or "one_order". Where the export
      has no order_id, each line is an order ("separate") or each day is one ("one_order").
    - `data_until`: the last day that the export covers; later lines are quarantined. Empty: the
      last order's day.

    Exact duplicates are kept and warned about, since two equal lines can be two sales.
    """

    date_format: str = ""
    returns: str = "net"
    cancelled_status: tuple[str, ...] = ()
    cancelled_prefix: str = ""
    zero_amounts: str = "keep"
    guest_ids: tuple[str, ...] = ()
    same_day: str = "separate"
    data_until: str = ""

    def __post_init__(self) -> None:
        one_of("returns", self.returns, ("net", "separate", "drop"))
        one_of("zero_amounts", self.zero_amounts, ("keep", "drop"))
        one_of("same_day", self.same_day, ("separate", "one_order"))
        for name in ("cancelled_status", "guest_ids"):
            if isinstance(getattr(self, name), str):
                raise ParamsError(
                    f"policies: {name} must be a list, as in [{getattr(self, name)}]."
                )
            object.__setattr__(self, name, tuple(map(str, getattr(self, name))))
        if self.data_until:
            periods.day(self.data_until)


def check_options(*, columns: Mapping | None = None, policies: Mapping | None = None) -> Policies:
    """`policies` as `Policies`; raises `ParamsError` naming an unknown key and the nearest one."""
    known = [f.name for f in fields(Policies)]
    for name in policies or {}:
        if name not in known:
            raise ParamsError(
                f"policies: '{name}' is not a policy.{nearest(name, known)} "
                f"Known: {', '.join(known)}."
            )
    for name, raw in (columns or {}).items():
        if not isinstance(raw, str):
            raise ParamsError(f"columns: {name}: {raw!r} must be the header's text, in quotes.")
        if name in RESERVED or str(name).startswith("_"):
            raise ParamsError(f"columns: '{name}' is a name of the kit's own; choose another.")
        if not str(name).isidentifier():
            raise ParamsError(f"columns: '{name}' must be letters, digits and _, as in gift_wrap.")
    return Policies(**dict(policies or {}))

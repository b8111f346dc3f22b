"""The time zones of orders: what is proposed, and whose days are asked about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ltvkit.core import files
from ltvkit.core.i18n import _
from ltvkit.display import joining
from ltvkit.ingest import pipeline
from ltvkit.ingest.parse import date_formats, dates, values
from ltvkit.ingest.policies import Policies
from ltvkit.inspection import day_counts

if TYPE_CHECKING:
    from ltvkit.inspection.result import Inspection

ZONES = files.read_yaml(__name__, "zones.yaml")
_ZONED = r"[0-9]:[0-9]{2}(?:\.[0-9]+)?(?: ?[AaPp][Mm])? ?(Z|[A-Z]{3,4}|[-+][0-9]{2}:?[0-9]{2})$"
_UTC = {"Z", "UTC", "GMT", "+0000", "-0000"}
_TOKYO = {"JST", "+0900"}


def propose(raw: Any, columns: Mapping, policies: Mapping) -> dict[str, str]:
    """The policy `timezone` where all times of a source carry that of Tokyo; else nothing."""
    if "timezone" in policies:
        return {}
    zones = list_zones(raw, columns["order_date"])
    return {"timezone": "Asia/Tokyo"} if zones and zones <= _TOKYO else {}


def ask(seen: Inspection, raw: Any) -> dict[str, str]:
    """A question where days would be others in another zone, with the orders that move."""
    rules = Policies(**seen.policies)
    zones = list_zones(raw, seen.columns["order_date"])
    if rules.date_format in date_formats.UNIX:
        zones = {"UTC"}
    if not zones or rules.timezone:
        return {}
    counted = pipeline.choose_timezone(raw, rules)
    known = "currency" not in seen.checks and ZONES.get(seen.currency)
    tried = (known or ZONES["others"]) if zones <= _UTC and not counted else ["UTC"]
    others = [{"date_format": rules.date_format, "zone": zone} for zone in tried]
    moves = day_counts.count_moves(raw, seen.columns, seen.policies, others)
    moved = [
        f"{z}: {m.describe(seen.currency)}" for z, m in zip(tried, moves, strict=True) if m.day[0]
    ]
    if not moved:
        return {}
    said = {
        "zones": joining.items(sorted(zones)[:5]),
        "zone": counted,
        "others": joining.clauses(moved),
    }
    return {"policies.timezone": _choose_text(zones, counted).format(**said)}


def _choose_text(zones: set[str], counted: str) -> str:
    if counted:
        return _(
            "Times carry a zone ({zones}), and count in {zone}, as the export is Japanese. Days "
            "that would differ in {others}. Name the shop's own zone."
        )
    if zones <= _UTC:
        return _(
            "Times are in UTC ({zones}), and so are their days. Days that would differ in "
            "{others}. Name the shop's own zone."
        )
    return _(
        "Times carry a zone ({zones}), and their day counts as it is written. Days that would "
        "differ in {others}. Name a zone, if all days should be those of one."
    )


def list_zones(raw: Any, header: str) -> set[str]:
    """The zones that are written after times, as "Z", "JST" or "-0700", or said by the header."""
    kind = raw.columns[header]
    if kind != "VARCHAR":
        said = kind.startswith("TIMESTAMP") and dates.says_utc(header)
        return {"UTC"} if said or kind.endswith("TIMESTAMP WITH TIME ZONE") else set()
    name = values.parse_text(header, "VARCHAR")
    zone = f"replace(regexp_extract({name}, '{_ZONED}', 1), ':', '')"
    found = raw.ask(f"select distinct {zone} z from raw where z > '' limit 50")
    zones = {z for (z,) in found if z[0] in "+-" or z in date_formats.ZONES}
    return zones or ({"UTC"} if dates.says_utc(header) else set())

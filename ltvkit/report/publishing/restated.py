"""Earlier months that changed: what the orders say now, and what the last report was built from.

A report depends on its orders, params and code alone, so none of its pages shows this. It goes to
the command's output, manifest.json and the list of all reports.
"""

from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import periods
from ltvkit.core import files, redaction
from ltvkit.core.i18n import _
from ltvkit.display import formats, joining
from ltvkit.display.texts import fill
from ltvkit.engines import frames
from ltvkit.ingest.lines import filter_until
from ltvkit.report.publishing.publish import Place

SHOWN = 3
CENT = 0.005  # below it, sums differ by how an engine adds


def sum_months(lines: Any, *, as_of: Any) -> dict[str, list[float]]:
    """Order lines up to `as_of` -> month: lines, revenue."""
    seen = filter_until(frames.lazy(lines), as_of)
    dated = seen.with_columns(month=periods.index("order_date", "month"))
    sums = frames.add_up(dated, "month", sums=["amount"], lines=nw.len())
    named = [periods.label(int(month), "month") for month in sums["month"]]
    values = zip(sums["lines"].tolist(), sums["amount"].tolist(), strict=True)
    return dict(zip(named, map(list, values), strict=True))


def find_changes(
    place: Place, now: Mapping[str, list[float]], *, params: Mapping[str, Any]
) -> list[str]:
    """Compare each month that was over with the shop's latest report up to this month.

    Gives a sentence for each of the largest changes; none where nothing changed, or where there is
    no earlier report.
    """
    manifest = _read_latest(place)
    if manifest is None:
        return []
    as_of, then = periods.day(manifest["as_of"]), manifest["months"]
    closed = [m for m in {*now, *then} if pd.Period(m).end_time.normalize() <= as_of]
    none = [0, 0.0]
    diffs = {
        m: [a - b for a, b in zip(now.get(m, none), then.get(m, none), strict=True)] for m in closed
    }
    changed = {m: d for m, d in sorted(diffs.items()) if d[0] or abs(d[1]) > CENT}
    largest = sorted(changed, key=lambda m: -abs(changed[m][1]))[:SHOWN]
    currency, month = params.get("currency", ""), manifest["month"]
    found = [_describe(m, changed[m], currency, month) for m in sorted(largest)]
    if (n := len(changed) - SHOWN) > 0:
        found.append(fill("more_months", n=n))
    rules = ("source", "columns", "policies")
    if found and any(
        manifest["parameters"].get(k) != redaction.mask_deep(params.get(k)) for k in rules
    ):
        found.append(_("The source, columns or policies in the params file changed as well."))
    return found


def _read_latest(place: Place) -> dict[str, Any] | None:
    """The manifest of the shop's latest report up to this month."""
    published = place.both[0].home  # what a preview said, nobody relies on
    for path in sorted(published.glob("[!.]*/manifest.json"), reverse=True):
        manifest = files.read_json(path) or {}
        if manifest.get("months") and manifest["month"] <= place.month:
            return manifest
    return None


def _describe(month: str, diff: list[float], currency: str, reported: str) -> str:
    lines, revenue = diff
    parts = []
    if lines:
        parts.append(fill("more_lines" if lines > 0 else "fewer_lines", n=abs(lines)))
    if abs(revenue) > CENT:
        text = "more_revenue" if revenue > 0 else "less_revenue"
        parts.append(fill(text, money=formats.money(abs(revenue), currency)))
    months = {"month": formats.month(month), "reported": formats.month(reported)}
    return fill("restated", changes=joining.both(parts), **months)

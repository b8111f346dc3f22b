"""Past months that changed: what the orders say now, against what an earlier report was made of.

A report is a function of its orders, params and code, so none of its pages may depend on this: it
goes to the command's output, the manifest, and the list of all reports.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import periods
from ltvkit.core.i18n import _
from ltvkit.display import formats
from ltvkit.engines import frames
from ltvkit.ingest.lines import filter_until
from ltvkit.report.publishing.publish import Place

SHOWN = 3
CENT = 0.005  # below it, sums differ by how an engine adds


def months(lines: Any, *, as_of: Any) -> dict[str, list[float]]:
    """Order lines up to `as_of` -> month: lines, revenue."""
    sums = frames.table(
        filter_until(frames.lazy(lines), as_of)
        .with_columns(month=periods.index("order_date", "month"))
        .group_by("month")
        .agg(lines=nw.len(), revenue=nw.col("amount").sum())
        .with_columns(frames.exact("revenue"))
        .sort("month")
    )
    named = [periods.label(int(month), "month") for month in sums["month"]]
    values = zip(sums["lines"].tolist(), sums["revenue"].tolist(), strict=True)
    return dict(zip(named, map(list, values), strict=True))


def since_last(
    place: Place, now: Mapping[str, list[float]], *, params: Mapping[str, Any]
) -> list[str]:
    """Which months that were over then are not as the shop's latest report up to now had them.

    A sentence for each of the largest changes; empty where nothing changed, or there is no report
    to compare with.
    """
    manifest = _latest(place)
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
    said = [_said(m, changed[m], currency, month) for m in sorted(largest)]
    if len(changed) > SHOWN:
        said.append(_("{n} months more changed.").format(n=len(changed) - SHOWN))
    rules = ("source", "columns", "policies")
    if said and any(manifest["parameters"].get(k) != params.get(k) for k in rules):
        said.append(_("Source, columns or policies in the params file changed as well."))
    return said


def _latest(place: Place) -> dict[str, Any] | None:
    """The manifest of the shop's latest month up to this one that kept its months."""
    for path in sorted(place.target.parent.glob("[!.]*/manifest.json"), reverse=True):
        try:
            manifest = json.loads(path.read_text("utf-8"))
            if manifest["month"] <= place.month and manifest["months"]:
                return manifest
        except (OSError, ValueError, KeyError):
            continue
    return None


def _said(month: str, diff: list[float], currency: str, reported: str) -> str:
    lines, revenue = diff
    parts = [(lines, _("{n} lines").format(n=formats.count(abs(lines))))]
    parts += [(revenue, formats.money(abs(revenue), currency))] if abs(revenue) > CENT else []
    less, more = ([text for x, text in parts if sign * x > 0] for sign in (-1, 1))
    changes = [_("{what} less").format(what=_(" and ").join(less))] if less else []
    changes += [_("{what} more").format(what=_(" and ").join(more))] if more else []
    text = _("{month} now has {changes} than in the report of {reported}.")
    return text.format(month=month, changes=_(", ").join(changes), reported=reported)

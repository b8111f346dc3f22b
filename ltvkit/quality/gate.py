"""The quality gate: does this export look as the shop's exports usually do?

Each check has a severity, which `policies: checks:` can change: "warn" is shown with the report,
"stop" prevents it, "off" skips the check.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from ltvkit.core.i18n import _, n_
from ltvkit.display import joining
from ltvkit.errors import DataError
from ltvkit.ingest.policies import CHECK_FACTS, Policies, check_options
from ltvkit.periods import Day
from ltvkit.quality import summary
from ltvkit.quality.checks import CHECKS
from ltvkit.quality.measures import measure

if TYPE_CHECKING:
    from ltvkit.ingest.book import Orders


def check(
    book: Orders,
    *,
    as_of: Day,
    policies: Mapping[str, Any] | Policies | None = None,
    reconciled: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Orders -> check, severity, result, figure, meaning: one row per check of `CHECKS`.

    `result` is "ok", the severity where the check finds something ("warn", "stop"), or "off";
    `meaning` then says what that means and what to do. `policies` are those the orders were read
    with; `reconciled` is their `quality.summarize`, where that was computed before. Days, customers
    and ids are checked up to `as_of`; unusable lines, guests, duplicates, returns and implausible
    dates in the whole export.
    """
    rules = policies if isinstance(policies, Policies) else check_options(policies=policies)
    if reconciled is None:
        reconciled = summary.summarize(book, as_of=as_of)
    measures = measure(book, reconciled, as_of=as_of, rules=rules)
    rows = []
    for name, find in CHECKS.items():
        severity = rules.checks.get(name, CHECK_FACTS[name]["severity"])
        found, figure = (False, "") if severity == "off" else find(measures)
        result = "off" if severity == "off" else severity if found else "ok"
        meaning = _(CHECK_FACTS[name]["meaning"]) if found else ""
        rows.append((name, severity, result, figure, meaning))
    return pd.DataFrame(rows, columns=["check", "severity", "result", "figure", "meaning"])


def describe(checks: pd.DataFrame, *results: str) -> list[str]:
    """The checks with these results (default: warn and stop), in a sentence each."""
    bad = checks[checks["result"].isin(results or ("warn", "stop"))]
    return [
        joining.colon(row.check, joining.sentences([joining.stop(row.figure), row.meaning]))
        for row in bad.itertuples()
    ]


def check_finding(checks: pd.DataFrame) -> str:
    """The checks in a sentence."""
    made = checks[checks["result"] != "off"]
    bad = made.loc[made["result"] != "ok", "check"]
    if bad.empty:
        return _("The data passed all {n} checks.").format(n=len(made))
    text = n_(
        "{bad} of {n} data checks needs a look: {names}.",
        "{bad} of {n} data checks need a look: {names}.",
        len(bad),
    )
    return text.format(bad=len(bad), n=len(made), names=joining.items(bad))


def raise_on_stop(checks: pd.DataFrame, *, where: str = "") -> None:
    """Raise `DataError` if a check stops the report; `where`: the file of lines left out."""
    if stops := describe(checks, "stop"):
        text = joining.sentences([_("the data did not pass these checks:"), *stops])
        listed = _("The lines left out are in {where}.").format(where=where) if where else ""
        raise DataError(f"{text} {listed}".strip())

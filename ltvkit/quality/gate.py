"""The quality gate: is this export what the shop usually delivers, or did something go wrong?

Each check of `checks.CHECKS` has a severity that `policies: checks:` can change: "warn" is said
with the report, "stop" lets none be made, "off" does not look.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from ltvkit.core.i18n import _
from ltvkit.errors import DataError
from ltvkit.ingest.policies import DEFAULT_SEVERITY, Policies, check_options
from ltvkit.quality import summary
from ltvkit.quality.checks import CHECKS, measure

if TYPE_CHECKING:
    from ltvkit.ingest.book import Orders


def check(
    book: Orders,
    *,
    as_of: Any,
    policies: Mapping[str, Any] | Policies | None = None,
    reconciled: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Orders -> check, severity, result, figure, meaning: one row per check of `CHECKS`.

    `result` is "ok", or the severity where the check finds something ("warn", "stop"), or
    "off"; `meaning`, and what to do, is said where it is passed. `policies` are those the orders
    were read with; `reconciled` is `quality.report` of them, where that was made already.
    Days, customers and ids are looked at up to `as_of`; unusable lines, guests, duplicates,
    returns and implausible dates are those of the whole export.
    """
    rules = policies if isinstance(policies, Policies) else check_options(policies=policies)
    if reconciled is None:
        reconciled = summary.summarize(book, as_of=as_of)
    seen = measure(book, reconciled, as_of=as_of, rules=rules)
    rows = []
    for one in CHECKS:
        severity = rules.checks.get(one.name, DEFAULT_SEVERITY[one.name])
        passed, figure = (False, "") if severity == "off" else one.judge(seen)
        result = "off" if severity == "off" else severity if passed else "ok"
        rows.append((one.name, severity, result, figure, _(one.meaning) if passed else ""))
    return pd.DataFrame(rows, columns=["check", "severity", "result", "figure", "meaning"])


def describe(table: pd.DataFrame, *results: str) -> list[str]:
    """The rows of these results (default: warn and stop) in a sentence each."""
    bad = table[table["result"].isin(results or ("warn", "stop"))]
    return [f"{row.check}: {row.figure}. {row.meaning}" for row in bad.itertuples()]


def check_finding(table: pd.DataFrame) -> str:
    """The checks in a sentence."""
    looked = table[table["result"] != "off"]
    bad = looked.loc[looked["result"] != "ok", "check"]
    if bad.empty:
        return _("All {n} checks of the data are passed.").format(n=len(looked))
    text = _("{bad} of {n} checks of the data are not passed: {names}.")
    if len(bad) == 1:
        text = _("1 of {n} checks of the data is not passed: {names}.")
    return text.format(bad=len(bad), n=len(looked), names=", ".join(bad))


def raise_on_stop(table: pd.DataFrame, *, where: str = "") -> None:
    """Raise `DataError` where a check stops the report; `where` its quarantine can be looked at."""
    stops = describe(table, "stop")
    if stops:
        text = " ".join([_("the data do not pass their checks:"), *stops])
        looked = _("The quarantined lines are in {where}.").format(where=where) if where else ""
        raise DataError(f"{text} {looked}".strip())

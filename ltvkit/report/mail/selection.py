"""Which published report to send, and why one is not sent."""

from ltvkit.config.params import Params
from ltvkit.core import files
from ltvkit.core.i18n import _
from ltvkit.errors import ReportError
from ltvkit.report.pages import all_reports, summaries
from ltvkit.report.pages.all_reports import Month
from ltvkit.report.publishing import markers, publish
from ltvkit.report.publishing.publish import Place

LAST = "last"  # the month of a run that failed before it knew which one it was


def read_report(
    params: Params, month: str | None, *, partial: bool = False, last_good: bool = False
) -> tuple[str, dict[str, str]]:
    """A shop's month, or the newest one that its params file means -> the month, and its summaries.

    Previews are never sent, as they are not published. Raises `ReportError`, with the remedy, where
    there is no published report, one is being built, its files are not those that were published,
    a later run failed (unless `last_good`), or it is partial (unless `partial`).
    """
    known = all_reports.list_months(params.shop, dict(markers.list_running()))
    month = _choose_month(params, month, known, last_good=last_good)
    found = known.get(month)
    _check_state(params, month, found, last_good=last_good)
    if found and found.lacks and not partial:
        text = _(
            "{report} is partial ({lacks}): send it with --partial, or build the whole "
            "report first."
        )
        raise ReportError(text.format(report=f"{params.shop} {month}", lacks=found.lacks))
    place = Place(params.shop, month)
    with place.locked():
        return month, _read_summaries(params, place)


def _choose_month(
    params: Params, month: str | None, known: dict[str, Month], *, last_good: bool
) -> str:
    """The month that was asked for, else that of the params file; "last" is the newest there is."""
    wanted = month or str(params.values["month"])
    if wanted != LAST:
        return wanted
    if LAST in known and not last_good:
        _check_state(params, LAST, known[LAST], last_good=False)
    return max((name for name in known if name != LAST), default="")


def _check_state(params: Params, month: str, found: Month | None, *, last_good: bool) -> None:
    named = f"{params.shop} {month}".strip()
    if found and found.building:
        text = _("{report} is {building}: send it when the run has ended.")
        raise ReportError(text.format(report=named, building=found.building))
    if found and found.failure and not (found.report and last_good):
        text = _("The last run of {report} failed: {reason} Build it again: {command}")
        if found.report:
            text += _(" To send the last good report all the same, give --last-good.")
        reason = found.failure["reason"]
        command = _command(params, month)
        raise ReportError(text.format(report=named, reason=reason, command=command))
    if not (found and found.report):
        text = _("There is no published report of {report}. Build it first: {command}")
        raise ReportError(text.format(report=named, command=_command(params, month)))


def _read_summaries(params: Params, place: Place) -> dict[str, str]:
    """Both summaries by their names; raises `ReportError` where the report is damaged."""
    try:
        manifest = files.read_json(place.target / publish.MANIFEST) or {}
        fault = publish.find_fault(place, manifest)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        fault = _("{file} is damaged").format(file=publish.MANIFEST)
    if not fault and summaries.HTML not in manifest["files"]:
        fault = _("it has no {file}, as an older version built it").format(file=summaries.HTML)
    if fault:
        text = _("{report} is not as it was published: {fault}. Build it again: {command}")
        named, command = f"{place.shop} {place.month}", _command(params, place.month)
        raise ReportError(text.format(report=named, fault=fault, command=command))
    names = (summaries.MARKDOWN, summaries.HTML)
    return {name: (place.target / name).read_text("utf-8") for name in names}


def _command(params: Params, month: str) -> str:
    chosen = "" if month in ("", LAST) else f" --month {month}"
    return f"python -m ltvkit report {params.path}{chosen}"

"""`python -m ltvkit status`: every report with its status, in a terminal."""

from ltvkit.core import paths
from ltvkit.core.i18n import _
from ltvkit.display import joining
from ltvkit.report.pages import all_reports


def describe_reports() -> tuple[list[str], bool]:
    """A line for each shop and month, the newest first; and whether one of them failed."""
    shops = all_reports.list_shops() if paths.reports().is_dir() else []
    rows = [(shop, each) for shop, _title, months in shops for each in months]
    if not rows:
        return [_("No report yet.")], False
    widest = max(len(shop) for shop, _each in rows)
    lines = [f"{shop:<{widest}}  {each.month:<7}  {_describe(each)}" for shop, each in rows]
    return lines, any(each.failure for _shop, each in rows)


def _describe(each: all_reports.Month) -> str:
    failed = _("FAILED") + " " + each.failure["reason"] if each.failure else ""
    state = ": ".join(filter(None, [each.state, each.lacks]))
    preview = _("Preview:") + " " + _describe(each.preview) if each.preview else ""
    return joining.clauses(filter(None, [failed or state, each.building, preview]))

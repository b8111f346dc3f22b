"""reports/index.html: every shop and month, with its status."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import filelock

from ltvkit import periods
from ltvkit.core import files, paths
from ltvkit.core.i18n import _, find_common, speaking
from ltvkit.display import formats, joining
from ltvkit.errors import ParamsError
from ltvkit.report.pages import sparklines, templates
from ltvkit.report.publishing import markers, publish
from ltvkit.report.publishing.publish import Place


@dataclass(frozen=True)
class Month:
    """A shop's month: its last good report, a later failure, a run under way, a preview, whether
    there is a PDF."""

    month: str
    report: Mapping[str, Any] | None
    failure: Mapping[str, Any] | None
    since: str
    preview: "Month | None" = None
    pdf: bool = False

    @property
    def building(self) -> str:
        """Since when it is being built, in words; empty where it is not."""
        when = markers.show_time(self.since)
        return _("being built since {time}").format(time=when) if self.since else ""

    @property
    def revenue(self) -> str:
        """The revenue of the month in the last good report; empty where it is not known."""
        by_month, currency = self._find_revenue()
        known = self.month in by_month
        return formats.money(by_month[self.month], currency) if known else ""

    @property
    def line(self) -> str:
        """A sparkline of the revenue of the whole months up to this one."""
        by_month, currency = self._find_revenue()
        if not by_month or self.report is None:
            return ""
        over = periods.is_over(self.month, as_of=self.report["as_of"])
        first, last = (periods.index_of(f"{m}-01", "month") for m in (min(by_month), self.month))
        names = [periods.label(n, "month") for n in range(first, last + over)]
        values = [by_month.get(name, 0.0) for name in names]  # a month without orders brought none
        return sparklines.draw(values, names, measure="revenue", currency=currency)

    def _find_revenue(self) -> tuple[dict[str, float], str]:
        """Revenue by month, and its currency, as the manifest has them; reports of older versions
        and damaged ones have none."""
        report = self.report or {}
        try:
            by_month = {m: float(revenue) for m, (_lines, revenue) in report["months"].items()}
            return by_month, str(report["parameters"].get("currency", ""))
        except (LookupError, TypeError, ValueError, AttributeError):
            return {}, ""

    @property
    def state(self) -> str:
        """Whether the last good report holds all pages of a whole month."""
        if self.report is None:
            return _("none yet")
        return _("partial") if self.lacks else _("complete")

    @property
    def lacks(self) -> str:
        """What the last good report lacks, in words; empty where it is complete."""
        if self.report is None:
            return ""
        over = periods.is_over(self.month, as_of=self.report["as_of"])
        short = [] if over else [_("the month is not over")]
        left_out = self.report.get("left_out")
        short += [_("without {pages}").format(pages=joining.items(left_out))] if left_out else []
        return joining.clauses(short)


def refresh() -> Path:
    """Rewrite reports/index.html from the folders in reports/; returns its path.

    A lock makes concurrent runs write one after the other.
    """
    home = paths.reports()
    with filelock.FileLock(home / ".index.lock", timeout=60):
        for left in home.glob(".index.html-*.part"):  # of a run that was killed
            left.unlink(missing_ok=True)
        shops = list_shops()
        compared = {shop: list_comparisons(shop) for shop, _title, _months in shops}
        with speaking(_find_language(shops)):
            html = templates.render("archive.html.j2", shops=shops, comparisons=compared)
        files.write(home / "index.html", html)
    return home / "index.html"


def _find_language(shops: Iterable[tuple[str, str, list[Month]]]) -> str:
    """The language of all reports; "" where they differ, or there is none."""
    reports = [each.report for _shop, _title, months in shops for each in months if each.report]
    return find_common(publish.find_language(report) for report in reports)


def list_comparisons(shop: str) -> list[tuple[str, str]]:
    """The folder and the words of each comparison of a shop (see `report.comparison`)."""
    folder = paths.reports() / shop / "compare"
    found = [files.read_json(path) or {} for path in sorted(folder.glob("[!.]*/comparison.json"))]
    whole = [kept for kept in found if isinstance(kept.get("words"), str) and "name" in kept]
    return [(kept["name"], kept["words"]) for kept in whole]


def list_shops() -> list[tuple[str, str, list[Month]]]:
    """Every shop's slug, title and months, the newest first."""
    home = paths.reports()
    running = dict(markers.list_running())
    names = {p.name for p in home.iterdir() if p.is_dir() and not p.name.startswith(".")}
    shops = sorted(names | {place.shop for place in running})
    return [_shop(name, running) for name in shops]


def _shop(shop: str, running: Mapping[Place, str]) -> tuple[str, str, list[Month]]:
    previews = list_months(shop, running, preview=True)
    months = list_months(shop, running)
    empty = {month: Month(month, None, None, "") for month in previews}
    titles = [each.report["title"] for each in [*months.values()][::-1] if each.report]
    found = [replace(each, preview=previews.get(m)) for m, each in (empty | months).items()]
    return shop, [*titles, shop][0], sorted(found, key=lambda each: each.month, reverse=True)


def list_months(
    shop: str, running: Mapping[Place, str], *, preview: bool = False
) -> dict[str, Month]:
    """Of each month, the manifest of the last good report, and the record of a later failure.

    `running`: since when which reports are being built (`markers.list_running`).
    """
    folder = Place(shop, "last", preview).home
    good = _read_months(folder, "manifest.json", needs=("title", "as_of"))
    failed = _read_months(folder / ".failed", "failure.json", needs=("reason", "notebooks"))
    since = {p.month: t for p, t in running.items() if (p.shop, p.preview) == (shop, preview)}
    months = sorted({*good, *failed, *since})
    return {
        m: Month(
            m, good.get(m), failed.get(m), since.get(m, ""), pdf=(folder / m / publish.PDF).exists()
        )
        for m in months
    }


def _read_months(folder: Path, name: str, *, needs: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """The file `name` of each month in `folder`, where it is whole."""
    found = {
        path.parent.name: files.read_json(path)
        for path in folder.glob(f"*/{name}")
        if publish.MONTH.fullmatch(path.parent.name)
    }
    return {m: kept for m, kept in found.items() if kept and _is_whole(kept, needs)}


def _is_whole(kept: Mapping[str, Any], needs: tuple[str, ...]) -> bool:
    try:
        periods.day(kept.get("as_of", "2000-01-01"))
    except (ParamsError, TypeError, ValueError):
        return False
    return all(key in kept for key in needs)

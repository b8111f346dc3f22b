"""reports/index.html: every shop and month, with its status."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from ltvkit import periods
from ltvkit.core import files, paths
from ltvkit.core.i18n import _
from ltvkit.report.pages import templates
from ltvkit.report.publishing import markers, publish


@dataclass(frozen=True)
class Month:
    """A shop's month: its last good report, a later run that failed, one that is under way."""

    month: str
    report: Mapping[str, Any] | None
    failure: Mapping[str, Any] | None
    since: str

    @property
    def building(self) -> str:
        """Since when it is being built, in words; empty where it is not."""
        when = markers.show_time(self.since)
        return _("being built since {time}").format(time=when) if self.since else ""

    @property
    def state(self) -> str:
        """What the last good report holds: all pages of a whole month, or less."""
        if self.report is None:
            return _("none yet")
        end = periods.end(periods.index_of(f"{self.month}-01", "month"), "month")
        short = [_("the month is not over")] if periods.day(self.report["as_of"]) < end else []
        left_out = self.report.get("left_out")
        short += [_("without {pages}").format(pages=", ".join(left_out))] if left_out else []
        return _("partial: {why}").format(why="; ".join(short)) if short else _("complete")


def refresh() -> Path:
    """Rewrite reports/index.html from the folders in reports/; returns its path.

    A lock makes concurrent runs write one after the other.
    """
    home = paths.reports()
    with filelock.FileLock(home / ".index.lock", timeout=60):
        files.write(home / "index.html", templates.render("archive.html.j2", shops=list_shops()))
    return home / "index.html"


def list_shops() -> list[tuple[str, str, list[Month]]]:
    """Every shop's slug, title and months, the newest first."""
    home = paths.reports()
    running: dict[str, dict[str, str]] = {}
    for place, since in markers.list_running():
        running.setdefault(place.shop, {})[place.month] = since
    names = {p.name for p in home.iterdir() if p.is_dir() and not p.name.startswith(".")}
    return [_shop(home / name, running.get(name, {})) for name in sorted({*names, *running})]


def _shop(folder: Path, running: Mapping[str, str]) -> tuple[str, str, list[Month]]:
    """Of each month, the manifest of the last good report, and the record of a later failure."""
    good = _read_months(folder, "manifest.json", needs=("title", "as_of"))
    failed = _read_months(folder / ".failed", "failure.json", needs=("reason", "notebooks"))
    months = sorted({*good, *failed, *running}, reverse=True)
    titles = [good[month]["title"] for month in months if month in good]
    found = [Month(m, good.get(m), failed.get(m), running.get(m, "")) for m in months]
    return folder.name, titles[0] if titles else folder.name, found


def _read_months(folder: Path, name: str, *, needs: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """The file `name` of each month in `folder`, where it is whole."""
    found = {
        path.parent.name: files.read_json(path)
        for path in folder.glob(f"*/{name}")
        if publish.MONTH.fullmatch(path.parent.name)
    }
    return {m: kept for m, kept in found.items() if kept and all(key in kept for key in needs)}

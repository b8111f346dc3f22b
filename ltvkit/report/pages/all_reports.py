"""reports/index.html: every shop and month, with its status."""

from pathlib import Path
from typing import Any, NamedTuple

import filelock

from ltvkit.core import files, paths
from ltvkit.report.pages import templates


class Entry(NamedTuple):
    """One month of a shop: the manifest of its last good report, and why a later run failed."""

    month: str
    manifest: dict[str, Any] | None
    failure: dict[str, Any] | None


def refresh() -> Path:
    """Rewrite reports/index.html from the folders in reports/; returns its path.

    A lock makes concurrent runs write one after the other.
    """
    home = paths.reports()
    with filelock.FileLock(home / ".index.lock", timeout=60):
        folders = sorted(p for p in home.iterdir() if p.is_dir() and not p.name.startswith("."))
        text = templates.render("archive.html.j2", shops=list(map(_shop, folders)))
        with files.replacing(home / "index.html") as part:
            part.write_text(text, "utf-8", newline="\n")
    return home / "index.html"


def _shop(folder: Path) -> tuple[str, str, list[Entry]]:
    """A shop's slug, its title and its months, the newest first."""
    good = {path.parent.name: files.read_json(path) for path in folder.glob("[!.]*/manifest.json")}
    failed = {
        path.parent.name: files.read_json(path)
        for path in folder.glob(".failed/[!.]*/failure.json")
    }
    months = sorted({*good, *failed}, reverse=True)
    titles = [good[month]["title"] for month in months if good.get(month)]
    entries = [Entry(month, good.get(month), failed.get(month)) for month in months]
    return folder.name, titles[0] if titles else folder.name, entries

"""reports/index.html: every shop and month, with its status."""

from pathlib import Path

import filelock

from ltvkit.core import files, paths
from ltvkit.report.pages import templates


def refresh() -> Path:
    """Rewrite reports/index.html from the folders in reports/; returns its path.

    A lock makes concurrent runs write one after the other.
    """
    home = paths.reports()
    with filelock.FileLock(home / ".index.lock", timeout=60):
        folders = sorted(p for p in home.iterdir() if p.is_dir() and not p.name.startswith("."))
        text = templates.render("archive.html.j2", shops=list(map(_shop, folders)))
        files.write(home / "index.html", text)
    return home / "index.html"


def _shop(folder: Path) -> tuple[str, str, list[tuple]]:
    """A shop's slug, its title and its months, the newest first.

    Of each month, the manifest of the last good report, and the record of a later run that failed.
    """
    good, failed = (
        {path.parent.name: files.read_json(path) for path in folder.glob(pattern)}
        for pattern in ("[!.]*/manifest.json", ".failed/[!.]*/failure.json")
    )
    months = sorted({*good, *failed}, reverse=True)
    titles = [good[month]["title"] for month in months if good.get(month)]
    entries = [(month, good.get(month), failed.get(month)) for month in months]
    return folder.name, titles[0] if titles else folder.name, entries

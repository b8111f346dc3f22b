"""report.pdf: the pages of a published report in one file, printed by Chromium.

Chromium draws the formulas and charts as readers see them, and needs no package. The file has the
time of its making in it, so it is no part of the report: it is made on request alone, from the
pages that are published, and goes with them.
"""

import base64
import hashlib
import html
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ltvkit.core import files, redaction
from ltvkit.core.i18n import _, speaking
from ltvkit.errors import ReportError
from ltvkit.report.pages import templates
from ltvkit.report.publishing import publish
from ltvkit.report.publishing.publish import Place

BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge",
    "msedge", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)  # fmt: skip
OPTIONS = (
    "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions",
    "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND", "--window-size=800,1120",
    "--no-pdf-header-footer", "--generate-pdf-document-outline",
)  # fmt: skip
SECONDS = 300  # to print a report
_MAIN = re.compile(r'<main id="main">(.*)</main>', re.S)
_LINK = re.compile(r'(<a\b[^>]*?) href="([^"]*)"')
_PAGE = re.compile(r"([\w-]+)\.html(?:#.*)?")


def find_browser() -> str:
    """The browser that prints; raises `ReportError` where there is none."""
    if found := next(filter(None, map(shutil.which, BROWSERS)), None):
        return found
    raise ReportError(
        _(
            "--pdf needs Chromium, Google Chrome or Microsoft Edge (131 or newer), and none is on "
            "PATH. Install one (Debian, Ubuntu: apt install chromium), or leave --pdf out and "
            "print the pages from your browser."
        )
    )


def print_report(place: Place, *, browser: str) -> Path:
    """Make report.pdf of the published report at `place`, in its folder, and return its path.

    The report is locked meanwhile, so that the file is of the pages beside it; the manifest keeps
    its SHA-256. Raises `ReportError` where another run builds the report, or the browser fails.
    """
    manifest = files.read_json(place.target / publish.MANIFEST) or {}
    with place.locked(), speaking(publish.find_language(manifest)):
        manifest = files.read_json(place.target / publish.MANIFEST) or {}
        part = place.work("pdf")  # outside the published folder
        part.write_bytes(_print(_render(place.target, manifest), browser))
        manifest |= {"pdf": {"sha256": files.hash_file(part)}}
        publish.replace_manifest(place, manifest)
        part.replace(place.target / publish.PDF)
    return place.target / publish.PDF


def _render(folder: Path, manifest: Mapping[str, Any]) -> str:
    """The pages of a report as one: the front page, the notebooks in their order, the glossary."""
    names = ["index", *(book["page"] for book in manifest["notebooks"]), "glossary"]
    fit = (templates.HERE / "fit.js").read_text("utf-8")
    sum_ = base64.b64encode(hashlib.sha256(fit.encode()).digest()).decode()
    pages = [
        (name, _take_main((folder / f"{name}.html").read_text("utf-8"), names)) for name in names
    ]
    return templates.render("print.html.j2", pages=pages, fit=fit, fit_sha256=sum_, about=manifest)


def _take_main(page: str, names: Sequence[str]) -> str:
    """What a page holds between header and end; links lead to pages of the file, or nowhere.

    A link to a file would show the folders of this machine.

    >>> _take_main('<main id="main"><a href="a.html">A</a> <a href="b.csv">B</a></main>', ["a"])
    '<a href="#page-a">A</a> <a>B</a>'
    """
    found = _MAIN.search(page)
    if not found:
        raise ReportError(_("A page of the report is damaged. Build the report again."))

    def lead(link: re.Match[str]) -> str:
        inside = _PAGE.fullmatch(html.unescape(link[2]))
        here = inside is not None and inside[1] in names
        return f'{link[1]} href="#page-{inside[1]}"' if here else link[1]

    return _LINK.sub(lead, found[1])


def _print(page: str, browser: str) -> bytes:
    """A page as PDF; the browser has a profile of its own, and reaches no host."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        source, target = Path(folder, "report.html"), Path(folder, "report.pdf")
        source.write_text(page, "utf-8")
        command = [browser, *OPTIONS, f"--user-data-dir={Path(folder, 'profile')}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:  # Chromium has no sandbox for root
            command.append("--no-sandbox")
        command += [f"--print-to-pdf={target}", source.as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ReportError(_describe_failure(browser, redaction.describe_error(error))) from None
        if not target.is_file():
            last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            raise ReportError(_describe_failure(browser, redaction.foreign("".join(last))))
        return target.read_bytes()


def _describe_failure(browser: str, reason: str) -> str:
    text = _(
        "{browser} could not print the report ({reason}). The report itself is published. Print "
        "its pages from your browser, or run the command again."
    )
    return text.format(browser=Path(browser).name, reason=reason or _("no reason given"))

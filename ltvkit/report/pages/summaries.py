"""The month's summary for mail and chat: summary.md and summary.html, and the text of a mail."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ltvkit.core import files
from ltvkit.display import formats
from ltvkit.report.pages import front_page, sparklines, templates

MARKDOWN, HTML = "summary.md", "summary.html"
LIMIT = 100_000  # bytes; Gmail hides what comes after 102 KB
LONGEST = 1000  # characters of a text in HTML
_FEWER = (200, 100, 50, 25, 10, 0)  # findings, and warnings, that are tried where not all fit
_ESCAPED, _BOLD = re.compile(r"\\(.)"), re.compile(r"^- \*\*(.+?)\*\*:")
_HEADING = re.compile(r"(#+) (.+)")


def write(front: Mapping[str, Any], folder: Path) -> None:
    """Write both summaries of a report; `front`: the values that the front page shows."""
    text = templates.render("summary.md.j2", **front, escaped=front_page.escape_markdown)
    files.write(folder / MARKDOWN, text)
    files.write(folder / HTML, render_html(front))


def render_html(front: Mapping[str, Any]) -> str:
    """The summary as the body of a mail, of less than `LIMIT` bytes.

    Where not all fits, the last findings and warnings are left out, and counted.
    """
    said = [text for page in front["pages"] for text in page["findings"]]
    for most in (len(said) + len(front["checks"]), *_FEWER):
        html = _render_first(front, most)
        if len(html.encode()) < LIMIT:
            break
    return html


def read_text(markdown: str) -> str:
    """What `write` wrote to summary.md, as the plain text of a mail.

    >>> print(read_text("# Tea \\\\& *\\n\\n- **Revenue**: 5 USD (+1.2%)\\n- 3 \\\\* 4"))
    Tea & *
    =======
    <BLANKLINE>
    - Revenue: 5 USD (+1.2%)
    - 3 * 4
    """
    lines = []
    for line in markdown.split("\n"):
        heading = _HEADING.fullmatch(line)
        text = _ESCAPED.sub(r"\1", heading[2] if heading else _BOLD.sub(r"- \1:", line))
        lines.append(text)
        if heading:
            lines.append(("=" if heading[1] == "#" else "-") * formats.width(text))
    return "\n".join(lines)


def _render_first(front: Mapping[str, Any], most: int) -> str:
    """The HTML with at most so many findings and so many warnings; what the data line says is no
    finding a second time."""
    pages, left = [], most
    for page in front["pages"]:
        found = [text for text in page["findings"] if text not in front["data"]]
        pages.append({**page, "findings": found[:left], "more": len(found[left:])})
        left -= len(found[:left])
    shown = {
        "months_shown": sparklines.MONTHS,
        "pages": pages,
        "more": sum(page["more"] for page in pages),
        "checks": front["checks"][:most],
        "more_checks": len(front["checks"][most:]),
    }
    return templates.render("summary.html.j2", **{**front, **shown}, plain=_shorten)


def _shorten(text: Any) -> str:
    """A text without addresses that a mail program would link, on one line; templates escape it."""
    plain = formats.line(text)
    cut = plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
    return front_page.break_links(cut)

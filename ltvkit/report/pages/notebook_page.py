"""A finished notebook as one HTML page without scripts and outside references.

Code is folded, exercises are left out, formulas become MathML, pictures are embedded. All HTML of
cells and outputs is cleaned by one list of allowed elements.
"""

import base64
import itertools
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import nh3
from latex2mathml.converter import convert
from nbconvert.filters import strip_ansi
from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from ltvkit.config.notebooks import read_source, read_tags
from ltvkit.core import files
from ltvkit.core.i18n import _
from ltvkit.report.pages import templates

# Of an output, the first kind that it has is shown.
_KINDS = ("text/html", "image/svg+xml", "image/png", "image/jpeg", "text/markdown", "text/plain")
_ALLOWED = files.read_yaml(__name__, "allowed_html.yaml")
_SCROLLING = ("div", "figure", "span")
_OWN_LINK = re.compile(r"(?:\.?/)?([\w-]+)\.ipynb(#[\w-]*)?$")


def render_cells(notebook: dict[str, Any]) -> str:
    """An executed notebook -> its cells as safe HTML, without header and navigation."""
    kept = [cell for cell in notebook["cells"] if "exercise" not in read_tags(cell)]
    shown = [
        cell for n, cell in enumerate(kept) if not (n and _explains_nothing(cell, kept[n - 1]))
    ]
    numbers = itertools.count(1)
    cells = [_convert_cell(cell, numbers) for cell in shown]
    return templates.render("body/cells.html.j2", cells=cells)


def _explains_nothing(cell: dict[str, Any], before: dict[str, Any]) -> bool:
    """Whether a cell says how to read what the one before it does not show: no chart, no table."""
    said = read_source(cell)
    if not said.startswith("**" + _("How to read it.") + "**") or before["cell_type"] != "code":
        return False
    data = [output["data"] for output in before["outputs"] if "data" in output]
    tables = ["".join(each.get("text/html", "<td")) for each in data]
    return not any("<td" in table for table in tables)


def _convert_cell(cell: dict[str, Any], numbers: Iterator[int]) -> dict[str, Any]:
    """A cell as the template needs it; `numbers` go to what scrolls, so that labels differ."""
    source = read_source(cell)
    if cell["cell_type"] == "markdown":
        return {
            "kind": "markdown",
            "html": render_markdown(source, cell.get("attachments"), numbers),
        }
    if cell["cell_type"] != "code" or not source.strip():
        return {"kind": "none"}
    labels = {"parameters": _("Parameters"), "injected-parameters": _("Parameters of this report")}
    return {
        "kind": "code",
        "label": next((labels[tag] for tag in read_tags(cell) if tag in labels), _("Code")),
        "code": Highlight2HTML(pygments_lexer="python")(source),
        "outputs": [
            shown for output in cell["outputs"] if (shown := _convert_output(output, numbers))
        ],
    }


def _convert_output(output: dict[str, Any], numbers: Iterator[int]) -> dict[str, str] | None:
    """One output as the template needs it; None if a page cannot show it."""
    if output["output_type"] == "stream":  # of standard output alone: see runner.messages
        return {"kind": "stdout", "text": strip_ansi("".join(output["text"]))}
    if output["output_type"] == "error":
        return {"kind": "error", "text": strip_ansi("\n".join(output["traceback"]))}
    kind = next((kind for kind in _KINDS if kind in output["data"]), None)
    if kind is None:
        return None
    data = "".join(output["data"][kind])
    if kind == "text/html":
        parts = _label_parts(data, numbers)  # a card, whose tables and charts scroll by themselves
        label = _("Table {n}").format(n=next(numbers)) if parts == data else ""
        return {"kind": "html", "html": clean_html(parts), "label": label}
    if kind == "text/markdown":
        return {"kind": "html", "html": render_markdown(data, numbers=numbers), "label": ""}
    if kind == "text/plain":
        return {"kind": "stdout", "text": strip_ansi(data)}
    label = _("Chart {n}").format(n=next(numbers))
    return _describe_image(output, kind) | {"kind": "image", "label": label}


def show_image(output: Mapping[str, Any]) -> dict[str, str] | None:
    """An output -> source (a data URL), alt and width of its picture; None if it has none."""
    kind = next((kind for kind in _KINDS if kind in output.get("data", ())), "")
    return _describe_image(output, kind) if kind.startswith("image/") else None


def _describe_image(output: Mapping[str, Any], kind: str) -> dict[str, str]:
    about, data = output["metadata"].get(kind, {}), "".join(output["data"][kind])
    alt = about.get("alt") or _("Chart; the text around it explains how to read it.")
    return {"source": _embed_image(kind, data), "alt": alt, "width": about.get("width", "")}


def _label_parts(html: str, numbers: Iterator[int]) -> str:
    """Make the tables and charts of a card areas that scroll."""
    html = re.sub(
        '<div class="ltv-card-scroll">',
        lambda _found: _open_scroll("div", _("Table {n}").format(n=next(numbers))),
        html,
    )
    return re.sub(
        r"<figure>(?=<img)",
        lambda _found: _open_scroll("figure", _("Chart {n}").format(n=next(numbers))),
        html,
    )


def _open_scroll(tag: str, label: str, role: str = "region") -> str:
    """The start of an area that scrolls sideways, by keys as well."""
    return f'<{tag} class="scroll" role="{role}" tabindex="0" aria-label="{escape(label)}">'


def _embed_image(kind: str, data: str) -> str:
    """A picture as a data URL. An SVG in an <img> cannot run scripts."""
    if kind == "image/svg+xml":
        data = base64.b64encode(data.encode()).decode()
    return f"data:{kind};base64,{''.join(data.split())}"


def render_markdown(
    text: str,
    attachments: dict[str, Any] | None = None,
    numbers: Iterator[int] | None = None,
) -> str:
    """Markdown -> safe HTML; formulas as MathML. `numbers` go to its tables.

    >>> render_markdown("**A** customer's $m$")
    '<p><strong>A</strong> customer\\'s <math ...
    """
    renderer = _Renderer(escape=False, attachments=attachments, exclude_anchor_links=True)
    renderer.numbers = numbers or itertools.count(1)
    return clean_html(MarkdownWithMath(renderer=renderer).render(text))


def clean_html(html: str) -> str:
    """Keep only allowed elements of `html`, and no link that leads out of the report.

    >>> clean_html('<b onclick="x()">hi</b><script>x()</script>')
    '<b>hi</b>'
    """
    own = {"a": {"href"}, "img": {"src"}, "details": {"name", "open"}}
    own |= {tag: {"aria-label"} for tag in _SCROLLING}
    fixed = {tag: {"role": {"region", "group"}, "tabindex": {"0"}} for tag in _SCROLLING}
    return nh3.clean(
        html,
        tags={*_ALLOWED["html"], *_ALLOWED["math"]},
        clean_content_tags={"script", "style"},  # a style sheet's text is no text to read
        attributes={"*": {*_ALLOWED["attributes"]}, **own},
        tag_attribute_values=fixed,
        attribute_filter=_keep_inside,
        filter_style_properties={*_ALLOWED["styles"]},
        url_schemes={"data"},
        link_rel=None,
    )


def _keep_inside(_tag: str, name: str, value: str) -> str | None:
    """An attribute's value; None for an address that leads out of the report."""
    if name == "href":
        inside = re.fullmatch(r"#.*|[\w-]+\.html(#[\w-]*)?", value)
    elif name == "src":
        inside = value.startswith("data:image/")
    elif name == "style":  # a style sheet may write url( with escapes
        safe = (each for each in value.split(";") if not re.search(r"(?i)url|\\", each))
        return ";".join(safe)
    else:
        inside = True
    return value if inside else None


class _Renderer(IPythonRenderer):
    """Markdown as JupyterLab shows it, without outside references."""

    numbers: Iterator[int]

    def table(self, text: str) -> str:
        """A table that scrolls; a head without a word is no head of its column."""
        label = _("Table {n}").format(n=next(self.numbers))
        body = text.replace("<th></th>", "<td></td>")
        return f"{_open_scroll('div', label)}<table>{body}</table></div>"

    def block_math(self, body: str) -> str:
        return _render_formula(body, display="block")

    def inline_math(self, body: str) -> str:
        return _render_formula(body, display="inline")

    def latex_environment(self, name: str, body: str) -> str:
        return _render_formula(rf"\begin{{{name}}}{body}\end{{{name}}}", display="block")

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """A link to another notebook leads to its page; an outside address is shown as text."""
        if own := _OWN_LINK.match(url):
            return f'<a href="{own[1]}.html{own[2] or ""}">{text}</a>'
        if url.startswith("#"):
            return f'<a href="{self.escape_html(url)}">{text}</a>'
        address = self.escape_html(url)
        return text if text == address else f'{text} <span class="address">{address}</span>'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """An embedded picture; for any other, its alternative text."""
        carried = url.startswith(("attachment:", "data:image/"))
        return super().image(text, url, title) if carried else self.escape_html(text)


def _render_formula(latex: str, *, display: str) -> str:
    """LaTeX -> MathML; the LaTeX itself, as code, where it cannot be converted."""
    try:
        formula = convert(latex.replace("{aligned}", "{align*}"), display=display)
    except Exception:  # latex2mathml can raise anything
        return f"<code>{nh3.clean_text(latex)}</code>"
    scroll = _open_scroll("span", _("Formula"), "group") if display == "block" else ""
    return f"{scroll}{formula}</span>" if scroll else formula

"""The glossary: what is linked on a page, and that its terms are those that pages use."""

from __future__ import annotations

import json
import re

import pytest
from stub_project import HOME

from ltvkit.report.pages import glossary, notebook_page

NOTEBOOKS = sorted((HOME / "notebooks").glob("*.ipynb"))
TERMS = glossary.list_terms()
# What a reader sees without reading on: headings of sections and of columns.
HEADED = re.compile(r"<(h[1-6]|th)\b[^>]*>(.*?)</\1>", re.S)


def render(path) -> str:
    """A notebook's page as committed, with the output of the sample shop."""
    return notebook_page.render_cells(json.loads(path.read_text("utf-8")))


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {path.stem: render(path) for path in NOTEBOOKS}


def words_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


@pytest.mark.parametrize("page", [path.stem for path in NOTEBOOKS])
def test_a_term_that_is_a_heading_or_a_label_is_linked_from_its_page(page, pages):
    linker = glossary.Linker()
    linker.link(pages[page])
    known = {word.casefold(): term.key for term in TERMS for word in term.words}
    headed = {words_of(found[2]).casefold() for found in HEADED.finditer(pages[page])}
    headed |= {text.removesuffix("s") for text in headed}
    needed = {known[text] for text in headed & {*known}}
    assert needed <= {term.key for term in linker.used}
    if page == "01_rfm":
        assert "segment" in needed


def test_each_term_stands_on_a_page_and_is_linked_there_in_the_text(pages):
    used = set()
    for html in pages.values():
        linker = glossary.Linker()
        linked = linker.link(html)
        keys = re.findall(r'<a class="term" href="glossary.html#(\w+)">', linked)
        assert len(keys) == len({*keys})  # the first use alone
        used |= {term.key for term in linker.used}
    assert used == {term.key for term in TERMS}


def test_links_change_no_word_no_code_and_no_heading(pages):
    for html in pages.values():
        linked = glossary.Linker().link(html)
        bare = re.sub(r'<a class="term" href="[^"]*">(.*?)</a>', r"\1", linked)
        assert bare == html
        kept = r"<(pre|code|math|h[1-6]|a(?! class))\b.*?</\1>"
        for found in re.finditer(kept, linked, re.S):
            assert 'class="term"' not in found[0]


@pytest.mark.parametrize(
    "html",
    [
        '<p title="a > decile">x &amp; y&#x27;s &lt;cohort&gt;</p>',
        '<td class="decile">1 &gt; 0</td><img alt="LTV">',
        "<math><mi>LTV</mi></math><a href='x.html'>RFM</a>",
        "<p>deciles-based a/decile ABCs1 unretention, the package rfm</p>",
    ],
)
def test_what_is_no_text_of_its_own_stays_as_it_is(html):
    linked = glossary.Linker().link(html)
    assert re.sub(r'<a class="term" [^>]*>(.*?)</a>', r"\1", linked) == html
    assert linked.count('class="term"') == html.count("&lt;cohort")


def test_a_text_is_escaped_before_it_is_linked():
    assert glossary.Linker().link_text("<b>RFM & churn") == (
        '&lt;b&gt;<a class="term" href="glossary.html#rfm">RFM</a> &amp; '
        '<a class="term" href="glossary.html#churn">churn</a>'
    )


@pytest.mark.parametrize("term", TERMS, ids=[term.key for term in TERMS])
def test_a_term_is_explained_in_few_words(term):
    for text in (term.text, term.look):
        assert text.endswith(".")
        assert len(re.findall(r"[.?!](?:\s|$)", text)) <= 3
    assert len(f"{term.text} {term.look}") < 330

"""The glossary of a report: what its terms mean, and links to it from where a page uses them."""

import re
from collections.abc import Iterator, Sequence
from html import escape
from html.parser import HTMLParser
from typing import NamedTuple

from markupsafe import Markup

from ltvkit.core import files
from ltvkit.core.i18n import SOURCE, _, language

FILE = "glossary.html"
_TERMS = files.read_yaml(__name__, "glossary.yaml")
# No link is put there; what headings and links say is noticed, code and formulas are not.
_READ = ("a", "h1", "h2", "h3", "h4", "h5", "h6", "caption", "summary")
_SKIPPED = ("code", "kbd", "math", "pre", "svg")
_SCRIPTS = ("[ァ-ヶー]", "[一-龥々]", "[ぁ-ん]")


class Term(NamedTuple):
    """A term: its anchor, name, the words that pages use for it, what it is, what to look at."""

    key: str
    name: str
    words: tuple[str, ...]
    text: str
    look: str


def list_terms() -> list[Term]:
    """The terms, in the order of their names.

    >>> [term.name for term in list_terms()][:3]
    ['ABC class', 'Acquisition cost', 'ARPU']
    """
    found = [
        Term(key, _(each["name"]), tuple(map(_, [each["name"], *each["forms"]])), _(each["text"]),
             _(each["look"]))
        for key, each in _TERMS.items()
    ]  # fmt: skip
    return sorted(found, key=lambda term: term.name.casefold())


class Linker:
    """Links the first use of each term in the texts of one page, in the order they come.

    >>> linker = Linker()
    >>> linker.link("<h2>Deciles</h2><p>Each decile, <code>decile</code>, each decile.</p>")
    Markup('<h2>Deciles</h2><p>Each <a class="term" href="glossary.html#decile">decile</a>, \
<code>decile</code>, each decile.</p>')
    >>> [term.name for term in linker.used]
    ['Decile']
    """

    def __init__(self) -> None:
        self._terms = {term.key: term for term in list_terms()}
        self._words = {w.casefold(): (w, t.key) for t in self._terms.values() for w in t.words}
        longest = sorted(self._words, key=len, reverse=True)
        self._pattern = re.compile(_find_words(longest), re.IGNORECASE)
        self._linked: set[str] = set()
        self._seen: set[str] = set()

    @property
    def used(self) -> list[Term]:
        """The terms that the page has used so far, also in headings, by their names."""
        return [term for key, term in self._terms.items() if key in self._seen]

    def link(self, html: str) -> Markup:
        """Safe HTML -> the same with links; code, formulas, headings and links stay as they are."""
        return Markup("".join(_Walk(self, html).parts))

    def link_text(self, text: str) -> Markup:
        """A plain text -> HTML with links."""
        return self.link(escape(text))

    def note(self, text: str) -> None:
        """Notice the terms of a text that gets no links."""
        self._seen |= {key for _found, key in self._find(text)}

    def insert(self, text: str) -> str:
        """A text of HTML -> the same with a link at each term that is new."""
        parts, end = [], 0
        for found, key in self._find(text):
            self._seen.add(key)
            if key not in self._linked:
                self._linked.add(key)
                address = f'<a class="term" href="{FILE}#{key}">{found[0]}{found[2]}</a>'
                parts += [text[end : found.start()], address]
                end = found.end() + len(found[2])
        return "".join([*parts, text[end:]])

    def _find(self, text: str) -> Iterator[tuple[re.Match[str], str]]:
        for found in self._pattern.finditer(text):
            word, key = self._words[found[1].casefold()]
            if not word.isupper() or found[1] == word:  # RFM is no package called rfm
                yield found, key


def _find_words(words: Sequence[str]) -> str:
    """A pattern for any of `words`, the longest first, as a word of its own; then a plural "s".

    Japanese has no spaces: there a word ends where the script changes, as in 離脱率の.
    """
    if language() == SOURCE:
        return rf"(?<![\w/-])({'|'.join(map(re.escape, words))})(?=(s?)(?![\w/-]))"
    apart = [f"(?<!{_script(w[0])}){re.escape(w)}(?!{_script(w[-1])})" for w in words]
    return rf"({'|'.join(apart)})(?=())"


def _script(letter: str) -> str:
    """The letters that go on with a word after `letter`, or before it."""
    return next((found for found in _SCRIPTS if re.match(found, letter)), r"[a-z0-9_/-]")


class _Walk(HTMLParser):
    """HTML in pieces, as they were written, with links in its texts."""

    def __init__(self, linker: Linker, html: str) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._linker, self._open = linker, []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, _attributes: list) -> None:
        self.parts.append(self.get_starttag_text() or "")
        if tag in (*_READ, *_SKIPPED):
            self._open.append(tag)

    def handle_startendtag(self, _tag: str, _attributes: list) -> None:
        self.parts.append(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        self.parts.append(f"</{tag}>")
        if tag in self._open:
            self._open.remove(tag)

    def handle_data(self, data: str) -> None:
        if not self._open:
            data = self._linker.insert(data)
        elif not set(self._open) & set(_SKIPPED):
            self._linker.note(data)
        self.parts.append(data)

    def handle_entityref(self, name: str) -> None:
        self.parts.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.parts.append(f"&#{name};")

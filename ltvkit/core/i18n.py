"""The words a reader sees, by gettext: English is the source, a catalogue has another language.

The language is that of `speaking`, else that of LTVKIT_LANG, else that of the folder of a notebook,
else English.
"""

import gettext
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

VARIABLE = "LTVKIT_LANG"
SOURCE = "en"  # the language that the kit is written in
FOLDER = Path(__file__).parent / "locale"
DOMAIN = "ltvkit"

N_ = str  # marks a text for the catalogue of a table of texts; `_` translates it when it is shown

_chosen: ContextVar[str | None] = ContextVar("_chosen", default=None)


def _(message: str) -> str:
    """`message` in the reader's language; unchanged where the catalogue does not have it.

    >>> _("revenue")
    'revenue'
    """
    return _catalogue().gettext(message)


def n_(one: str, many: str, n: int) -> str:
    """`one` or `many`, as `n` asks for in the reader's language. Numbers are filled in after.

    >>> [n_("1 customer", "{n} customers", n).format(n=f"{n:,}") for n in (0, 1, 1200)]
    ['0 customers', '1 customer', '1,200 customers']
    """
    return _catalogue().ngettext(one, many, n)


def find(domain: str, context: str, message: str) -> str:
    """`message` in the reader's language, from a catalogue of its own, where it has a `context`.

    >>> find("notebooks", "01_rfm:nav", "RFM")
    'RFM'
    """
    return _read(_name(), domain).pgettext(context, message)


def language() -> str:
    """The language of what `_` gives, as HTML names it: "en" where there is no catalogue.

    >>> language()
    'en'
    """
    if type(_catalogue()) is gettext.NullTranslations:
        return SOURCE
    return _name().partition(".")[0].replace("_", "-")


def list_languages() -> list[str]:
    """The languages there are: English, and those that have a catalogue.

    >>> list_languages()
    ['en', 'ja']
    """
    found = FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")
    return [SOURCE, *sorted(path.parts[-3] for path in found)]


def find_language() -> str:
    """Which of `list_languages` LTVKIT_LANG means; English where it is none of them.

    >>> find_language()
    'en'
    """
    said = language()
    return next((name for name in list_languages() if said.split("-")[0] == name), SOURCE)


def find_common(languages: Iterable[str]) -> str:
    """The one language of all; "" where they differ, which leaves it to LTVKIT_LANG.

    >>> find_common(["ja", "ja"]), find_common(["ja", "en"]), find_common([])
    ('ja', '', '')
    """
    known = {*languages}
    return known.pop() if len(known) == 1 else ""


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """While the block runs, `language` is the reader's; "" leaves it to LTVKIT_LANG.

    >>> with speaking("en"):
    ...     language()
    'en'
    """
    token = _chosen.set(language or None)
    try:
        yield
    finally:
        _chosen.reset(token)


def _name() -> str:
    return _chosen.get() or os.environ.get(VARIABLE) or _find_folder_language()


def _find_folder_language() -> str:
    """That of a notebook in notebooks/<language>/ or a folder there, where its kernel starts; ""
    elsewhere."""
    try:
        above, folder, last = ["", "", *os.getcwd().split(os.sep)][-3:]
    except OSError:  # the folder is gone
        return ""
    return {folder: last, above: folder}.get("notebooks", "")


def _catalogue() -> gettext.NullTranslations:
    return _read(_name())


@cache
def _read(name: str, domain: str = DOMAIN) -> gettext.NullTranslations:
    """The catalogue of a language by its name, as "ja" or "ja_JP.UTF-8"; read once."""
    if not name or name.startswith(SOURCE):
        return gettext.NullTranslations()
    return gettext.translation(domain, FOLDER, languages=[name], fallback=True)


Message = tuple[int, str, str | tuple[str, ...], list[str]]


def extract_texts(
    file: BinaryIO, _keywords: Any, _comments: Any, options: Mapping[str, str]
) -> Iterator[Message]:
    """The texts of a YAML file of the kit for Babel, as pyproject.toml asks: all but its keys.

    Where the options name `keys`, only what stands below these. A mapping of `one` and `many` holds
    the two forms of one text.

    >>> import io
    >>> text = b"name: Revenue\\nr: [1, 5]\\nn: {one: a day, many: days}"
    >>> list(extract_texts(io.BytesIO(text), (), (), {}))
    [(3, 'n_', ('a day', 'days'), []), (1, '_', 'Revenue', [])]
    >>> list(extract_texts(io.BytesIO(text), (), (), {"keys": "name note"}))
    [(1, '_', 'Revenue', [])]
    """
    import yaml

    keys = options.get("keys", "").split()
    nodes = [(yaml.compose(file), not keys)]
    while nodes:
        node, shown = nodes.pop()
        if isinstance(node, yaml.MappingNode):
            inner = {key.value: value for key, value in node.value}
            if [*inner] == ["one", "many"]:
                forms = tuple(value.value for value in inner.values())
                if shown:
                    yield node.start_mark.line + 1, "n_", forms, []
            else:
                nodes += [(value, shown or key in keys) for key, value in inner.items()]
        elif isinstance(node, yaml.SequenceNode):
            nodes += [(value, shown) for value in node.value]
        elif shown and node.value and node.tag.endswith(":str"):
            yield node.start_mark.line + 1, "_", node.value, []

"""The words a reader sees, by gettext: English is the source, LTVKIT_LANG names another one."""

import gettext
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

N_ = str  # marks a text for the catalogue of a table of texts; `_` translates it when it is shown


def _(message: str) -> str:
    """`message` in the language of LTVKIT_LANG; unchanged where there is no catalogue.

    >>> _("revenue")
    'revenue'
    """
    return _catalogue().gettext(message)


def n_(one: str, many: str, n: int) -> str:
    """`one` or `many`, as `n` asks for in the language of LTVKIT_LANG. Numbers are filled in after.

    >>> [n_("1 customer", "{n} customers", n).format(n=f"{n:,}") for n in (0, 1, 1200)]
    ['0 customers', '1 customer', '1,200 customers']
    """
    return _catalogue().ngettext(one, many, n)


def language() -> str:
    """The language of what `_` gives, as HTML names it: "en" where there is no catalogue.

    >>> language()
    'en'
    """
    if type(_catalogue()) is gettext.NullTranslations:
        return "en"
    return os.environ["LTVKIT_LANG"].partition(".")[0].replace("_", "-")


def _catalogue() -> gettext.NullTranslations:
    chosen, folder = os.environ.get("LTVKIT_LANG"), Path(__file__).parents[1] / "locale"
    if not chosen:
        return gettext.NullTranslations()
    return gettext.translation("ltvkit", folder, languages=[chosen], fallback=True)


def extract_texts(
    file: BinaryIO, *_what: Any, **_options: Any
) -> Iterator[tuple[int, str, str | tuple[str, ...], list[str]]]:
    """The texts of a YAML file of the kit for Babel, as pyproject.toml asks: all but its keys.

    A mapping of `one` and `many` holds the two forms of one text.

    >>> import io
    >>> list(extract_texts(io.BytesIO(b"name: Revenue\\nr: [1, 5]\\nn: {one: a day, many: days}")))
    [(3, 'n_', ('a day', 'days'), []), (1, '_', 'Revenue', [])]
    """
    import yaml

    nodes = [yaml.compose(file)]
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.MappingNode):
            inner = {key.value: value for key, value in node.value}
            if [*inner] == ["one", "many"]:
                forms = tuple(value.value for value in inner.values())
                yield node.start_mark.line + 1, "n_", forms, []
            else:
                nodes += inner.values()
        elif isinstance(node, yaml.SequenceNode):
            nodes += node.value
        elif node.tag.endswith(":str"):
            yield node.start_mark.line + 1, "_", node.value, []

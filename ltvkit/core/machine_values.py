"""Values of this machine that no report shows: secrets of the environment, and its folders."""

import base64
import html
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, quote_plus

from ltvkit.core import files, paths
from ltvkit.errors import ProjectError

_KNOWN = files.read_yaml(__name__, "secrets.yaml")
_SECRET, _LOGIN = (re.compile("|".join(_KNOWN[part])) for part in ("names", "logins"))
_IN_ADDRESS = re.compile(r"://[^/\s:@]*:((?!\d+/)\S+)@")
_NO_SECRET = ("PWD", "OLDPWD")  # a shell's working directory
# A shorter value could be part of any word, so only whole words are hidden.
_SHORT = 8
_SHORTEST_ENCODED = 6
# In figures and prose, still shorter values and numbers would hide what is no secret.
_LEAST_IN_FIGURES = 3
HIDDEN = "***"
_ESCAPE = re.compile("%[0-9A-F]{2}")
_SIGNS = str.maketrans({sign: f"&#x{ord(sign):X};" for sign in "/+=`"})  # as templates write them
_LABELS = files.read_yaml("ltvkit", "display/labels.yaml")["labels"]
# What the kit writes in every report: there a gap would tell the secret, and make pages of nothing.
_OWN_WORDS = frozenset(re.findall(r"[a-z]{3,}", " ".join(map(str, [*_LABELS])).casefold()))


def is_secret(name: str) -> bool:
    """Whether a parameter or a variable is named like a secret.

    >>> [is_secret(name) for name in ("PGPASSWORD", "apiKey", "MYSQL_PWD", "monkey")]
    [True, True, True, False]
    """
    return bool(_SECRET.search(_words(name)))


def hide_secrets(text: str, *, figures: bool = False) -> str:
    """A text without the values of secrets in the environment, also where they are encoded.

    A value of less than 8 characters is hidden where it is a whole word. In `figures`, tables and
    pages, those of one or two characters and short numbers stay, and so do names of logins and
    words that the kit writes there itself.
    """
    pattern = find_secrets(figures=figures)
    return pattern.sub(HIDDEN, text) if pattern else text


def find_secrets(*, figures: bool = False) -> re.Pattern[str] | None:
    """The pattern of what `hide_secrets` hides, for very many texts; None: there are no secrets."""
    return _compile(tuple(sorted(_list_values(figures=figures))))


def shorten_paths(text: str) -> str:
    """A text with paths in the project relative to it, and without the user's folders.

    >>> shorten_paths(f"no {paths.root()}/a.csv, nor {tempfile.gettempdir()}/b-1/c.csv")
    'no a.csv, nor ***/b-1/c.csv'
    """
    if os.sep not in text:
        return text
    for folder, shown in _list_folders():
        if folder in text:
            after = r"(?:/|(?![\w-]|\.\w))"
            text = re.sub(rf"(?<![\w.-]){re.escape(folder)}{after}", shown, text)
    return text


def _words(name: str) -> str:
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[\W_]+", "_", parts).lower()


@lru_cache(maxsize=1024)
def _is_hidden(name: str, *, logins: bool) -> bool:
    named = is_secret(name) or (logins and bool(_LOGIN.search(_words(name))))
    return named and name not in _NO_SECRET


def _list_values(*, figures: bool) -> Iterator[str]:
    for name, value in os.environ.items():
        known = [found[1] for found in _IN_ADDRESS.finditer(value)]
        if _is_hidden(name, logins=not figures):
            known += [value, value.strip()]
        for one in filter(str.strip, known):
            short = len(one) < _LEAST_IN_FIGURES or one.isdigit()
            own = _OWN_WORDS.issuperset(re.split(r"[\W_]+", one.strip().casefold()))
            if not (figures and (own or (short and len(one) < _SHORT))):
                yield one


@lru_cache(maxsize=16)
def _compile(values: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern of all values and of the forms in which texts may hold them."""
    forms, coded = set[str](), set[str]()
    for value in values:
        quoted = [quote(value, safe=""), quote(value), quote_plus(value), quote_plus(value, "/")]
        quoted += [_ESCAPE.sub(lambda hexed: hexed[0].lower(), text) for text in quoted]
        quoted += [value.replace('"', '""'), value.replace("/", "\\/")]
        markup = html.escape(value), html.escape(value, quote=False), _name_signs(value)
        templates = markup[0].replace("&quot;", "&#34;").replace("&#x27;", "&#39;")  # of Jinja
        escaped = json.dumps(value)[1:-1], repr(value)[1:-1]
        lines = (line for line in value.splitlines() if len(line) >= _SHORT)
        forms |= {value, *quoted, *markup, templates, *escaped, *lines}
        if len(value) >= _SHORTEST_ENCODED:
            coded |= set(_encode(value.encode()))
    ordered = sorted(forms | coded, key=lambda form: (-len(form), form))
    found = [
        re.escape(form)
        if len(form) >= _SHORT or form in coded
        else rf"(?<!\w){re.escape(form)}(?!\w)"
        for form in ordered
    ]
    return re.compile("|".join(found)) if found else None


def _name_signs(value: str) -> str:
    return html.escape(value).translate(_SIGNS)


def _encode(value: bytes) -> Iterator[str]:
    """A value in base64, in both alphabets; also inside of a longer text, as user:password is."""
    for before in range(3):  # bytes of the text that share a group with the value's first
        ends = 8 * before, 8 * (before + len(value))
        first, last = -(-ends[0] // 6), ends[1] // 6
        inside = base64.b64encode(bytes(before) + value).decode()[first:last]
        whole = [base64.b64encode(value).decode().rstrip("=")] * (not before)
        for form in (inside, *whole):
            yield from (form, form.replace("+", "-").replace("/", "_"))


def _list_folders() -> list[tuple[str, str]]:
    """Folders of this machine, each with what is shown in its place; inner ones first."""
    known = [(Path.home(), "~/"), (Path(tempfile.gettempdir()), f"{HIDDEN}/")]
    with suppress(ProjectError):
        known += [(paths.reports().absolute(), "reports/"), (paths.root().absolute(), "")]
    shown: dict[str, str] = {}
    for folder, text in known:
        shown |= {str(folder): text, os.path.realpath(folder): text}
    kept = [(folder, text) for folder, text in shown.items() if len(Path(folder).parts) > 1]
    return sorted(kept, key=lambda pair: (-len(pair[0]), pair[0]))

"""Secrets and personal data are kept out of pages, manifests and error messages.

Params are printed in manifests and on pages, and failures on reports/index.html. So params that
look like secrets are refused. All text of a report is masked where it leaves: by `mask_figures`
what pages, tables and the manifest say, by `mask` the kit's own messages, and by `foreign` those
of libraries.
"""

import errno
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ltvkit import errors
from ltvkit.core import files, personal_data
from ltvkit.core.machine_values import HIDDEN, hide_secrets, is_secret, shorten_paths
from ltvkit.errors import ParamsError

_VALUES = re.compile("|".join(files.read_yaml(__name__, "secrets.yaml")["values"]))
_WORDS = files.read_yaml(__name__, "foreign_words.yaml")
# What the operating system says of a file or a disk has no word of the data in it.
_OF_SYSTEM = re.findall(r"[a-z]+", " ".join(map(os.strerror, errno.errorcode)).casefold())
_KNOWN, _BESIDE = (frozenset(_WORDS[part].split()) for part in ("words", "beside"))
_KNOWN |= set(_OF_SYSTEM)
_QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|[`「][^`」\n]*[`」]")
_WORD = re.compile(r"[^\W\d_]+|\d+")
_TOKEN = re.compile(r"\w+")
_SEVERAL = re.compile(r"\*{3}(?:[^\w*]*\*{3})+")
_TAGS = re.compile(r"(<style.*?</style>|<[^>]*>)", re.S)
_MARKUP = ("text/html", "image/svg+xml")
# Attributes that a reader sees; the others are names, or code.
_READ = re.compile(
    r"""(?<=\s)((?:title|alt|aria-[a-z]+|data-[\w-]+|href|label|summary|value)\s*=\s*)
    ("[^"]*"|'[^']*')""",
    re.X,
)
_FRAME = re.compile(r"\s*(File |Cell In)")
_CODE = re.compile(r"-+> ?\d+|\s*\d+ |\.\.\.|\s*$|\s+\^+\s*$")
_BETWEEN = re.compile(r"-{10,}$|Traceback|\w+ +Traceback|The above exception|During handling")
_ANSI = re.compile(r"\x1b\[[\d;]*m")
_REFUSED = (
    "looks like a secret, and params are printed in reports: take it out of the file, and put it "
    "into an environment variable (for PostgreSQL: PGUSER and PGPASSWORD), or, for Spark, into "
    "spark-defaults.conf."
)
_OF_CODE = ("ModuleNotFoundError", "NameError")  # they name what the code names, never data
_SHARED = ("DataError",)  # also the name of an error of databases
_SAID = re.compile(r"(?:[\w.]+\.)?(\w+): (.+)")  # the line of an error in a traceback
_REPEATED = 4  # characters of a cause; a shorter one could be part of any word
_LONGEST = 300  # characters of a library's message


def check(name: str, value: Any) -> None:
    """Raise `ParamsError` for a value that looks like a secret, by its name or its form.

    Looks into lists and mappings. The message does not repeat the value.

    >>> check("title", "The secret garden")
    >>> check("api_key", "abc")
    Traceback (most recent call last):
    ltvkit.errors.ParamsError: api_key looks like a secret, and params are printed in reports: ...
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            # Keys of `columns` are names of columns, so only their values are checked.
            check(f"{name}: {key}" if name != "columns" else name, inner)
        return
    if isinstance(value, list | tuple):
        for inner in value:
            check(name, inner)
        return
    named = is_secret(name.rpartition(": ")[2]) and value not in (None, "", False, True)
    if named or (isinstance(value, str) and _VALUES.search(value)):
        raise ParamsError(f"{name} {_REFUSED}")


def check_column(name: str, header: str) -> None:
    """Raise `ParamsError` for a column of personal data: pages show the columns that are mapped.

    >>> check_column("gift", "Gift wrap")
    >>> check_column("contact", "E-mail address")
    Traceback (most recent call last):
    ltvkit.errors.ParamsError: columns: contact: 'E-mail address' is personal data, and pages ...
    """
    for word in (name, header):
        if personal_data.is_refused(word):
            raise ParamsError(
                f"columns: {name}: {header!r} is personal data, and pages show the columns that "
                "are mapped: leave it out. It can be the customer_id, which is on no page. If "
                f"pages may show it: policies: shown: [{name}]."
            )


def mask(text: str) -> str:
    """A message with secrets of this environment, what looks like one, and people masked.

    >>> mask("cannot reach postgresql://me:pass1@host/shop for a@example.org or 090-1234-5678")
    'cannot reach postgresql***host/shop for *** or ***'
    """
    shown = hide_secrets(_VALUES.sub(HIDDEN, text))
    return shorten_paths(personal_data.hide(shown, strict=False))


def mask_figures(text: str) -> str:
    """What a page or a table says, with secrets, people and folders of this machine masked.

    Of secrets that are short, and of numbers that look like a telephone's, only what is sure: a
    figure stays a figure (see `machine_values.hide_secrets`).
    """
    return shorten_paths(personal_data.hide(hide_secrets(text, figures=True)))


def foreign(error: object) -> str:
    """The first line of a library's error, with all masked that it may quote of the data.

    Of words those of `foreign_words.yaml` are shown, of numbers those that say where the fault is.

    >>> foreign("Could not convert string 'C00017' of Taro Yamada to INT32 at row 3")
    'Could not convert string *** of *** to *** at row 3'
    >>> foreign("[Errno 28] No space left on device: '/home/hanako/x'")
    '[Errno ***] No space left on device: ***'
    """
    first = next(filter(str.strip, str(error).splitlines()), "")
    text = _QUOTED.sub(HIDDEN, mask(" ".join(first.split())))
    words = [(found[0], _is_known(found[0])) for found in _TOKEN.finditer(text)]
    beside = [False, *(word.casefold() in _BESIDE for word, _known in words), False]
    shown = iter(
        word if known or (word.isdecimal() and len(word) < 9 and (before or after)) else HIDDEN
        for (word, known), before, after in zip(words, beside, beside[2:], strict=False)
    )
    text = _SEVERAL.sub(HIDDEN, _TOKEN.sub(lambda _found: next(shown), text))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."


def describe_error(error: BaseException) -> str:
    """An error for a reader: the kit's own text; of others the kind and a text without data."""
    if isinstance(error, errors.LtvkitError):
        return mask(_mask_causes(str(error), map(str, _list_causes(error))))
    if isinstance(error, OSError) and error.strerror:
        return mask(f"{error.strerror}: {error.filename}") if error.filename else error.strerror
    return f"{type(error).__name__}: {foreign(error)}"


def mask_deep(found: Any) -> Any:
    """Texts in lists and mappings as `mask_figures` shows them; of keys, people are masked."""
    if isinstance(found, str):
        return mask_figures(found)
    if isinstance(found, list | tuple):
        return [mask_deep(each) for each in found]
    if not isinstance(found, Mapping):
        return found
    hide = personal_data.hide
    return {hide(k) if isinstance(k, str) else k: mask_deep(x) for k, x in found.items()}


def mask_outputs(found: Any) -> Any:
    """Outputs of a notebook as they are stored: masked, and pictures of pixels as they are.

    In another library's error, its traceback and its warnings all that they may quote is masked.
    """
    if isinstance(found, list):
        return [mask_outputs(each) for each in found]
    if found["output_type"] == "error":
        shown = mask_error(found)
        return {**found, "evalue": shown, "traceback": _mask_traceback(found, shown)}
    if found["output_type"] == "stream":
        text = "".join(found["text"])
        shown = _mask_log(text) if found["name"] == "stderr" else mask_figures(text)
        return {**found, "text": shown}
    kept = {kind: _mask_data(kind, data) for kind, data in found.get("data", {}).items()}
    return {**found, "data": kept, "metadata": mask_deep(found.get("metadata", {}))}


def mask_error(output: Mapping[str, Any]) -> str:
    """The message of an error in a notebook's output, masked so that it can be stored."""
    kind, text = output["ename"], output["evalue"]
    if kind in _OF_CODE:
        return mask(text)
    if not hasattr(errors, kind) or _is_foreign(output):
        return foreign(text)
    lines = [_SAID.fullmatch(line) for line in _split(output.get("traceback", []))]
    causes = [said[2] for said in lines if said and not hasattr(errors, said[1])]
    return mask(_mask_causes(text, causes))


def _list_causes(error: BaseException) -> list[BaseException]:
    """The errors of libraries that an error was raised from, or while they were handled."""
    found: list[BaseException] = []
    while (cause := error.__cause__ or error.__context__) and cause not in found:
        found.append(error := cause)
    own = __name__.partition(".")[0]
    return [cause for cause in found if type(cause).__module__.partition(".")[0] != own]


def _mask_causes(text: str, causes: Iterable[str]) -> str:
    """A message of the kit's in which what it repeats of its causes is masked."""
    for said in causes:
        for line in filter(str.strip, [said, *said.splitlines()]):
            if len(line) >= _REPEATED:
                text = text.replace(line, foreign(line))
    return text


def _is_known(word: str) -> bool:
    parts = [part.casefold() for part in _WORD.findall(word)]
    spelled = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", word)
    known = _KNOWN.issuperset(parts) or _KNOWN.issuperset(part.casefold() for part in spelled)
    return bool(parts and known and not any(c.isdecimal() for c in word) and word.isascii())


def _is_foreign(output: Mapping[str, Any]) -> bool:
    """Whether an error of a name that others use as well was raised outside the kit's code."""
    if output["ename"] not in _SHARED:
        return False
    marked = [line for line in _split(output["traceback"]) if re.match("-+>", line)]
    return not (marked and re.search(rf"\braise {output['ename']}\(", marked[-1]))


def _split(traceback: list[str]) -> list[str]:
    return _ANSI.sub("", "\n".join(traceback)).split("\n")


def _mask_traceback(output: Mapping[str, Any], message: str) -> list[str]:
    """Where the error was raised, line by line, and its masked message; other text is foreign."""
    lines, in_frame = [], False
    for line in _split(output["traceback"]):
        located, coded = _FRAME.match(line), in_frame and _CODE.match(line)
        in_frame = bool(located or coded)
        if located or coded or _BETWEEN.match(line):
            lines.append(mask(line))
        elif line.strip():
            lines.append(foreign(line))
    return [*lines[:-1], f"{output['ename']}: {message}"]


def _mask_log(text: str) -> str:
    own = ("LtvkitWarning: ",)
    lines = [mask(x) if any(w in x for w in own) else foreign(x) for x in text.splitlines()]
    return "".join(f"{line}\n" for line in lines)


def _mask_data(kind: str, data: Any) -> Any:
    if kind.startswith("image/") and kind not in _MARKUP:
        return data
    if not isinstance(data, str | list):
        return mask_deep(data)
    text = data if isinstance(data, str) else "".join(data)
    if kind not in _MARKUP:
        return mask_figures(text)
    parts = _TAGS.split(text)  # a secret may be the name of an element
    return "".join(_mask_tag(x) if n % 2 else mask_figures(x) for n, x in enumerate(parts))


def _mask_tag(tag: str) -> str:
    return _READ.sub(lambda found: found[1] + mask_figures(found[2]), tag)

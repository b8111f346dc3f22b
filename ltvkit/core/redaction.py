"""Secrets and personal data are kept out of pages, manifests and error messages.

Params are printed in manifests and on pages, and failures on reports/index.html. So params that
look like secrets are refused, and messages are masked before they are stored.
"""

import os
import re
from collections.abc import Mapping
from typing import Any

from ltvkit import errors
from ltvkit.core import files, personal_data
from ltvkit.errors import ParamsError

_KNOWN = files.read_yaml(__name__, "secrets.yaml")
_SECRET, _VALUES = (re.compile("|".join(_KNOWN[part])) for part in ("names", "values"))
_MAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,256}@[\w-]+(\.[\w-]+)+")
# Parts of a message that may quote data: text in quotation marks, and words with a digit.
_QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|[`「][^`」\n]*[`」]|\b(?=\w*\d)\w{4,}")
_REFUSED = (
    "looks like a secret, and params are printed in reports: take it out of the file, and put it "
    "into an environment variable (for PostgreSQL: PGUSER and PGPASSWORD), or, for Spark, into "
    "spark-defaults.conf."
)
_OF_CODE = ("ModuleNotFoundError", "NameError")  # they name what the code names, never data
_SHORTEST = 8  # a shorter value could be any word
HIDDEN = "***"


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
    named = _is_secret(name.rpartition(": ")[2]) and value not in (None, "", False, True)
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
        if personal_data.is_personal(word):
            raise ParamsError(
                f"columns: {name}: {header!r} is personal data, and pages show the columns that "
                "are mapped: leave it out. It can be the customer_id, which is on no page."
            )


def mask(text: str) -> str:
    """A message with secrets of this environment, what looks like one, and e-mails masked.

    >>> mask("cannot reach postgresql://me:pass1@host/shop for a@example.org")
    'cannot reach postgresql***host/shop for ***'
    """
    return _shown(_VALUES.sub(HIDDEN, text))


def mask_foreign(text: str) -> str:
    """The message of another library's error, with all that it may quote of the data masked.

    >>> mask_foreign("Could not convert string 'C00017' to INT64 at row 3")
    'Could not convert string *** to *** at row 3'
    """
    return _QUOTED.sub(HIDDEN, mask(text))


def mask_outputs(found: Any) -> Any:
    """Outputs of a notebook with secrets of this environment and e-mails masked; images stay.

    In another library's error, and its traceback, all that it may quote of the data is masked.
    """
    if isinstance(found, str):
        return _shown(found)
    if isinstance(found, list):
        return [mask_outputs(each) for each in found]
    if not isinstance(found, Mapping):
        return found
    if found.get("output_type") == "error":
        message = mask_error(found["ename"], found["evalue"])
        lines = [line.replace(found["evalue"] or "\0", message) for line in found["traceback"]]
        found = {**found, "evalue": message, "traceback": lines}
    return {k: x if k.startswith("image/") else mask_outputs(x) for k, x in found.items()}


def mask_error(kind: str, text: str) -> str:
    """The message of an error of a class named `kind`, masked so that it can be stored."""
    return mask(text) if kind in _OF_CODE or hasattr(errors, kind) else mask_foreign(text)


def _shown(text: str) -> str:
    for name, value in os.environ.items():
        # PWD is a shell's working directory, not a password.
        if name not in ("PWD", "OLDPWD") and len(value) >= _SHORTEST and _is_secret(name):
            text = text.replace(value, HIDDEN)
    return _MAIL.sub(HIDDEN, text) if "@" in text else text


def _is_secret(name: str) -> bool:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return bool(_SECRET.search(re.sub(r"[\W_]+", "_", words).lower()))

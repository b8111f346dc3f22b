"""The file of a new hypothesis, every field explained."""

import json
import textwrap
from collections.abc import Mapping
from typing import Any

from ltvkit.hypotheses.registry.fields import DEFAULTS, FIELDS

HEAD = """\
# A hypothesis: what is done to whom, when, and how it is to be judged. Fill in each field that
# stands empty. A field behind a # may be left out; take the # away to use it. Then have the file
# checked, and register it before the first day that counts. A text with a colon or a # in it
# goes in "quotes".
"""


def render(given: Mapping[str, Any]) -> str:
    """The fields that are known -> the text of a file, with the others still to be filled in.

    >>> render({"id": "win-back"}).splitlines()[-2:]
    ['# Anything else; may be changed at any time.', '# notes: Mail sent at 9:00']
    """
    return HEAD + "".join(_field(name, given) for name in FIELDS)


def _field(name: str, given: Mapping[str, Any]) -> str:
    default = DEFAULTS.get(name)
    left_out = "" if default in (None, (), "") else f" Left out: {default}."
    about = textwrap.wrap(f"{FIELDS[name].about}.{left_out}", 96, break_on_hyphens=False)
    example = f"{name}: {FIELDS[name].example}"
    if name in given:
        last = f"{name}: {json.dumps(given[name], ensure_ascii=False, default=str)}"
    elif name in DEFAULTS:
        last = f"# {example}"
    else:
        about.append(f"  {example}")
        last = f"{name}:"
    return "\n" + "".join(f"# {line}\n" for line in about) + last + "\n"

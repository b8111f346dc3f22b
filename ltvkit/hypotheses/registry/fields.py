"""The fields of a hypothesis file: `fields.yaml` says what each is for, with an example.

The check of a file and the template for a new one both follow this table. A field with a default
in `Hypothesis` may be left out.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from ltvkit.core import files
from ltvkit.hypotheses.effects.metrics import METRICS
from ltvkit.hypotheses.hypothesis import COMPARISONS, RULES, Hypothesis
from ltvkit.hypotheses.registry.field_types import KINDS
from ltvkit.rfm import SEGMENT_NAMES

DEFAULTS = {f.name: f.default for f in fields(Hypothesis) if f.default is not MISSING}
DEFAULTS["assignment"] = None  # read into `assigned`


class Field(NamedTuple):
    """What a field is for, an example as a file has it, and its check: value -> value."""

    about: str
    example: str
    check: Callable[[Any], Any]


_WORDS = {
    "rules": ", ".join(RULES),
    "segments": ", ".join(SEGMENT_NAMES),
    "comparisons": ", ".join(COMPARISONS),
    "metrics": "; ".join(f"{name}, {m.definition}" for name, m in METRICS.items()),
}
FIELDS = {
    name: Field(entry["about"].format(**_WORDS), entry["example"], KINDS[entry["kind"]])
    for name, entry in files.read_yaml(__name__, "fields.yaml").items()
}


def describe(name: str) -> str:
    """What a field is for, and an example of it.

    >>> describe("start")
    'the first day that counts; as in `start: 2024-03-01`'
    """
    field = FIELDS[name]
    return f"{field.about[0].lower()}{field.about[1:]}; as in `{name}: {field.example}`"


def render_template(given: Mapping[str, Any]) -> str:
    """The fields that are known -> the text of a file, with the others still to be filled in.

    >>> render_template({"id": "win-back"}).splitlines()[-2:]
    ['# Anything else; may be changed at any time.', '# notes: Mail sent at 9:00']
    """
    import jinja2

    source = Path(__file__).with_name("hypothesis.yaml.j2").read_text("utf-8")
    dump = partial(json.dumps, ensure_ascii=False, default=str)
    return jinja2.Template(source).render(fields=FIELDS, defaults=DEFAULTS, given=given, dump=dump)

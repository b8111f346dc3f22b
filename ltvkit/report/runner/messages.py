"""What a reader sees of standard error: the kit's own warnings, as notes; nothing of libraries.

Warnings of libraries, progress bars and logs say nothing about the shop, and may quote its data.
"""

import re
from collections.abc import Iterable
from typing import Any

from ltvkit.core.i18n import _
from ltvkit.errors import LtvkitWarning

_WIDGET = "application/vnd.jupyter.widget-view+json"  # a progress bar, which needs scripts


def clean_outputs(outputs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """A cell's outputs without standard error and widgets; each own warning is a note, once.

    >>> said = {"output_type": "stream", "name": "stderr", "text": "a.py:3: LtvkitWarning: no ids"}
    >>> clean_outputs([said, said | {"text": "a.py:3: UserWarning: old"}])
    [{'output_type': 'stream', 'name': 'stdout', 'text': 'Note: no ids\\n'}]
    """
    kept: list[dict[str, Any]] = []
    for output in outputs:
        if output.get("name") == "stderr":
            notes = [_note(text) for text in _own().findall("".join(output["text"]))]
            kept += [note for n, note in enumerate(notes) if note not in kept + notes[:n]]
        elif _WIDGET not in output.get("data", {}):
            kept.append(output)
    return kept


def _own() -> re.Pattern[str]:
    """A warning of the kit as Python prints it: file, line, name, text; then a line of code."""
    names = "|".join(kind.__name__ for kind in (LtvkitWarning, *LtvkitWarning.__subclasses__()))
    return re.compile(rf"^.*?:\d+: (?:{names}): (.*(?:\n(?!  |.*?:\d+: \w+: ).+)*)", re.M)


def _note(text: str) -> dict[str, Any]:
    said = _("Note: {text}").format(text=" ".join(text.split()))
    return {"output_type": "stream", "name": "stdout", "text": f"{said}\n"}

"""Questions that `inspect` wrote into a params file, and that nobody has answered yet."""

import re
from pathlib import Path

from ltvkit.core.i18n import n_
from ltvkit.display import formats, joining
from ltvkit.ingest.schema import COLUMNS

MARK = "CHECK:"
_MARKED = re.compile(rf"\s*# {MARK} (?:({'|'.join(COLUMNS)}): )?")
_KEY = re.compile(r"( *)([A-Za-z_]\w*):")


def list_open_questions(text: str) -> list[str]:
    """The text of a params file -> the keys whose comment is still marked `CHECK:`.

    The mark stands above its key, or names the column that it is about.

    >>> list_open_questions("columns:\\n  # CHECK: Which column is it?\\n  order_id: Nr")
    ['columns.order_id']
    """
    found: list[str] = []
    parent, waiting = "", False
    for line in text.splitlines():
        if marked := _MARKED.match(line):
            found += [f"columns.{marked[1]}"] if marked[1] else []
            waiting = waiting or not marked[1]
        elif key := _KEY.match(line):
            parent = parent if key[1] else key[2]
            found += [f"{parent}.{key[2]}" if key[1] else key[2]] * waiting
            waiting = False
    return list(dict.fromkeys(found))


def remind(path: Path) -> str:
    """The open questions of a params file in a sentence; empty where there is none."""
    keys = list_open_questions(path.read_text("utf-8"))
    text = n_(
        "{n} question of {file} is open: {keys}. Decide it, and remove its line marked CHECK.",
        "{n} questions of {file} are open: {keys}. Decide them, and remove their lines marked "
        "CHECK.",
        len(keys),
    )
    return formats.fill(text, n=len(keys), file=path.name, keys=joining.items(keys)) if keys else ""

"""Hypotheses: say beforehand what a measure should bring, act on a segment, and see if it did.

`registry` and `ledger` keep what is tried; `planning` says what can be seen; `evaluation` measures
one hypothesis, `board` all of them; `words` says it.

>>> from ltvkit import hypotheses
>>> hypotheses.load(hypotheses.folder("a-shop-without-any")).hypotheses
()
"""

from __future__ import annotations

import importlib
from typing import Any

# Found when first used: the command line loads this package, and should start at once.
_HOMES = {
    "load": "registry", "folder": "registry", "new": "registry", "register": "registry",
    "decide": "registry", "power": "planning", "assign": "planning", "candidates": "planning",
    "evaluate": "evaluation", "evaluate_all": "board", "finding": "words",
    "timelines": "timeline",
}  # fmt: skip
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)

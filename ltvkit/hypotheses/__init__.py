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
    "registry": ("decide", "folder", "load", "new", "of_shop", "register"),
    "assignment": ("assign", "candidates", "draw"),
    "planning": ("drafts", "power"),
    "evaluation": ("evaluate",),
    "board": ("evaluate_all",),
    "words": ("finding",),
    "timeline": ("timelines",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)

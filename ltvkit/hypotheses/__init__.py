"""Hypotheses: say beforehand what a measure should bring, act on a segment, and see if it did.

`registry` keeps what is tried; `design` says what can be seen; `evaluation` measures one
hypothesis, `board` all of them; `findings` says it in words.

>>> from ltvkit import hypotheses
>>> hypotheses.load(hypotheses.folder("a-shop-without-any")).hypotheses
()
"""

from ltvkit.hypotheses.board import evaluate_all
from ltvkit.hypotheses.design.assignment import assign, candidates, draw
from ltvkit.hypotheses.design.power_analysis import drafts, power
from ltvkit.hypotheses.evaluation import evaluate
from ltvkit.hypotheses.findings import finding
from ltvkit.hypotheses.registry.store import decide, folder, load, new, of_shop, register
from ltvkit.hypotheses.timeline import timelines

__all__ = [
    "assign",
    "candidates",
    "decide",
    "drafts",
    "draw",
    "evaluate",
    "evaluate_all",
    "finding",
    "folder",
    "load",
    "new",
    "of_shop",
    "power",
    "register",
    "timelines",
]


def __dir__() -> list[str]:
    return __all__

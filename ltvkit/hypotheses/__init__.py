"""Hypothesis tracking: write down what a measure should bring, act, and see whether it did.

`registry` keeps the files of hypotheses and the ledger of what was registered and decided; `design`
estimates power and draws groups; `evaluation` evaluates one hypothesis, `board` all of them;
`findings` puts the results into sentences.

>>> from ltvkit import hypotheses
>>> hypotheses.load(hypotheses.folder("a-shop-without-any")).hypotheses
()
"""

from ltvkit.core.lazy import load_names_on_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ltvkit.hypotheses.board import evaluate_all
    from ltvkit.hypotheses.design.assignment import assign, candidates, draw
    from ltvkit.hypotheses.design.power_analysis import drafts, power
    from ltvkit.hypotheses.evaluation import evaluate
    from ltvkit.hypotheses.findings import finding
    from ltvkit.hypotheses.registry.store import decide, folder, load, new, of_shop, register
    from ltvkit.hypotheses.timeline import timelines

__all__ = [
    "assign", "candidates", "decide", "drafts", "draw", "evaluate", "evaluate_all", "finding",
    "folder", "load", "new", "of_shop", "power", "register", "timelines",
]  # fmt: skip

__getattr__ = load_names_on_use(__name__, __file__)
__dir__ = __all__.copy

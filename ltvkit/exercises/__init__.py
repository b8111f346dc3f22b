"""Exercises that check themselves: the right answer is computed from the reader's own orders.

In a notebook, `exercises.check("orders-1", answer)` says whether the answer is right, and which
mistake it looks like where it is not; `exercises.hint("orders-1")` helps, and
`exercises.solution("orders-1")` tells the answer and why. What an answer is computed from, as
`book` and `as_of`, are the notebook's own variables, or are handed in by name. Nothing is sent
anywhere.
"""

from ltvkit.core.lazy import load_names_on_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ltvkit.exercises.checking import NAMES, Reply, check, hint, solution

__all__ = ["NAMES", "Reply", "check", "hint", "solution"]

__getattr__ = load_names_on_use(__name__, __file__)
__dir__ = __all__.copy

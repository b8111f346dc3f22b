"""Steps that a shop's data do not allow: the page says why, and the other steps are shown.

Cells run as they are written, in a report as in JupyterLab, where such a step raises the same
plain error. In a report a note takes the place of the error, and the notebook goes on.
"""

import ast
import re

from ltvkit.core.i18n import _
from ltvkit.display import joining
from ltvkit.errors import ColumnError, NothingYet, NotRecorded, TooLittleData, Undefined


class MissingData:
    """What one notebook has to do without: `reasons`, each once; `ended` after `NothingYet`.

    >>> missing = MissingData()
    >>> missing.explain("tested = backtest(lines)", "TooLittleData", "a backtest needs 100 orders.")
    'Not enough data: a backtest needs 100 orders.'
    >>> missing.explain("show(tested)", "NameError", "name 'tested' is not defined")
    'Not shown, for the same reason.'
    """

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.ended = False
        self._undefined: dict[str, str] = {}
        self._last = ""

    def explain(self, source: str, error: str, message: str) -> str | None:
        """A cell and the error it raised -> what the page says instead; None for a real error.

        A name that such a cell would have defined is missing for the same reason.
        """
        if error == NothingYet.__name__:
            self.ended, reason = True, message
        elif error == ColumnError.__name__:
            first = re.split(r"(?<=。)|\.(?:\s|$)", message)[0]  # then come the columns found
            reason = _("Not shown: {why}").format(why=joining.stop(first))
        elif error == NotRecorded.__name__:
            reason = message
        elif error in _names(Undefined):
            reason = _("Not shown: {why}").format(why=message)
        elif error in _names(TooLittleData):
            reason = _("Not enough data: {why}").format(why=message)
        else:
            name = re.match(r"name '(\w+)' is not defined", message)
            reason = self._undefined.get(name[1]) if error == "NameError" and name else None
        if not reason:
            return None
        self._undefined |= dict.fromkeys(_defined(source), reason)
        self.reasons += [reason] if reason not in self.reasons else []
        repeated, self._last = reason == self._last, reason
        return _("Not shown, for the same reason.") if repeated else reason


def _names(kind: type) -> set[str]:
    return {kind.__name__}.union(*map(_names, kind.__subclasses__()))


def _defined(source: str) -> set[str]:
    """The names that a cell assigns to; its magics are no Python."""
    tree = ast.parse(re.sub(r"(?m)^\s*[%!].*", "", source))
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    return {node.id for node in names if isinstance(node.ctx, ast.Store)}

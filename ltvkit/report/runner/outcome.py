"""Check whether a notebook really finished; if not, find out why and in which cell.

After a killed kernel, a time-out or `sys.exit(0)`, the notebook that papermill saves looks
complete. So a run is good only if its worker ended well, every code cell was executed and the last
cell saved its result.
"""

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ltvkit.core import files, redaction
from ltvkit.core.i18n import _

# Cells that papermill adds to the notebook it saves.
_ADDED = {"injected-parameters", "papermill-error-cell-tag"}


@dataclass(frozen=True)
class Failure:
    """Why a notebook did not finish; `cell` counts the committed notebook's cells from 1."""

    page: str
    reason: str
    cell: int | None = None
    source: str = ""
    error: str = ""

    @property
    def text(self) -> str:
        """The failure in one line."""
        where = _("{page}, cell {cell} `{source}`") if self.cell else "{page}"
        return ": ".join(filter(None, [where.format(**vars(self)), self.reason, self.error]))


def check_run(
    folder: Path, page: str, *, ok: bool, reason: str = "", log: str = ""
) -> Failure | None:
    """The run of `page` in `folder` -> None if it finished, else its `Failure`.

    `ok`: whether the worker ended well. `log`: what it wrote. `reason`: what the runner already
    knows, such as a time-out.
    """
    cells = _read_cells(folder / "notebook.ipynb")
    error = next((error for _number, cell in cells if (error := _describe_output_error(cell))), "")
    skipped = any(cell["execution_count"] is None for _number, cell in cells)
    if not reason:
        reason = _find_reason(cells, error, skipped) or _check_saved(folder, page)
        if not reason and ok:
            return None
    if not cells or not reason:
        reason = reason or _("the worker failed")
        error = redaction.foreign(log.strip().rpartition("\n")[2])
    number, cell = _find_failed_cell(cells)
    source = "".join(cell["source"]).strip().partition("\n")[0] if cell else ""
    return Failure(page, reason, number, textwrap.shorten(source, 80, placeholder=" ..."), error)


def _read_cells(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """The code cells with text, numbered as in the committed notebook; none if there is no file."""
    cells = (files.read_json(path) or {}).get("cells", [])
    own = [cell for cell in cells if not _ADDED & set(cell["metadata"].get("tags", ()))]
    return [
        (number, cell)
        for number, cell in enumerate(own, start=1)
        if cell["cell_type"] == "code" and "".join(cell["source"]).strip()
    ]


def _find_reason(cells: list, error: str, skipped: bool) -> str:
    if not cells:
        return _("the notebook did not start")
    if error:
        return _("a cell raised an error")
    return _("the kernel ended before the notebook did") if skipped else ""


def _check_saved(folder: Path, page: str) -> str:
    """What is wrong with the saved result; empty if it is that of this page."""
    saved = (files.read_json(folder / "result.json") or {}).get("page")
    if saved is None:
        return _("the last cell saved no result: it must end with results.save(out, ...)")
    return "" if saved == page else _("it saved its result as '{page}'").format(page=saved)


def _find_failed_cell(cells: list) -> tuple[int | None, dict[str, Any] | None]:
    """The cell that raised an error, else the last one that started."""
    raised = [pair for pair in cells if _describe_output_error(pair[1])]
    begun = [pair for pair in cells if pair[1]["metadata"].get("papermill", {}).get("start_time")]
    return (raised[:1] or begun[-1:] or [(None, None)])[0]


def _describe_output_error(cell: dict[str, Any]) -> str:
    """The error in a cell's output, as "ValueError: text"; empty where it is meant to be."""
    if "raises-exception" in cell["metadata"].get("tags", ()):
        return ""
    found = (o for o in cell.get("outputs", ()) if o["output_type"] == "error")
    said = (f"{o['ename']}: {redaction.mask_error(o)}" for o in found)
    return next(said, "")

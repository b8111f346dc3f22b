"""A notebook that found too little data, or nothing yet, is a short page, and not a failure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ltvkit.core.i18n import _
from ltvkit.errors import NothingYet, TooLittleData
from ltvkit.report import results

ENDS = (TooLittleData.__name__, NothingYet.__name__)  # errors that end a page, and no report
_ADDED = "papermill-error-cell-tag"  # what papermill puts before a cell that failed


def close(path: Path, *, page: str, out: str) -> None:
    """End the executed notebook at the cell that stopped it, and say why; that is its finding.

    What it had shown until then stays.
    """
    notebook = json.loads(path.read_text("utf-8"))
    cells = [c for c in notebook["cells"] if _ADDED not in c["metadata"].get("tags", ())]
    last = next(n for n, cell in enumerate(cells) if _errors(cell))
    stopped = cells[last]
    why, name = (_errors(stopped)[0][key] for key in ("evalue", "ename"))
    short = _("Too little data for this page: {why}").format(why=why)
    text = why if name == NothingYet.__name__ else short
    said = {"output_type": "stream", "name": "stdout", "text": [text + "\n"]}
    stopped["outputs"] = [o for o in stopped["outputs"] if o["output_type"] != "error"] + [said]
    kept = notebook | {"cells": cells[: last + 1]}
    path.write_text(json.dumps(kept, ensure_ascii=False), "utf-8")
    results.save(out, page=page, tables={}, findings=[text])


def _errors(cell: dict[str, Any]) -> list[dict[str, Any]]:
    return [o for o in cell.get("outputs", ()) if o["output_type"] == "error"]

"""One notebook, in a process of its own: `python -m ltvkit.report.worker`, told by its runner.

The first line of standard input is the task: the notebook, its parameters, a folder to work in,
and the file for the page's body. Standard input then stays open for as long as the runner lives;
when it closes, the worker ends itself and its kernel, so that nothing is orphaned.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

# Where the file names of a running kernel are; they differ from run to run.
_KERNEL_FILE = re.compile(re.escape(tempfile.gettempdir()) + r"/ipykernel_\d+/\d+\.py")
_INJECTED = "injected-parameters"


def main() -> None:
    """Run the notebook if asked to, then render its page's body."""
    job = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_runner, daemon=True).start()
    notebook = Path(job["folder"]) / "notebook.ipynb"
    if job["execute"]:
        _execute(Path(job["notebook"]), notebook, job["parameters"])
    from ltvkit.report import page

    body = Path(job["folder"]) / job["body"]
    part = body.with_suffix(".part")
    part.write_text(page.body(json.loads(tidied(notebook))), "utf-8")
    os.replace(part, body)


def tidied(path: Path) -> str:
    """An executed notebook without what differs from run to run: times, ids, paths of the run.

    The same inputs then give the same file, and nothing on a page names the machine.
    """
    notebook = json.loads(path.read_text("utf-8"))
    notebook["metadata"].pop("papermill", None)
    for cell in notebook["cells"]:
        for name in ("papermill", "execution"):
            cell["metadata"].pop(name, None)
        if _INJECTED in cell["metadata"].get("tags", ()):
            cell["id"] = _INJECTED
    text = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    folder = json.dumps(str(path.parent), ensure_ascii=False)[1:-1]
    return _KERNEL_FILE.sub("cell", text.replace(folder, ""))


def _execute(source: Path, target: Path, parameters: dict[str, Any]) -> None:
    # A third of papermill's start is a grammar for international addresses, which jsonschema
    # takes along where it finds it and no notebook needs.
    sys.modules["rfc3987_syntax"] = None
    from papermill import execute_notebook

    # papermill fills braces in both paths.
    source, target = (str(path).replace("{", "{{").replace("}", "}}") for path in (source, target))
    execute_notebook(source, target, parameters, progress_bar=False, start_timeout=120)


def _end_with_runner() -> None:
    # Read below Python's buffer, whose lock a thread must not hold when the worker ends.
    while os.read(0, 1):
        continue
    end_family(os.getpid())


def end_family(pid: int) -> None:
    """Kill a process and all it started: frozen first, so that it starts nothing more."""
    import psutil

    try:
        process = psutil.Process(pid)
        if pid != os.getpid():
            process.suspend()
        family = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue


if __name__ == "__main__":
    main()

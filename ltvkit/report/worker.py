"""A worker: `python -m ltvkit.report.worker` runs notebooks for its runner, one after the other.

Tasks come as lines of JSON on standard input: the notebook, its parameters, a folder to work in,
and the file for the page's body. An answer goes back for each. Standard input stays open for as
long as the runner lives; when it closes, the worker ends itself and its kernel, so that nothing
is orphaned.
"""

from __future__ import annotations

import json
import os
import queue
import re
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from typing import Any

# Where the file names of a running kernel are; they differ from run to run.
_KERNEL_FILE = re.compile(re.escape(tempfile.gettempdir()) + r"/ipykernel_\d+/\d+\.py")
_INJECTED = "injected-parameters"


def main() -> None:
    """Do tasks until the runner ends this process."""
    # The answers have the pipe to themselves: what kernels print goes to standard error.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    tasks: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=[tasks], daemon=True).start()
    # A third of papermill's start is a grammar for international addresses, which jsonschema
    # takes along where it finds it and no notebook needs.
    sys.modules["rfc3987_syntax"] = None
    import papermill  # noqa: F401 - now, while there is nothing else to do

    from ltvkit.report import page  # noqa: F401

    while True:
        try:
            _do(tasks.get())
            answer = {"ok": True}
        except Exception:
            answer = {"ok": False, "log": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)


def _listen(tasks: queue.SimpleQueue) -> None:
    for line in sys.stdin.buffer:
        tasks.put(json.loads(line))
    end_family(os.getpid())


def _do(task: dict[str, Any]) -> None:
    """Run the notebook if asked to, then render its page's body."""
    from ltvkit.report import page

    notebook = Path(task["folder"]) / "notebook.ipynb"
    if task["execute"]:
        _execute(Path(task["notebook"]), notebook, task["parameters"])
    body = Path(task["folder"]) / task["body"]
    part = body.with_suffix(".part")
    part.write_text(page.body(json.loads(tidied(notebook))), "utf-8")
    os.replace(part, body)


def tidied(path: Path) -> str:
    """An executed notebook without what differs from run to run: times, ids, paths of the run.

    The same inputs then give the same file, and nothing on a page names the machine.
    """
    notebook = json.loads(path.read_text("utf-8"))
    passed = notebook["metadata"].pop("papermill", {}).get("parameters", {})
    for cell in notebook["cells"]:
        for name in ("papermill", "execution"):
            cell["metadata"].pop(name, None)
        if _INJECTED in cell["metadata"].get("tags", ()) and passed:
            # Papermill gives it a new id, the folder of this run, and escapes for all but ASCII.
            cell["id"] = _INJECTED
            lines = [f"{name} = {value!r}" for name, value in (passed | {"out": ""}).items()]
            cell["source"] = "\n".join(["# Parameters", *lines])
    text = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    folder = json.dumps(str(path.parent), ensure_ascii=False)[1:-1]
    return _KERNEL_FILE.sub("cell", text.replace(folder, ""))


def _execute(source: Path, target: Path, parameters: dict[str, Any]) -> None:
    from papermill import execute_notebook
    from traitlets.config import Config

    # Kernels that start at the same moment can be given the same TCP port, and then hang. A
    # socket file has one owner. Its path must be short, so it is not kept with the run.
    with tempfile.TemporaryDirectory(prefix="ltvkit-") as sockets:
        talk = {"transport": "ipc", "connection_file": f"{sockets}/kernel.json"}
        config = Config(KernelManager=talk if os.name == "posix" else {})
        # papermill fills braces in both paths.
        paths = [str(path).replace("{", "{{").replace("}", "}}") for path in (source, target)]
        execute_notebook(*paths, parameters, progress_bar=False, start_timeout=120, config=config)


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

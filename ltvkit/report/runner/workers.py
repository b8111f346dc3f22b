"""Run one notebook in a process of its own, or reuse its finished run.

A finished run is a folder in the cache; it appears complete, by one rename, or not at all.
"""

import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ltvkit.config import translations
from ltvkit.config.notebooks import read_tags
from ltvkit.core import cache_entries, cache_folder, checksums, files, redaction, run_state
from ltvkit.core.i18n import _, language, speaking
from ltvkit.errors import ReportError
from ltvkit.report import results
from ltvkit.report.plan import Job
from ltvkit.report.runner import kernel_folders, messages, worker
from ltvkit.report.runner.outcome import Failure, check_run
from ltvkit.report.runner.processes import Process, Processes
from ltvkit.report.runner.signals import Interrupted

# The file names that a kernel gives its cells; they differ from run to run.
_KERNEL_FILE = re.compile(
    re.escape(f"{kernel_folders.find_home()}/{kernel_folders.PREFIX}")
    + r"\w+/ipykernel_\d+/\d+\.py"
)
_INJECTED = "injected-parameters"
_KEY = re.compile("[0-9a-f]{16}")
_USES_KIT = re.compile(rb"(from|import) ltvkit")
MANY = 1  # notebooks that use the kit; from so many on it is imported once for all


@dataclass(frozen=True)
class Done:
    """The outcome of one job; `notebook` is that of a failed one."""

    job: Job
    seconds: float = 0.0
    reused: bool = False
    failure: Failure | None = None
    notebook: str | None = None


class Workers:
    """The processes of one command, one per notebook. Safe to use from many threads."""

    def __init__(self, *, jobs: int, timeout: float | None) -> None:
        self.jobs, self.timeout = jobs, timeout
        self._lock, self._stopped = threading.Lock(), False
        self._cluster = threading.Lock()
        self._processes = Processes(jobs=jobs)
        self._started: list[Process] = []

    def prepare(self, jobs: Sequence[Job]) -> None:
        """Import what these notebooks use, once for all, where that saves time."""
        to_run = (job.notebook.path for job in jobs if not job.done)
        if sum(bool(_USES_KIT.search(path.read_bytes())) for path in to_run) >= MANY:
            self._processes.prepare()

    def finish(self, job: Job) -> Done:
        """Reuse the finished run of a job, else run it, in the language of its shop."""
        with speaking(job.language):
            return self._finish(job)

    def _finish(self, job: Job) -> Done:
        start, notebook, failure = time.monotonic(), None, None
        try:
            if os.path.lexists(job.folder):
                if not (fault := checksums.find_fault(job.folder)):
                    return Done(job, reused=True)
                cache_folder.discard(job.folder, fault)
            with suppress(_Unfinished), cache_entries.making(job.folder) as folder:
                with self._turn(job):
                    start, before = time.monotonic(), run_state.read_notes()
                    failure = self._run(job, folder)
                notebook = _normalize(folder / "notebook.ipynb")
                # It may have read two states, so its results are not kept.
                if not failure and (changed := run_state.find_change(before) or job.find_change()):
                    failure = Failure(job.notebook.page, changed)
                if failure:
                    raise _Unfinished
                results.mask(folder)
                (folder / "notebook.ipynb").write_text(notebook, "utf-8")
        except (ReportError, OSError) as error:  # a full disk, a folder that cannot be written
            failure = Failure(job.notebook.page, describe_error(error))
        if not failure:
            with suppress(OSError):  # else the next run does
                remove_older(job)
        return Done(job, round(time.monotonic() - start, 2), False, failure, notebook)

    def _turn(self, job: Job) -> AbstractContextManager:
        """A lock for a notebook that takes all workers of a cluster; Spark Connect needs none."""
        values = job.parameters
        alone = values.get("engine") == "spark" and not values["spark"].get("remote")
        return self._cluster if alone else nullcontext()

    def stop(self) -> None:
        """End every worker and its kernel, and let none start from now on."""
        with self._lock:
            self._stopped = True
            for process in self._started:
                worker.end(process)
            self._processes.stop()

    def _run(self, job: Job, folder: Path) -> Failure | None:
        with kernel_folders.kernel_folder() as temporary:
            task = {
                "source": str(_find_source(job, temporary)),
                "target": str(folder / "notebook.ipynb"),
                "parameters": job.parameters | {"out": str(folder)},
                "of_sample": _is_of_sample(job),
                "language": language(),
            }
            late, log = "", temporary / "log"
            with log.open("wb") as stream, self._start(stream, temporary) as process:
                try:
                    process.stdin.write(json.dumps(task).encode() + b"\n")
                    process.stdin.flush()
                    process.wait(self.timeout)
                except subprocess.TimeoutExpired:
                    late = _("it took longer than {s:g} s").format(s=self.timeout)
                finally:
                    worker.end(process)
            good, text = process.returncode == 0, log.read_text("utf-8", "replace")
            return check_run(folder, job.notebook.page, ok=good, reason=late, log=text)

    def _start(self, stream: BinaryIO, temporary: Path) -> Process:
        with self._lock:
            if self._stopped:
                raise InterruptedError
            process = self._processes.start(stream, temporary)
            self._started.append(process)
        return process


def _find_source(job: Job, folder: Path) -> Path:
    """The notebook to run; in another language than English, a file of that name in `folder`."""
    path = job.notebook.path.resolve()
    if job.notebook.words:
        content = translations.read(path)
        path = folder / path.name
        files.write_json(path, content)
    return path


def _is_of_sample(job: Job) -> bool:
    """Whether a job is about the shop of its notebook's defaults."""
    declared = job.notebook.parameters.get("source")
    return declared is None or job.parameters.get("source") in (None, declared.default)


class _Unfinished(Exception):
    """Raised to discard the folder of a failed run."""


def remove_leftovers(shop: str, month: str) -> None:
    """Remove what runs that died left in a report's cache. Call it under the report's lock."""
    for left in cache_folder.locate("runs", shop, month).glob(".*-*"):
        cache_folder.remove(left)


def describe_error(error: BaseException) -> str:
    """An error for a reader; see `redaction.describe_error`."""
    return str(error) if isinstance(error, Interrupted) else redaction.describe_error(error)


def remove_older(job: Job) -> None:
    """Remove finished runs of the same notebook; "01_rfm-extended" is another one."""
    for older in job.folder.parent.iterdir():
        page, _dash, key = older.name.rpartition("-")
        if page == job.notebook.page and _KEY.fullmatch(key) and older != job.folder:
            cache_folder.remove(older)


def _normalize(path: Path) -> str | None:
    """An executed notebook without what differs from run to run, and masked: times, ids, paths.

    The same inputs then give the same file, and no page names the machine. None if the file is
    not a notebook.
    """
    try:
        written = path.read_text("utf-8")
    except (OSError, ValueError):
        return None
    folder = json.dumps(str(path.parent), ensure_ascii=False)[1:-1]
    notebook = files.parse_json(_KERNEL_FILE.sub("cell", written.replace(folder, "")))
    if notebook is None:
        return None
    passed = notebook["metadata"].pop("papermill", {}).get("parameters", {})
    for cell in notebook["cells"]:
        for name in ("papermill", "execution"):
            cell["metadata"].pop(name, None)
        if "outputs" in cell:
            cell["outputs"] = redaction.mask_outputs(messages.clean_outputs(cell["outputs"]))
        if _INJECTED in read_tags(cell) and passed:
            # Papermill gives it a new id, the folder of this run, and escapes for all but ASCII.
            cell["id"] = _INJECTED
            shown = redaction.mask_deep(passed | {"out": ""})
            lines = [f"{name} = {value!r}" for name, value in shown.items()]
            cell["source"] = "\n".join(["# Parameters", *lines])
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"

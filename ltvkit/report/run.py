"""Run notebooks, each in a worker process of its own, and keep those that finished.

A finished run is a folder in the cache, put there by one rename: what is there is whole.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ltvkit
from ltvkit import paths
from ltvkit.errors import LtvkitError
from ltvkit.i18n import _
from ltvkit.report import worker
from ltvkit.report.judge import Failure, judge
from ltvkit.report.plan import Job
from ltvkit.report.publish import Place
from ltvkit.report.signals import Interrupted

_BLAS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Done:
    """How one job went. A failed one brings its notebook, for the record."""

    job: Job
    seconds: float = 0.0
    reused: bool = False
    failure: Failure | None = None
    notebook: str | None = None


class Crew:
    """The workers under way: `run` waits for one job, `stop` ends all workers and their kernels."""

    def __init__(self, *, jobs: int, timeout: float | None) -> None:
        self.jobs, self.timeout = jobs, timeout
        self._lock = threading.Lock()
        self._alive: set[subprocess.Popen] = set()
        self._stopped = False

    def run(self, job: Job) -> Done:
        """Finish one job: reuse the run of its name, else make it. Safe in many threads."""
        try:
            return self._done(job)
        except OSError as error:  # a full disk, a folder that cannot be written
            return Done(job, failure=Failure(job.notebook.page, in_words(error)))

    def stop(self) -> None:
        """End every worker and its kernel, and let none start from now on."""
        with self._lock:
            self._stopped = True
            for process in self._alive:
                worker.end_family(process.pid)

    def _done(self, job: Job) -> Done:
        reused, start = job.done, time.monotonic()
        failure = notebook = None
        if not reused:
            failure, notebook = self._execute(job)
        elif not (job.folder / job.body).is_file():
            failure = self._work(job, job.folder, execute=False)
        seconds = round(time.monotonic() - start, 2)
        return Done(job, seconds, reused, failure, notebook)

    def _execute(self, job: Job) -> tuple[Failure | None, str | None]:
        job.folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{job.notebook.page}-", dir=job.folder.parent))
        try:
            failure = self._work(job, work, execute=True)
            if failure:
                return failure, _tidied(work)
            _keep(work, job)
            return None, None
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _work(self, job: Job, folder: Path, *, execute: bool) -> Failure | None:
        task = {
            "notebook": str(job.notebook.path.resolve()),
            "parameters": job.parameters | {"out": str(folder)},
            "folder": str(folder),
            "body": job.body,
            "execute": execute,
        }
        with tempfile.TemporaryFile() as log:
            status, late = self._wait(json.dumps(task) + "\n", log)
            log.seek(0)
            text = log.read().decode("utf-8", "replace")
        reason = _("it took longer than {s:g} s").format(s=self.timeout) if late else ""
        return judge(folder, job.notebook.page, status=status, reason=reason, log=text)

    def _wait(self, task: str, log: Any) -> tuple[int, bool]:
        """The worker's exit status, and whether it ran out of time."""
        with self._lock:
            if self._stopped:
                return -1, False
            process = subprocess.Popen(
                [sys.executable, "-m", "ltvkit.report.worker"],
                stdin=subprocess.PIPE, stdout=log, stderr=log,
                cwd=paths.root(), env=environment(self.jobs), start_new_session=True,
            )  # fmt: skip
            self._alive.add(process)
        try:
            # Kept open from here on: the worker ends itself when its runner is gone.
            process.stdin.write(task.encode())
            process.stdin.flush()
            return process.wait(self.timeout), False
        except subprocess.TimeoutExpired:
            worker.end_family(process.pid)
            return process.wait(), True
        finally:
            process.stdin.close()
            with self._lock:
                self._alive.discard(process)


def environment(jobs: int) -> dict[str, str]:
    """The environment of workers and kernels, the same for every notebook of a run.

    The kit is the runner's own; reports and cache are shared; set order is fixed, since a
    report is a pure function of its inputs; and parallel notebooks share the cores.
    """
    home = str(Path(ltvkit.__file__).resolve().parents[1])
    found = [home, os.environ.get("PYTHONPATH", "")]
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    changed = {
        "LTVKIT_ROOT": str(paths.root().resolve()),
        "LTVKIT_REPORTS": str(paths.reports().resolve()),
        "LTVKIT_THREADS": threads,
        "PYTHONPATH": os.pathsep.join(filter(None, found)),
        "PYTHONHASHSEED": "0",
        # The kernel of this very environment, not one of the same name in the user's home.
        "JUPYTER_PREFER_ENV_PATH": "1",
    }
    # A backend chosen for scripts would leave the notebooks without pictures.
    kept = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    return kept | changed | dict.fromkeys(_BLAS, threads)


def clean(place: Place) -> None:
    """Remove what runs that died left among a report's finished runs. Call it under its lock."""
    for left in (paths.cache() / "runs" / place.shop / place.month).glob(".*-*"):
        shutil.rmtree(left, ignore_errors=True)


def in_words(error: BaseException) -> str:
    """An error for a reader: the kit's own text as it is, others with their kind."""
    if isinstance(error, LtvkitError | Interrupted):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return f"{type(error).__name__}: {error}"


def _keep(work: Path, job: Job) -> None:
    """Move a finished run to its name, and drop older runs of the same notebook."""
    (work / "notebook.ipynb").write_text(_tidied(work), "utf-8")
    os.rename(work, job.folder)
    for older in job.folder.parent.glob(f"{job.notebook.page}-*"):
        if older != job.folder:
            shutil.rmtree(older, ignore_errors=True)


def _tidied(folder: Path) -> str | None:
    try:
        return worker.tidied(folder / "notebook.ipynb")
    except (OSError, ValueError):
        return None

"""Run one notebook, or reuse its finished run, and keep it if it finished.

A finished run is a folder in the cache, put there by one rename: what is there is whole.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ltvkit import paths
from ltvkit.errors import LtvkitError
from ltvkit.i18n import _
from ltvkit.report import worker
from ltvkit.report.crew import Crew
from ltvkit.report.judge import Failure, judge
from ltvkit.report.plan import Job
from ltvkit.report.publish import Place
from ltvkit.report.signals import Interrupted


@dataclass(frozen=True)
class Done:
    """How one job went. A failed one brings its notebook, for the record."""

    job: Job
    seconds: float = 0.0
    reused: bool = False
    failure: Failure | None = None
    notebook: str | None = None


def run(job: Job, crew: Crew) -> Done:
    """Finish one job: reuse the run of its name, else have the crew make it."""
    reused, start = job.done, time.monotonic()
    failure = notebook = None
    try:
        if not reused:
            failure, notebook = _execute(job, crew)
        elif not (job.folder / job.body).is_file():
            failure = _work(job, job.folder, crew, execute=False)
    except OSError as error:  # a full disk, a folder that cannot be written
        failure = Failure(job.notebook.page, in_words(error))
    seconds = round(time.monotonic() - start, 2)
    return Done(job, seconds, reused, failure, notebook)


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


def _execute(job: Job, crew: Crew) -> tuple[Failure | None, str | None]:
    job.folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{job.notebook.page}-", dir=job.folder.parent))
    try:
        failure = _work(job, work, crew, execute=True)
        if failure:
            return failure, _tidied(work)
        _keep(work, job)
        return None, None
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _work(job: Job, folder: Path, crew: Crew, *, execute: bool) -> Failure | None:
    task = {
        "notebook": str(job.notebook.path.resolve()),
        "parameters": job.parameters | {"out": str(folder)},
        "folder": str(folder),
        "body": job.body,
        "execute": execute,
    }
    answer = crew.do(task)
    reason = _("it took longer than {s:g} s").format(s=crew.timeout) if answer.late else ""
    return judge(folder, job.notebook.page, ok=answer.ok, reason=reason, log=answer.log)


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

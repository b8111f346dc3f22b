"""The worker processes of one command: started early, used again, ended with all they started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, NamedTuple

import ltvkit
from ltvkit import paths
from ltvkit.report import worker

_BLAS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Answer(NamedTuple):
    """How a task went; `log` is what the worker said about a failure."""

    ok: bool
    late: bool = False
    log: str = ""


class Worker:
    """One process running `ltvkit.report.worker`, and the two pipes to talk with it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the worker
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ltvkit.report.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=paths.root(),
            env=environment,
            # Ctrl-C is for the runner alone, which ends its workers in order.
            start_new_session=True,
        )

    def do(self, task: dict[str, Any], *, timeout: float | None) -> Answer:
        """Hand over a task and wait for the answer; without one in time, end the worker."""
        late = threading.Event()
        clock = threading.Timer(timeout or threading.TIMEOUT_MAX, self._give_up, [late])
        clock.daemon = True
        clock.start()
        try:
            self._process.stdin.write(json.dumps(task).encode() + b"\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = b""
        finally:
            clock.cancel()
        if answer and not late.is_set():
            return Answer(**json.loads(answer))
        self.end()
        return Answer(ok=False, late=late.is_set(), log=self._said())

    def end(self) -> None:
        """Kill the process and all it started, unless it has ended: its number may be another's."""
        if self._process.poll() is None:
            worker.end_family(self._process.pid)
            self._process.wait()

    def _give_up(self, late: threading.Event) -> None:
        late.set()
        self.end()

    def _said(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode("utf-8", "replace")


class Crew:
    """As many workers as jobs may run at once. Safe to use from many threads."""

    def __init__(self, *, jobs: int, timeout: float | None) -> None:
        self.jobs, self.timeout = jobs, timeout
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._alive: set[Worker] = set()
        self._stopped = False

    def warm(self, count: int) -> None:
        """Start workers ahead: they import what they need while orders are prepared."""
        with self._lock:
            for _number in range(min(count, self.jobs)):
                self._idle.append(self._start())

    def do(self, task: dict[str, Any]) -> Answer:
        """Have an idle worker do a task. Only one that did well is used again."""
        with self._lock:
            if self._stopped:
                return Answer(ok=False)
            hand = self._idle.pop() if self._idle else self._start()
        answer = hand.do(task, timeout=self.timeout)
        if not answer.ok:
            hand.end()
        with self._lock:
            if answer.ok and not self._stopped:
                self._idle.append(hand)
            else:
                self._alive.discard(hand)
        return answer

    def stop(self) -> None:
        """End every worker and its kernel, and let none start from now on."""
        with self._lock:
            self._stopped = True
            for hand in self._alive:
                hand.end()
            self._alive.clear()

    def _start(self) -> Worker:
        hand = Worker(environment(self.jobs))
        self._alive.add(hand)
        return hand


def environment(jobs: int) -> dict[str, str]:
    """The environment of workers and kernels, the same for every notebook of a run.

    The kit is the runner's own; reports and cache are shared; set order is fixed, since a
    report is a pure function of its inputs; and parallel notebooks share the cores.
    """
    home = str(Path(ltvkit.__file__).resolve().parents[1])
    known = os.environ.get("PYTHONPATH", "")
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    changed = {
        "LTVKIT_ROOT": str(paths.root().resolve()),
        "LTVKIT_REPORTS": str(paths.reports().resolve()),
        "LTVKIT_THREADS": threads,
        "PYTHONPATH": os.pathsep.join(filter(None, [home, known])),
        "PYTHONHASHSEED": "0",
        # The kernel of this very environment, not one of the same name in the user's home.
        "JUPYTER_PREFER_ENV_PATH": "1",
    }
    # A backend chosen for scripts would leave the notebooks without pictures.
    kept = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    return kept | changed | dict.fromkeys(_BLAS, threads)

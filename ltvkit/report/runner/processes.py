"""Start worker processes: forked from one that has imported everything, else new ones.

Importing takes longer than many a notebook. On Linux a server (`forkserver`) imports once for all
notebooks of a command, and each worker is a copy of it. Elsewhere each worker imports for itself.
"""

import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from ltvkit.core import paths
from ltvkit.report.runner import kernel_folders, worker

CAN_FORK = sys.platform == "linux"
# What most notebooks and all workers import; nothing that starts threads by being imported.
PRELOADED = (
    "duckdb",
    "ipykernel.debugger",
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "lifetimes",
    "ltvkit",
    "matplotlib.pyplot",
    "narwhals.stable.v2",
    "pandas",
    "papermill.execute",
    "pyarrow.parquet",
    "scipy.optimize",
    "scipy.stats",
    "seaborn",
    "statsmodels.regression.linear_model",
)
PID = 8  # bytes of a process id, in what the server answers


class Forked:
    """A forked process, with what the runner uses of `subprocess.Popen`.

    `ended` is the read end of a pipe that only that process writes to: its exit status.
    """

    def __init__(self, pid: int, stdin: BinaryIO, ended: int) -> None:
        self.pid, self.stdin = pid, stdin
        self.returncode: int | None = None
        self._ended, self._status = ended, b""

    def __enter__(self) -> "Forked":
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(BrokenPipeError):
            self.stdin.close()
        self.wait()
        os.close(self._ended)

    def poll(self) -> int | None:
        """The exit status; None while the process runs."""
        return self._wait(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the process to end; raises `subprocess.TimeoutExpired`."""
        status = self._wait(timeout)
        if status is None:
            raise subprocess.TimeoutExpired("worker", timeout or 0)
        return status

    def kill(self) -> None:
        """Kill the process, if it has not just ended by itself."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def _wait(self, timeout: float | None) -> int | None:
        watch = select.poll()
        watch.register(self._ended, select.POLLIN)
        while self.returncode is None:
            if not watch.poll(None if timeout is None else timeout * 1000):
                return None
            if read := os.read(self._ended, 1):
                self._status = read
            else:  # the process has ended, killed if it wrote no status
                self.returncode = self._status[0] if self._status else -signal.SIGKILL
        return self.returncode


Process = subprocess.Popen | Forked


class Processes:
    """Starts the workers of one command, one at a time."""

    def __init__(self, *, jobs: int) -> None:
        self._jobs = jobs
        self._server: subprocess.Popen | None = None
        self._channel: socket.socket | None = None

    def prepare(self) -> None:
        """Start the server, so that it imports while other things are done."""
        if CAN_FORK and self._server is None:
            self._channel, theirs = socket.socketpair()
            self._server = self._open("forkserver", *PRELOADED, stdin=theirs, env={})
            theirs.close()

    def start(self, log: BinaryIO, temporary: Path) -> Process:
        """A new worker that writes to `log`, and keeps temporary files in the folder `temporary`.

        Its task goes to its `stdin`.
        """
        if self._channel:
            with suppress(OSError):  # the server was killed: the workers do without it
                return _fork(self._channel, log, temporary)
        changed = kernel_folders.environment(temporary)
        streams = {"stdin": subprocess.PIPE, "stdout": log, "stderr": log}
        return self._open("worker", str(temporary), env=changed, **streams)

    def stop(self) -> None:
        """End the server; workers go on."""
        if self._server:
            self._channel.close()
            self._server.wait()
            self._server = self._channel = None

    def _open(self, module: str, *arguments: str, env: dict[str, str], **streams: Any) -> Any:
        return subprocess.Popen(
            [sys.executable, "-m", f"ltvkit.report.runner.{module}", *arguments],
            **dict.fromkeys(("stdout", "stderr"), subprocess.DEVNULL) | streams,
            cwd=paths.root(),
            env=worker.environment(self._jobs) | env,
            # Ctrl-C is for the runner alone, which ends its workers in order.
            start_new_session=True,
        )


def _fork(channel: socket.socket, log: BinaryIO, temporary: Path) -> Forked:
    """Ask the server for a worker; raises `OSError` where there is no server."""
    (stdin, task), (ended, status) = os.pipe(), os.pipe()
    try:
        socket.send_fds(channel, [os.fsencode(temporary)], [stdin, log.fileno(), status])
        answer = channel.recv(PID, socket.MSG_WAITALL)
        if len(answer) < PID:
            raise ConnectionResetError
    except OSError:
        os.close(task)
        os.close(ended)
        raise
    finally:
        os.close(stdin)
        os.close(status)
    return Forked(int.from_bytes(answer), open(task, "wb"), ended)

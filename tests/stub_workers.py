"""One process for all tests that has imported what notebooks import, and forks their servers.

A report of stub notebooks spends nearly all of its time on imports: a worker and a kernel each,
for cells that take no time. Inside `warm`, the server that forks the workers of a command
(`ltvkit.report.runner.forkserver`) is itself forked from a process that has imported everything.
What follows is the kit's own code: that server, its workers and their kernels. Tests of how
processes start and end do without it (`test_faults`, `test_processes`).
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import re
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from ltvkit.report.runner import forkserver, processes, worker, workers

FIRST = 1 << 20  # bytes of the longest environment


@contextmanager
def warm() -> Iterator[None]:
    """While the block runs, commands in this process fork their workers, however few they are."""
    few = mock.patch.multiple(workers, MANY=1, _USES_KIT=re.compile(b""))
    with few, mock.patch.object(processes.Processes, "_open", _open):
        yield


class Server:
    """A server that was forked; it is no child of this process."""

    def __init__(self, pid: int) -> None:
        self.pid, self._ended = pid, os.pidfd_open(pid)

    def wait(self) -> None:
        select.select([self._ended], [], [])
        os.close(self._ended)


_new = processes.Processes._open


def _open(self: processes.Processes, module: str, *arguments: str, env: dict, **streams):
    """In place of a new process: a fork, if it is for the server."""
    if module != "forkserver":
        return _new(self, module, *arguments, env=env, **streams)
    task = {"cwd": str(processes.paths.root()), "env": worker.environment(self._jobs) | env}
    channel = _start(os.getpid())
    socket.send_fds(channel, [json.dumps(task).encode()], [streams["stdin"].fileno()])
    return Server(int.from_bytes(channel.recv(processes.PID, socket.MSG_WAITALL)))


@functools.cache
def _start(_process: int) -> socket.socket:
    """Start the process that imports, once for each process of tests."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, FIRST)
    process = subprocess.Popen(
        [sys.executable, __file__],
        env={n: v for n, v in worker.environment(1).items() if not n.startswith("LTVKIT_")},
        cwd=Path(__file__).parent,
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    theirs.close()

    @atexit.register
    def stop() -> None:
        if os.getpid() == _process:
            ours.close()
            process.wait()

    return ours


def main() -> None:
    """Import, and fork a server for each message, until the tests end."""
    channel = socket.socket(fileno=os.dup(0))
    forkserver.prepare(processes.PRELOADED)
    while True:
        text, [theirs], _flags, _address = socket.recv_fds(channel, FIRST, 1)
        if not text:
            return
        pid = os.fork()
        if not pid:
            channel.close()
            _serve(theirs, **json.loads(text))
        os.close(theirs)
        channel.send(pid.to_bytes(processes.PID))


def _serve(channel: int, cwd: str, env: dict[str, str]) -> None:
    """Become the server of one command."""
    os.setsid()
    os.dup2(channel, 0)
    os.close(channel)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    try:
        forkserver.main()
    finally:  # the server, or a worker of it; taking all apart that was imported takes long
        atexit._run_exitfuncs()
        os._exit(0)


if __name__ == "__main__":
    main()

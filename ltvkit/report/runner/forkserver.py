"""`python -m ltvkit.report.runner.forkserver NAMES`: a process that has imported these modules.

For each message on the socket that is its standard input, it forks a worker. It opens no thread
and no connection of its own, as those would not survive in a copy. It ends with the socket.
"""

import gc
import importlib
import os
import pkgutil
import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import ltvkit
from ltvkit.report.runner import kernel_folders, worker
from ltvkit.report.runner.processes import PID

KIT = "ltvkit"
# Parts of the kit that no notebook uses, or that need Spark.
LEFT_OUT = ("ltvkit.__main__", "ltvkit.cli", "ltvkit.engines.spark", "ltvkit.ingest.spark")
LEFT_OUT += ("ltvkit.report.pages", "ltvkit.report.publishing")
_LONGEST = 4096  # bytes of a path


def main() -> None:
    """Serve until the runner ends; a forked worker returns from here, too."""
    channel = socket.socket(fileno=os.dup(0))
    prepare(sys.argv[1:])
    while message := _receive(channel):
        temporary, streams = message
        pid = os.fork()
        if not pid:
            channel.close()
            return _work(temporary, *streams)
        for number in streams:
            os.close(number)
        channel.sendall(pid.to_bytes(PID))


def prepare(names: Sequence[str]) -> None:
    """Import these modules, so that a fork of this process begins with all that a worker needs."""
    # As a kernel does, before matplotlib is imported.
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    import_all(names)
    _prepare_notebooks()
    gc.freeze()  # so that collecting garbage does not copy what is shared
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks


def import_all(names: Sequence[str]) -> None:
    """Import modules by their names; of the kit, every module that notebooks use."""
    found = [module.name for module in pkgutil.walk_packages(ltvkit.__path__, "ltvkit.")]
    kit = [name for name in found if not name.startswith(LEFT_OUT)] if KIT in names else []
    for name in [*names, *kit]:
        with suppress(ImportError):  # the notebook that needs it says so
            importlib.import_module(name)


def _prepare_notebooks() -> None:
    """Compile the schema of notebooks, which each worker would compile anew."""
    with suppress(ImportError):
        import nbformat

        nbformat.validate(nbformat.v4.new_notebook())


def _receive(channel: socket.socket) -> tuple[str, list[int]] | None:
    """The folder of a worker, and its standard input, its log and the pipe for its exit status;
    None at the end.
    """
    try:
        temporary, streams, _flags, _address = socket.recv_fds(channel, _LONGEST, 3)
    except ConnectionResetError:
        return None
    return (os.fsdecode(temporary), streams) if temporary else None


def _work(temporary: str, stdin: int, log: int, status: int) -> None:
    """Become a worker."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    for number, to in ((stdin, 0), (log, 1), (log, 2)):
        os.dup2(number, to)
    for number in (stdin, log):
        os.close(number)
    os.set_inheritable(status, False)
    os.environ.update(kernel_folders.environment(Path(temporary)))
    tempfile.tempdir = None  # so that it is looked up again
    code = 1
    try:
        worker.main(temporary, status=status)
        code = 0
    finally:
        os.write(status, bytes([code]))


if __name__ == "__main__":
    main()

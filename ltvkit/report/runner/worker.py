"""`python -m ltvkit.report.runner.worker`: run one notebook with papermill.

The task is a line of JSON on standard input: the notebook, the file for the executed one,
and its parameters. The argument is the folder for the kernel's sockets and temporary files.
Standard input stays open while the runner lives. When it closes, the worker ends itself and its
kernel, and removes that folder.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from ltvkit.core import i18n, notices, paths, people

_BLAS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main(temporary: str, *, status: int | None = None) -> None:
    """Run the task; an exception becomes the exit status.

    A worker that was forked has a pipe for its `status`, and forks its kernel.
    """
    line = sys.stdin.buffer.readline()
    if not line:  # the runner has vanished already
        _end_itself(temporary)
    if status is not None:
        _fork_kernel(status)
    threading.Thread(target=_end_with_runner, args=[temporary], daemon=True).start()
    _execute(**json.loads(line), sockets=temporary)


def _fork_kernel(status: int) -> None:
    """Fork the kernel, and make it the one that papermill starts."""
    from importlib.metadata import EntryPoint

    from jupyter_client.provisioning import KernelProvisionerFactory

    from ltvkit.report.runner import forked_kernel

    provisioner = forked_kernel.Provisioner
    provisioner.kernel = forked_kernel.fork(status)
    named = f"{provisioner.__module__}:{provisioner.__name__}"
    entry = EntryPoint(forked_kernel.NAME, named, KernelProvisionerFactory.GROUP_NAME)
    factory = KernelProvisionerFactory.instance()
    factory.provisioners[entry.name] = entry
    factory.default_provisioner_name = entry.name


def _end_with_runner(temporary: str) -> None:
    os.read(0, 1)  # not by sys.stdin, which cannot be closed while a thread reads it
    _end_itself(temporary)


def _end_itself(temporary: str) -> None:
    """End the kernel, then this process; twice, as a kernel may be starting meanwhile."""
    for _time in range(2):
        _end_children(os.getpid())
        shutil.rmtree(temporary, ignore_errors=True)
    os._exit(1)


def _execute(
    source: str,
    target: str,
    parameters: dict[str, Any],
    of_sample: bool,
    language: str,
    sockets: str,
) -> None:
    os.environ[i18n.VARIABLE] = language  # of the kernel, too
    from papermill.exceptions import PapermillExecutionError
    from papermill.execute import execute_notebook, remove_error_markers
    from papermill.iorw import load_notebook_node, write_ipynb
    from traitlets.config import Config

    from ltvkit.report.runner import engine
    from ltvkit.report.runner.missing_data import MissingData

    # Kernels that start at the same moment can be given the same TCP port, and then hang. A
    # socket file has one owner. Its path must be short, so it is not kept with the run.
    talk = {"transport": "ipc", "connection_file": f"{sockets}/kernel.json"}
    options = {"config": Config(KernelManager=talk if os.name == "posix" else {})}
    options |= {"engine_name": engine.NAME, "progress_bar": False, "start_timeout": 120}
    # papermill fills braces in both paths.
    named = [path.replace("{", "{{").replace("}", "}}") for path in (source, target)]
    shown = parameters.get("policies", {}).get("shown", [])
    os.environ[people.VARIABLE] = ",".join(shown)
    missing = MissingData()
    try:
        execute_notebook(*named, parameters, missing=missing, of_sample=of_sample, **options)
    except PapermillExecutionError:  # whether a cell was meant to raise it, `outcome` knows
        write_ipynb(remove_error_markers(load_notebook_node(target)), target)
    if missing.reasons:
        from ltvkit.report import results  # loads pandas, as costly as all the rest here

        results.add_findings(parameters["out"], missing.reasons, page=Path(source).stem)


def environment(jobs: int) -> dict[str, str]:
    """The environment of workers and kernels, the same for every notebook of a run.

    They use this very kit, reports folder and cache. The order of sets is fixed, so that the same
    inputs give the same report. Parallel notebooks share the cores; their arrays are small, and
    threads of BLAS would only wait for each other.
    """
    home = str(paths.package().parent)
    known = os.environ.get("PYTHONPATH", "")
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    changed = {
        "LTVKIT_ROOT": str(paths.root().resolve()),
        "LTVKIT_REPORTS": str(paths.reports().resolve()),
        "LTVKIT_THREADS": threads,
        "PYTHONPATH": os.pathsep.join(filter(None, [home, known])),
        "PYTHONHASHSEED": "0",
        notices.QUIET: "1",
        # The kernel of this very environment, not one of the same name in the user's home.
        "JUPYTER_PREFER_ENV_PATH": "1",
    }
    # A backend chosen for scripts would leave the notebooks without pictures.
    kept = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    return kept | changed | dict.fromkeys(_BLAS, "1")


def end(process: subprocess.Popen) -> None:
    """Kill a worker and its children, unless it has ended: its id may belong to another by then."""
    import psutil

    if process.poll() is None:
        with suppress(psutil.NoSuchProcess):
            psutil.Process(process.pid).suspend()  # it starts no more
        _end_children(process.pid)
        process.kill()
        process.wait()


def _end_children(pid: int) -> None:
    """Kill what a process has started."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()


if __name__ == "__main__":
    main(sys.argv[1])

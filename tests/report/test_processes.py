"""Workers that are forked from one process: the same reports, and each fault for itself."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress

import psutil
import pytest
from stub_project import environment, files, make, report, write_notebook
from test_faults import FAULTS, SLOW, failure, litter, processes, vanished, wait_for

from ltvkit.errors import DataError
from ltvkit.report.runner import kernel_folders, workers
from ltvkit.report.runner import processes as runner_processes
from ltvkit.report.session import Session

LIGHT = ("ipykernel.ipkernel", "ipykernel.kernelapp", "papermill.execute")
# What the process of a kernel, of its worker and of the worker's parent were started as.
LINEAGE = """
import os, pathlib
found, pid = [], os.getpid()
for _generation in range(3):
    found.append(pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode())
    pid = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
pathlib.Path("lineage").write_text("\\n".join(found));
"""
DRAWN = """
import matplotlib.pyplot as plt
print(sorted({"b", "a", "c"}), __name__, os.environ["PYTHONHASHSEED"])
plt.plot([1, 2]);
"""
COMMAND = f"""
import re
from ltvkit.cli.main import main
from ltvkit.report.runner import processes, workers
workers.MANY, workers._USES_KIT, processes.PRELOADED = 1, re.compile(b""), {LIGHT!r}
main()
"""


@pytest.fixture
def forked(monkeypatch):
    """Runs of this process fork their workers, however few they are."""
    monkeypatch.setattr(workers, "MANY", 1)
    monkeypatch.setattr(workers, "_USES_KIT", re.compile(b""))
    monkeypatch.setattr(runner_processes, "PRELOADED", (*LIGHT, "matplotlib.pyplot"))


def test_a_forked_notebook_gives_the_same_report(tmp_path, forked, monkeypatch):
    """To the byte but for the time of day: charts, printed text, its own names."""
    reports = []
    for name in ("forked", "new"):
        root = make(tmp_path / name)
        write_notebook(root, "01_rfm", LINEAGE, DRAWN)
        assert report(root, new=True).returncode == 0
        lineage = (root / "lineage").read_text()
        assert lineage.count("ltvkit.report.runner.forkserver") == 3 * (name == "forked")
        reports.append(files(root / "reports" / "stub" / "1998-06"))
        assert processes(root) == litter(root) == []
        monkeypatch.setattr(runner_processes, "CAN_FORK", False)
    for found in reports:
        assert b"image/png" in found["01_rfm.ipynb"]
        del found["manifest.json"]
    assert reports[0] == reports[1]


def test_forked_notebooks_that_do_not_finish(tmp_path, forked):
    """A killed kernel, one that takes too long, exits and raises take only themselves along."""
    root = make(tmp_path)
    for name, cell in FAULTS.items():
        write_notebook(root, name, "fine = 1", cell, "never = 2")
    done = report(root, "params/stub.yaml", "--month", "1998-06", "--timeout", "10", new=True)
    assert done.returncode == 1
    assert done.stderr.count(": finished in") == 2
    reasons = {n["page"]: n["reason"] for n in failure(root)["notebooks"]}
    assert sorted(reasons) == list(FAULTS)
    assert "the kernel ended" in reasons["02_killed"]
    assert reasons["03_late"] == "it took longer than 10 s"
    assert processes(root) == litter(root) == []


def test_the_process_that_forks_is_killed(tmp_path, forked, monkeypatch):
    """The notebooks to come start processes of their own."""
    real, killed = runner_processes._fork, []

    def fork(channel, log, aside):
        for process in psutil.Process().children():
            with suppress(psutil.Error):  # it was killed for the notebook before
                if "ltvkit.report.runner.forkserver" in process.cmdline():
                    process.kill()
                    killed.append(process.wait())
        return real(channel, log, aside)

    monkeypatch.setattr(runner_processes, "_fork", fork)
    root = make(tmp_path)
    assert report(root, new=True).returncode == 0
    assert killed == [-signal.SIGKILL]
    assert processes(root) == litter(root) == []


def test_no_process_is_left_where_no_report_comes_to_run(tmp_path, forked, monkeypatch):
    def stop(*_of_report):
        raise DataError("the data stop it")

    monkeypatch.setattr(Session, "_check_data", stop)
    root = make(tmp_path)
    assert report(root, new=True).returncode == 1
    assert processes(root) == litter(root) == []


def test_a_worker_that_ends_before_it_is_killed_is_no_fault(monkeypatch):
    def kill(pid, number):
        raise ProcessLookupError

    monkeypatch.setattr(os, "kill", kill)
    runner_processes.Forked(1, None, -1).kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda n: n.name)
def test_the_runner_of_forked_workers_ends(tmp_path, aside, number, monkeypatch):
    """Killed or told to stop: no worker, no kernel, no folder is left."""
    root = make(tmp_path)
    (root / "flag").touch()
    write_notebook(root, "01_rfm", SLOW.format(flag=str(root / "flag")))
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "report", "params/stub.yaml", "--month", "1998-06"],
        cwd=root,
        env=environment(root, TMPDIR=str(aside)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_for(lambda: (root / "kernel").exists())
    assert sum("forkserver" in line for line in processes(root)) >= 3
    process.send_signal(number)
    process.communicate()
    wait_for(lambda: not processes(root), seconds=10)
    monkeypatch.setattr(tempfile, "tempdir", str(aside))
    kernel_folders.remove_vanished()  # of a notebook that was through already
    assert list(aside.iterdir()) == []
    if number == signal.SIGKILL:
        assert vanished(root)
    else:
        assert litter(root) == []

"""Temporary folders of kernels: whose run was killed goes, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile

from stub_project import HOME, make, start

from ltvkit.report.runner import kernel_folders

KILLED = """
import os
from ltvkit.report.runner.kernel_folders import kernel_folder
with kernel_folder() as folder:
    (folder / "kernel.json").touch()
    os.kill(os.getpid(), 9)
"""


def test_folders_of_killed_runs_are_removed_and_no_others(aside, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(aside))
    known = {"PYTHONPATH": str(HOME), "TMPDIR": str(aside)}
    done = subprocess.run([sys.executable, "-c", KILLED], env=os.environ | known)
    assert done.returncode == -signal.SIGKILL
    [left] = aside.iterdir()
    mine = aside / "ltvkit-kernel-backup-of-mine"
    mine.mkdir()
    (mine / "run.lock").touch()
    young = aside / "ltvkit-kernel-12345678"  # a run is about to lock it
    young.mkdir()
    (aside / "ltvkit-kernel-abcdefgh").symlink_to(mine)
    with kernel_folders.kernel_folder() as living:
        kernel_folders.remove_vanished()
        assert not left.exists()
        assert living.is_dir()
        os.utime(young, (0, 0))
        kernel_folders.remove_vanished()
    assert {p.name for p in aside.iterdir()} == {mine.name, "ltvkit-kernel-abcdefgh"}
    assert list(mine.iterdir()) == [mine / "run.lock"]


def test_a_notebook_runs_where_the_temporary_folder_has_a_long_path(tmp_path):
    """Sockets have paths of 107 bytes at most; a kernel that cannot open one waits in vain."""
    root, long = make(tmp_path), tmp_path / ("long" * 20)
    long.mkdir()
    process = start(root, "params/stub.yaml", "--month", "1998-06", TMPDIR=str(long))
    _output, errors = process.communicate()
    assert process.returncode == 0, errors
    assert list(long.iterdir()) == []

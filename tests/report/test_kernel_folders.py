"""Temporary folders of kernels: whose run was killed goes, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile

from stub_project import HOME

from ltvkit.report.runner import kernel_folders

KILLED = """
import os
from ltvkit.report.runner.kernel_folders import kernel_folder
with kernel_folder() as folder:
    (folder / "kernel.json").touch()
    os.kill(os.getpid(), 9)
"""


def test_folders_of_killed_runs_are_removed_and_no_others(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    known = {"PYTHONPATH": str(HOME), "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", KILLED], env=os.environ | known)
    assert done.returncode == -signal.SIGKILL
    [left] = tmp_path.iterdir()
    mine = tmp_path / "ltvkit-kernel-backup-of-mine"
    mine.mkdir()
    (mine / "run.lock").touch()
    young = tmp_path / "ltvkit-kernel-12345678"  # a run is about to lock it
    young.mkdir()
    (tmp_path / "ltvkit-kernel-abcdefgh").symlink_to(mine)
    with kernel_folders.kernel_folder() as living:
        kernel_folders.remove_vanished()
        assert not left.exists()
        assert living.is_dir()
        os.utime(young, (0, 0))
        kernel_folders.remove_vanished()
    assert {p.name for p in tmp_path.iterdir()} == {mine.name, "ltvkit-kernel-abcdefgh"}
    assert list(mine.iterdir()) == [mine / "run.lock"]


def test_a_socket_has_a_short_path():
    with kernel_folders.kernel_folder() as folder:
        assert len(str(folder / "kernel.json-ipc-12")) - len(tempfile.gettempdir()) < 50

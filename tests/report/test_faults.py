"""What goes wrong really goes wrong here: kernels are killed, disks are full, runs collide.

After each fault the last good report is the same to the byte, the failure is on record, nothing
half-written or orphaned is left, and the next run goes on from what was finished.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import stub_project
from stub_project import (
    environment,
    files,
    make,
    report,
    run,
    start,
    write_notebook,
    write_params,
)

JUNE = ("params/stub.yaml", "--month", "1998-06")
FAULTS = {
    "02_killed": "import os\nos.kill(os.getpid(), 9)",
    "03_late": "# asleep\nimport time; time.sleep(600)",
    "04_exits": "import sys; sys.exit(0)",
    "05_raises": "raise ValueError('no <orders> here')",
}
# Sleeps for as long as the file is there, so that the notebook itself stays the same.
SLOW = """
import os, pathlib, time
flag = pathlib.Path({flag!r})
while flag.exists():
    flag.with_name("kernel").write_text(str(os.getpid()))
    time.sleep(0.05)
"""


def wait_for(happened: Callable[[], object], *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def processes(root: Path) -> list[str]:
    """The command lines of all processes that work for the project in `root`, or in it."""
    mark, found = f"LTVKIT_REPORTS={root / 'reports'}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            told = (folder / "environ").read_bytes().split(b"\0")  # of a forked one, its parent's
            if mark in told or (folder / "cwd").readlink() == root:
                found.append((folder / "cmdline").read_bytes().decode())
        except OSError:
            continue
    return found


def litter(root: Path) -> list[str]:
    """What only an unfinished run leaves behind."""
    found = [p for p in (root / "reports").rglob("*") if p.suffix in (".new", ".old", ".part")]
    found += (root / "reports" / ".cache" / "runs").glob("*/*/.*")
    return [str(p.relative_to(root)) for p in found]


def failure(root: Path, month: str = "1998-06") -> dict:
    path = root / "reports" / "stub" / ".failed" / month / "failure.json"
    return json.loads(path.read_text("utf-8"))


def index(root: Path) -> str:
    """The list of reports."""
    return (root / "reports" / "index.html").read_text("utf-8")


def vanished(root: Path) -> bool:
    """Whether the next look records that a run vanished, there and in the list of reports."""
    assert "FAILED" not in index(root)
    seen = run(root, "status")
    assert "being built" not in seen.stdout + index(root)
    return seen.returncode == 1 and all("FAILED" in text for text in (seen.stdout, index(root)))


@pytest.fixture
def slow(tmp_path):
    """A project whose second notebook sleeps while the file `flag` is there."""
    root = make(tmp_path)
    (root / "flag").touch()
    write_notebook(root, "01_rfm", SLOW.format(flag=str(root / "flag")))
    return root


def started(root: Path, **more: str) -> subprocess.Popen:
    """A run of the slow project whose first notebook is through and whose second one sleeps."""
    process = start(root, *JUNE, **more)
    runs = root / "reports" / ".cache" / "runs" / "stub" / "1998-06"
    wait_for(lambda: (root / "kernel").exists() and list(runs.glob("00_overview-*/result.json")))
    return process


def test_notebooks_that_do_not_finish(tmp_path):
    """All kinds in one run: each is found out, the rest is finished and kept."""
    root = make(tmp_path)
    assert report(root).returncode == 0
    target = root / "reports" / "stub" / "1998-06"
    good = files(target)
    for name, cell in FAULTS.items():
        write_notebook(root, name, "fine = 1", cell, "never = 2")
    done = report(root, *JUNE, "--timeout", "20", new=True)
    assert done.returncode == 1
    assert files(target) == good
    record = failure(root)
    assert record["reason"] == "4 of 6 notebooks failed"
    seen = {n["page"]: n for n in record["notebooks"]}
    assert {page: n["cell"] for page, n in seen.items()} == dict.fromkeys(FAULTS, 4)
    assert "the kernel ended" in seen["02_killed"]["reason"]
    assert seen["02_killed"]["source"] == "import os"
    assert seen["03_late"]["reason"] == "it took longer than 20 s"
    assert seen["04_exits"]["error"].startswith("SystemExit")
    assert seen["05_raises"]["error"] == "ValueError: no <orders> here"
    assert litter(root) == processes(root) == []

    page = (root / "reports" / "index.html").read_text("utf-8")
    assert "FAILED" in page
    assert "no &lt;orders&gt; here" in page
    assert 'href="stub/1998-06/index.html">last good report' in page
    for name in FAULTS:
        kept = f"stub/.failed/1998-06/{name}.ipynb"
        assert f'href="{kept}"' in page
        assert json.loads((root / "reports" / kept).read_text("utf-8"))["nbformat"] == 4

    mended, *others = FAULTS
    write_notebook(root, mended, "fine = 1")
    for name in others:  # one kernel more tells it
        (root / "notebooks" / f"{name}.ipynb").unlink()
    done = report(root)
    assert done.returncode == 0
    assert done.stderr.count("reused") == 2
    assert not (root / "reports" / "stub" / ".failed" / "1998-06").exists()
    assert "FAILED" not in (root / "reports" / "index.html").read_text("utf-8")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_a_run_that_is_told_to_stop(slow, number):
    """Workers and kernels end with it, the report is recorded as interrupted, and resumes."""
    process = started(slow)
    assert len(processes(slow)) >= 3  # the runner, a worker and its kernel
    process.send_signal(number)
    _output, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert "Traceback" not in errors
    assert processes(slow) == litter(slow) == []
    assert failure(slow)["reason"] == f"interrupted by {number.name}"
    assert not (slow / "reports" / "stub" / "1998-06").exists()
    assert f"interrupted by {number.name}" in (slow / "reports" / "index.html").read_text("utf-8")
    (slow / "flag").unlink()
    done = report(slow)
    assert done.returncode == 0
    assert "00_overview: reused" in done.stderr
    assert "01_rfm: finished" in done.stderr


def test_two_runs_at_once_and_a_runner_that_is_killed(slow, aside):
    """The second says so and stops. Killed outright, the first leaves no kernel and no folder.

    The list of reports says since when it runs; the next look at it, that it failed.
    """
    process = started(slow, TMPDIR=str(aside))
    assert len(list(aside.iterdir())) == 1
    second = report(slow)
    assert second.returncode == 1
    assert "stub 1998-06 is being built by another run" in second.stderr
    assert process.poll() is None
    assert not (slow / "reports" / "stub" / ".failed").exists()
    building = r"being built since \d{4}-\d\d-\d\d \d\d:\d\d UTC"
    assert re.search(building, index(slow))
    assert re.search(f"stub  1998-06  none yet; {building}", run(slow, "status").stdout)
    process.kill()
    process.communicate()
    wait_for(lambda: not processes(slow), seconds=10)
    assert list(aside.iterdir()) == []
    assert vanished(slow)
    (slow / "flag").unlink()
    done = report(slow)
    assert done.returncode == 0
    assert "00_overview: reused" in done.stderr
    assert litter(slow) == []
    assert run(slow, "status").stdout.startswith("stub  1998-06  partial: the month is not over\n")


KILLED = """
import os
from ltvkit.report import build, session
from ltvkit.report.publishing import markers
def die(*_any, **_options):
    os.kill(os.getpid(), 9)
{module}.{name} = die
from ltvkit.cli.main import main
main()
"""


@pytest.mark.parametrize(
    ("module", "name", "month"),
    [
        ("session.shop", "read_orders", "last"),
        ("session.quality", "check", "1998-05"),
        ("session.publish", "swap", "1998-05"),
        ("markers.Marker", "remove", "1998-05"),
    ],
)
def test_a_runner_that_is_killed_at_any_moment(module, name, month, tmp_path):
    """Reading, checking, publishing, and after it: another shop's command notices it."""
    root = make(tmp_path)
    (root / "notebooks" / "01_rfm.ipynb").unlink()
    asked = [] if month == "last" else ["--month", month]
    code = KILLED.format(module=module, name=name)
    command = [sys.executable, "-c", code, "report", "params/stub.yaml", *asked]
    done = subprocess.run(command, cwd=root, env=environment(root), capture_output=True)
    assert done.returncode == -signal.SIGKILL
    assert "being built since" in index(root)
    published = name == "remove"
    assert published == (root / "reports" / "stub" / month / "index.html").exists()
    write_params(root, shop="other", columns="{amount: nowhere}")
    look = ("status",) if published else ("check", "params/other.yaml")
    run(root, *look)
    assert published != ("was killed, or its machine stopped" in index(root))
    assert "being built since" not in index(root)
    assert litter(root) == list((root / "reports" / ".running").iterdir()) == []


def test_killed_between_the_two_renames(tmp_path):
    """The last good report is back before anything else is done."""
    root = make(tmp_path)
    assert report(root).returncode == 0
    target = root / "reports" / "stub" / "1998-06"
    good = files(target)
    code = (
        "import os\nreal = os.rename\n"
        "def rename(old, new):\n"
        "    real(old, new)\n"
        "    str(new).endswith('.old') and os.kill(os.getpid(), 9)\n"
        "os.rename = rename\n"
        "from ltvkit.cli.main import main\nmain()"
    )
    write_params(root, top=6)
    command = [sys.executable, "-c", code, "report", *JUNE]
    done = subprocess.run(command, cwd=root, env=environment(root), capture_output=True)
    assert done.returncode == -signal.SIGKILL
    assert not target.exists()
    assert vanished(root)
    assert files(target) == good
    done = report(root)
    assert done.returncode == 0
    assert done.stderr.count("reused") == 2
    assert litter(root) == []


DISK = """
import pathlib, shutil, subprocess
from stub_project import report, write_params
root = pathlib.Path.cwd()
reports = root / "reports"

def run(name):
    done = report(root, "params/stub.yaml", "--month", "1998-06", "--jobs", "1")
    told = {"status": str(done.returncode), "err": done.stderr}
    told |= {"left": "\\n".join(map(str, reports.rglob("*")))}
    told |= {"html": (reports / "index.html").read_text("utf-8")}
    for ending, text in told.items():
        (root / f"{name}.{ending}").write_text(text, "utf-8")
    shutil.copytree(reports / "stub" / "1998-06", root / name)

def mount(*arguments):
    subprocess.run(["mount", *arguments, "reports"], check=True)

mount("-t", "tmpfs", "-o", "size=5m", "tmpfs")
run("good")
write_params(root, top=1_000_000)
run("filled")
subprocess.run("dd if=/dev/zero of=reports/filler bs=4k status=none", shell=True)
run("full")
(reports / "filler").unlink()
mount("-o", "remount,ro")
run("readonly")
mount("-o", "remount,rw")
write_params(root, top=7)
run("after")
"""


# Leaves so little room that papermill can still save what happened, which it does not in one piece.
BIG = """import os, pathlib
big = pathlib.Path(out or os.devnull, "big")
try:
    out and big.write_bytes(b"x" * 6 * top)
except OSError:
    os.truncate(big, big.stat().st_size - 100_000)
    raise
"""


def test_a_full_disk_and_a_folder_that_cannot_be_written(tmp_path):
    """On a file system of five megabytes: filled by a notebook, full from the start, read-only."""
    root = make(tmp_path)
    (root / "reports").mkdir()
    write_params(root, top=5)
    write_notebook(root, "02_abc", BIG)
    (root / "notebooks" / "01_rfm.ipynb").unlink()  # one beside it is enough, of five runs
    # A namespace of its own: the mount goes when the script does. Root may do it outright.
    outright = subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0
    command = ["unshare", "-m" if outright else "-Urm", sys.executable, "-c", DISK]
    env = environment(root)
    env["PYTHONPATH"] += f"{os.pathsep}{Path(stub_project.__file__).parent}"
    subprocess.run(command, cwd=root, env=env, check=True)

    status = {p.stem: p.read_text() for p in root.glob("*.status")}
    assert status == {"good": "0", "filled": "1", "full": "1", "readonly": "2", "after": "0"}
    for name in ("filled", "full", "readonly"):
        assert files(root / name) == files(root / "good")
        left = (root / f"{name}.left").read_text()
        assert not [line for line in left.splitlines() if line.endswith((".new", ".old", ".part"))]
        assert "Traceback" not in (root / f"{name}.err").read_text()
    assert "No space left on device" in (root / "filled.err").read_text()
    assert "02_abc, cell 3 `import os, pathlib`" in (root / "filled.html").read_text()
    assert "No space left on device" in (root / "full.err").read_text()
    assert "Read-only file system" in (root / "readonly.err").read_text()
    assert files(root / "after") != files(root / "good")
    assert "FAILED" not in (root / "after.html").read_text()

"""Two clones of the project in unlike circumstances, whose reports are to be the same bytes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from stub_project import HOME

from soak import shop
from soak.judge import Verdict, compare
from soak.shop import Room

# Folder, what the environment holds, parallel notebooks. A locale that a machine lacks is C.
CIRCUMSTANCES = (
    ("one", {"TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "1"}, "2"),
    (
        "a folder, 二つ目",
        {
            "TZ": "America/New_York",
            "LC_ALL": "ja_JP.UTF-8",
            "PYTHONHASHSEED": "77",
            "MPLBACKEND": "agg",
            "OMP_NUM_THREADS": "2",
        },
        "1",
    ),
)


def attempt(_room: Room, _rng: random.Random) -> Verdict:
    """Build every report of both from nothing; what tells of the run itself is in manifests."""
    verdict, built = Verdict("two clones, all notebooks of all shops", "right"), []
    with tempfile.TemporaryDirectory(prefix="soak-") as home:
        for name, env, jobs in CIRCUMSTANCES:
            root = Path(home) / name
            subprocess.run(["git", "clone", "--quiet", HOME, root], check=True)
            done = build(root, env, jobs)
            if done.returncode != 0:
                verdict.add("not healed", f"status {done.returncode}: {done.stderr[-2000:]}")
            built.append(collect(root))
    if built[0] != built[1] or not built[0]:
        verdict.add("wrong", compare(*built))
    verdict.did += f" ({len(built[0])} files)"
    return verdict


def build(root: Path, env: dict[str, str], jobs: str) -> subprocess.CompletedProcess:
    """`make report` of a clone, by this environment's Python."""
    params = sorted(str(p.relative_to(root)) for p in (root / "params").glob("*.yaml"))
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "LTVKIT_"))}
    return subprocess.run(
        [sys.executable, "-m", "ltvkit", "report", *params, "--jobs", jobs],
        cwd=root,
        env=kept | {"PYTHONPATH": str(root)} | env,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )


def collect(root: Path) -> dict[str, bytes]:
    """All files of all reports."""
    found: dict[str, bytes] = {}
    for report in (root / "reports").glob("[!.]*/[!.]*"):
        where = report.relative_to(root).as_posix()
        found |= {f"{where}/{name}": data for name, data in shop.collect(report).items()}
    return found

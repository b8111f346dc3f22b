"""How long a report takes: `python tests/benchmarks/bench_report.py`. Not part of the tests.

Measured side by side in one run, each from an empty cache: the report of CDNOW, and the same
notebooks with the same params by plain papermill, one after the other. Then what a second run
takes that finds nothing changed, and what `import ltvkit` takes.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
PARAMS = HOME / "params" / "cdnow.yaml"
ROUNDS = 3


def seconds(command: Sequence[str], *, reports: str, cwd: Path = HOME) -> float:
    """The wall time of a command that must succeed."""
    known = os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join(filter(None, [str(HOME), known]))
    environment = os.environ | {"LTVKIT_REPORTS": reports, "PYTHONPATH": path}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *command], cwd=cwd, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return time.perf_counter() - start


def by_report(reports: str) -> float:
    return seconds(["-m", "ltvkit", "report", str(PARAMS)], reports=reports)


def by_papermill(reports: str) -> float:
    """Each notebook by the command that a person would type."""
    return sum(
        seconds(
            ["-m", "papermill", str(notebook), f"{reports}/{notebook.name}", "-f", str(PARAMS)],
            reports=reports,
        )
        for notebook in sorted((HOME / "notebooks").glob("*.ipynb"))
    )


def main() -> None:
    rounds = []
    for number in range(1, ROUNDS + 1):
        with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as plain:
            report, papermill = by_report(ours), by_papermill(plain)
            again = by_report(ours)
        rounds.append((report / papermill, again))
        print(
            f"round {number}: report {report:.1f} s, papermill {papermill:.1f} s, "
            f"ratio {report / papermill:.2f}; nothing changed {again:.2f} s",
            flush=True,
        )
    with tempfile.TemporaryDirectory() as empty:
        bare = min(seconds(["-c", ""], reports=empty) for _ in range(5))
        loaded = min(seconds(["-c", "import ltvkit"], reports=empty) for _ in range(5))
    ratio, again = (statistics.median(values) for values in zip(*rounds, strict=True))
    print(f"report / papermill     {ratio:.2f}     at most 0.7")
    print(f"nothing changed        {again:.2f} s   under 3 s")
    print(f"import ltvkit          {max(0, loaded - bare):.3f} s  under 0.1 s")


if __name__ == "__main__":
    main()

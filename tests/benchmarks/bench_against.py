"""How long the kit takes, and how much memory, against another revision of itself.

`git worktree add /tmp/other fe1d876; python tests/benchmarks/bench_against.py /tmp/other [ROW ...]`

Both revisions do the same work by turns, each time from an empty cache, in this Python. Of each row
the median of the rounds: wall and CPU seconds, and the largest process. The script fails where a
row is above its bound.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

HOME = Path(__file__).resolve().parents[2]
COMPILED = str(Path(tempfile.gettempdir()) / "ltvkit-compiled")  # as an installed kit is
ROUNDS = int(os.environ.get("ROUNDS", 3))
SAMPLES = ("params/cdnow.yaml", "params/shop.yaml")
# An order export of 60 lines, as shops have them.
HEADERS = "Order ID,Email,Order Date,Total,Status,Category"
LINE = "{n},customer{who}@example.org,2024-{month:02d}-{day:02d},{amount},paid,tea"

# The pages of RFM in a kernel, by the modules that each revision has for it.
FIGURE = """
{imports}
book = {open}("demo:cdnow")
buyers = customers.summarize(book.days, as_of=book.as_of("last"))
scored = rfm.score(buyers, cuts=rfm.thresholds(buyers))
tables.show(customers.totals(buyers), currency="USD")
plots.rfm_grid(rfm.grid(scored));
"""


class Cost(NamedTuple):
    """What a process and those it began took: seconds, seconds of a core, megabytes."""

    wall: float
    cpu: float
    memory: float


def run(home: Path, command: Sequence[str], reports: Path) -> Cost:
    """A command that must succeed, with the kit of `home`."""
    environment = os.environ | {"PYTHONPATH": str(home), "LTVKIT_REPORTS": str(reports)}
    environment |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": COMPILED}
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        process = psutil.Popen(
            [sys.executable, *command], cwd=home, env=environment, stdout=said, stderr=said
        )
        cpu, memory = watch(process)
        wall = time.perf_counter() - start
        if process.wait():
            said.seek(0)
            sys.exit(f"{home}: {' '.join(command)} failed:\n{said.read().decode()[-2000:]}")
    return Cost(wall, cpu, memory)


def watch(process: psutil.Popen) -> tuple[float, float]:
    """Seconds of a core and megabytes of the largest one, of a process and all that it begins.

    Looked up every tenth of a second, as nobody waits for a forked worker and is told its times.
    """
    used: dict[tuple[int, float], float] = {}
    largest = 0
    while process.poll() is None:
        with suppress(psutil.Error):
            for each in (process, *process.children(recursive=True)):
                with suppress(psutil.Error):
                    times = each.cpu_times()
                    used[each.pid, each.create_time()] = times.user + times.system
                    largest = max(largest, each.memory_info().rss)
        time.sleep(0.1)
    return sum(used.values()), largest / 2**20


def report(home: Path, reports: Path) -> Cost:
    return run(home, ["-m", "ltvkit", "report", *SAMPLES], reports)


def months(home: Path, reports: Path) -> Cost:
    wanted = ["--from", "2023-10", "--to", "2024-09"]
    return run(home, ["-m", "ltvkit", "report", "params/shop.yaml", *wanted], reports)


def one_notebook(home: Path, reports: Path) -> Cost:
    """Of a copy of the project, in which one cell says more than when its report was built."""
    copy = reports / "copy"
    shutil.copytree(home, copy, ignore=shutil.ignore_patterns(".git", ".venv", "reports", "tests"))
    report(copy, reports / "of-the-copy")
    path = next((copy / "notebooks").glob("02_*.ipynb"))
    changed = json.loads(path.read_text())
    last = [cell for cell in changed["cells"] if cell["cell_type"] == "code"][-1]
    last["source"] = [*last["source"], "\n# changed"]
    path.write_text(json.dumps(changed))
    return report(copy, reports / "of-the-copy")


def inspect(home: Path, reports: Path) -> Cost:
    rows = (
        LINE.format(n=n, who=n % 20, month=n % 12 + 1, day=n % 28 + 1, amount=5 * n + 3)
        for n in range(60)
    )
    export = reports / "export.csv"
    export.write_text("\n".join([HEADERS, *rows]) + "\n")
    return run(
        home,
        ["-m", "ltvkit", "inspect", str(export), "--out", str(reports / "params.yaml")],
        reports,
    )


def first_figure(home: Path, reports: Path) -> Cost:
    """A kernel is begun, and shows a table and a chart."""
    rebuilt = (home / "ltvkit" / "display").exists()
    imports = "from ltvkit import customers, plots, prepared, rfm, tables"
    if rebuilt:
        imports = (
            "from ltvkit import customers, orders, rfm\nfrom ltvkit.display import plots, tables"
        )
    code = FIGURE.format(imports=imports, open="orders.read" if rebuilt else "prepared.open")
    script = reports / "kernel.py"
    script.write_text(
        "from jupyter_client.manager import start_new_kernel\n"
        "manager, client = start_new_kernel()\n"
        f"answer = client.execute_interactive({code!r}, output_hook=lambda message: None)\n"
        "client.stop_channels()\nmanager.shutdown_kernel()\n"
        "assert answer['content']['status'] == 'ok', answer['content']\n"
    )
    return run(home, [str(script)], reports)


def hypotheses(home: Path, reports: Path) -> Cost:
    return run(home, ["tests/benchmarks/bench_register.py"], reports)


class Row(NamedTuple):
    """A task, and what of the other revision's wall and CPU time it may take."""

    work: Callable[[Path, Path], Cost]
    wall: float
    cpu: float = float("inf")


ROWS = {
    "report": Row(report, 0.40, 0.40),
    "months": Row(months, 0.30),
    "one_notebook": Row(one_notebook, 0.50),
    "inspect": Row(inspect, 0.50),
    "first_figure": Row(first_figure, 0.60),
    "hypotheses": Row(hypotheses, 0.50),
}


def measure(name: str, other: Path) -> dict[str, float]:
    """Both revisions, by turns -> the medians of this one and of its ratio to the other."""
    pairs = []
    for _ in range(ROUNDS):
        costs = []
        for home in (HOME, other):
            with tempfile.TemporaryDirectory() as folder:
                costs.append(ROWS[name].work(home, Path(folder)))
        pairs.append(costs)
    found = {}
    for field in Cost._fields:
        found[field] = statistics.median(getattr(own, field) for own, _theirs in pairs)
        ratios = (getattr(own, field) / getattr(theirs, field) for own, theirs in pairs)
        found[f"of {field}"] = statistics.median(ratios)
    return found


def main() -> None:
    other, chosen = Path(sys.argv[1]).resolve(), sys.argv[2:] or list(ROWS)
    print("| work | wall, s | of the other's | CPU, s | of the other's | MB | of the other's |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    missed = []
    for name in chosen:
        found = measure(name, other)
        cells = [
            f"{found[field]:.{digits}f} | {found[f'of {field}']:.2f}"
            for field, digits in (("wall", 1), ("cpu", 1), ("memory", 0))
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
        if found["of wall"] > ROWS[name].wall or found["of cpu"] > ROWS[name].cpu:
            missed.append(name)
    assert not missed, f"above their bounds: {', '.join(missed)}"


if __name__ == "__main__":
    main()

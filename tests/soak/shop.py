"""The shop of the soak test: its export in several states, and the right report of each.

Its notebooks open the orders through the kit, one after the other, and save how many lines they
saw, their sum and a hash of them. So a report that mixes two states of the export shows it.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from stub_project import KPIS, PARAMETERS, SAVE, environment, files, write_notebook

SHOP, MONTH = "soak", "1998-06"
ASKED = (f"params/{SHOP}.yaml", "--month", MONTH, "--jobs", "1")
LINES = 60_000
SECONDS = 300  # after which a run counts as one that never ends
READ = """\
from ltvkit import orders
book = orders.read(source, columns=columns, policies=policies)
lines = book.until(book.as_of(month))
line = "concat_ws('|', customer_id, order_id, order_date, amount)"
values = f"count(*), sum(amount), bit_xor(hash({line}))"
seen = ",".join(map(str, lines.aggregate(values).fetchall()[0]))
tables = {name: "lines,amount,digest\\n" + seen + "\\n"}"""
HEADER = b"customer_id,order_id,order_date,amount\n"


def _write_lines(numbers: range, cents: int) -> bytes:
    """Lines of the same length; `cents` tells one state from another."""
    return "".join(
        f"C{n * 7919 % 5000:05d},O{n:07d},1998-{1 + n % 6:02d}-{1 + n % 28:02d},"
        f"{10 + n % 80}.{cents:02d}\n"
        for n in numbers
    ).encode()


@cache
def content(state: str) -> bytes:
    """The export in a state: as it was first; "more" lines; "other" amounts; "half" of them."""
    lines = {
        "first": _write_lines(range(LINES), 50),
        "more": _write_lines(range(LINES), 50) + _write_lines(range(LINES, LINES + 500), 50),
        "other": _write_lines(range(LINES), 75),
        "half": _write_lines(range(LINES // 2), 50),
    }
    return HEADER + lines[state]


def write_params(root: Path, *, top: int) -> None:
    """The params; another `top` makes the notebooks run again on the same orders."""
    lines = f"shop: {SHOP}\ntitle: Soak\nsource: orders.csv\ntop: {top}\n"
    (root / "params" / f"{SHOP}.yaml").write_text(lines, "utf-8")


PAGES = ("00_overview", "01_rfm", "02_deciles", "03_abc")


def make(root: Path, state: str = "first", *, top: int = 5, pages: int = 2) -> Path:
    """A project in `root` with up to four notebooks, of which the kit forks the kernels."""
    for folder in ("notebooks", "params"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "orders.csv").write_bytes(content(state))
    write_params(root, top=top)
    for page in PAGES[:pages]:
        name = f"seen_{page[3:]}"
        last = f"tables |= { ({'kpis_month': KPIS} if page == PAGES[0] else {})!r}\n"
        last += f"page, findings = {page!r}, ['All is well.']\n{SAVE}"
        cells = (f"name = {name!r}", READ, last)
        write_notebook(root, page, *cells, parameters=PARAMETERS, saves=False)
    return root


def published(root: Path) -> dict[str, bytes]:
    """The published report."""
    return collect(root / "reports" / SHOP / MONTH)


def collect(target: Path) -> dict[str, bytes]:
    """The files of a report, without what is of its run alone; of the manifest, what it was of."""
    found = files(target) if target.is_dir() else {}
    if manifest := found.pop("manifest.json", b""):
        inputs = json.loads(manifest).get("inputs")
        found["manifest.json"] = json.dumps(inputs, sort_keys=True).encode()
    return found


def describe(report: dict[str, bytes]) -> str:
    """A report in a few letters, to compare reports of a protocol."""
    named = sorted((name, hashlib.sha256(data).hexdigest()) for name, data in report.items())
    return hashlib.sha256(repr(named).encode()).hexdigest()[:8] if named else "none"


@dataclass
class Said:
    """What a command said and how it ended."""

    status: int | None
    text: str


@dataclass
class Room:
    """A place for projects, always the same folder, and the reports that are right.

    `seconds` is how long a run takes from nothing.
    """

    folder: Path
    pages: int = 2
    seconds: float = 0.0
    _right: dict[tuple[str, int, int], dict[str, bytes]] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return self.folder / "p"

    @property
    def aside(self) -> Path:
        """The folder for temporary files."""
        return self.folder / "t"

    def restore(self) -> Path:
        """The project with a published report of the first state, as it was built."""
        self.right("first", 5)
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(self.folder / f"built-{self.pages}", self.root, symlinks=True)
        return self.root

    def right(self, state: str, top: int) -> dict[str, bytes]:
        """The report of a state and of params, built from nothing when it is first asked for."""
        known = (state, top, self.pages)
        if known in self._right:
            return self._right[known]
        kept, begun = self.folder / "kept", time.monotonic()
        if self.root.exists():
            self.root.rename(kept)
        make(self.root, state, top=top, pages=self.pages)
        done = run(self.root)
        assert done.status == 0, done.text
        self.seconds = time.monotonic() - begun
        self._right[known] = published(self.root)
        if (state, top) == ("first", 5):
            self.root.rename(self.folder / f"built-{self.pages}")
        else:
            shutil.rmtree(self.root)
        if kept.exists():
            kept.rename(self.root)
        return self._right[known]


@dataclass
class Command:
    """A command of the kit in a process of its own, which takes its output to a file."""

    process: Any
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def runs(self) -> bool:
        return self.process.is_alive()

    def end(self) -> Said:
        """Wait for its end, and return what it said."""
        self.process.join(SECONDS)
        if self.runs():
            self.process.kill()
            return Said(None, f"it did not end in {SECONDS} s")
        return Said(self.process.exitcode, self.log.read_text("utf-8", "replace"))


def begin(root: Path, *arguments: str, **more: str) -> Command:
    """`ltvkit report` of the project, or what the arguments say, under way.

    The process is forked from one that has loaded the kit, which saves some seconds.
    """
    log = root.parent / "log"
    env = environment(root, **more)
    given = (list(arguments or ("report", *ASKED)), str(root), env, str(log))
    process = _context().Process(target=_command, args=given)
    process.start()
    return Command(process, log)


@cache
def _context() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ltvkit.cli.main", "ltvkit.report.build", "soak.shop"])
    return context


def _command(arguments: list[str], root: str, env: dict[str, str], log: str) -> None:
    from ltvkit.cli.main import main

    os.environ.clear()
    os.environ.update(env)
    os.chdir(root)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    main(arguments)


def run(root: Path, *arguments: str, **more: str) -> Said:
    """A command to its end."""
    return begin(root, *arguments, **more).end()


def look(root: Path) -> Said:
    """`status`, which records what vanished."""
    return run(root, "status")


def forget_cache(root: Path) -> None:
    """Remove the cache, as anybody may at any time."""
    shutil.rmtree(root / "reports" / ".cache")


def forget_report(root: Path) -> None:
    """Remove the published report."""
    shutil.rmtree(root / "reports" / SHOP / MONTH)


def processes(root: Path) -> list[int]:
    """The processes that work for the project, the oldest first."""
    mark, found = f"LTVKIT_REPORTS={root / 'reports'}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return sorted(found)


@contextmanager
def room(*, pages: int = 2) -> Iterator[Room]:
    """A room in the temporary folder, with a short path, as sockets need it.

    What runs there has its temporary files there as well. One room at a time, as the process that
    commands are forked from keeps the folder.
    """
    with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as folder:
        found = Room(Path(folder).resolve(), pages)
        found.aside.mkdir()
        with mock.patch.dict(os.environ, TMPDIR=str(found.aside)):
            yield found

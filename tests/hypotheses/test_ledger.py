"""Nothing that was put on record is lost, and nothing is changed without being found."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from stub_project import HOME, environment
from stub_register import at, registered, write

from ltvkit.errors import ParamsError
from ltvkit.hypotheses.registry import ledger, store

GOOD = ["a", "b", "c", "d"]


@pytest.fixture
def folder(tmp_path):
    """A ledger of four lines: a, b, c and d, registered one day after another."""
    for number, id in enumerate(GOOD, 1):
        ledger.append(tmp_path, "register", id, content=f"é{number}", now=at(f"2024-02-0{number}"))
    return tmp_path


def lines(folder: Path) -> list[str]:
    return (folder / ledger.NAME).read_text("utf-8").splitlines()


def put(folder: Path, *texts: str, end: str = "\n") -> None:
    (folder / ledger.NAME).write_text("\n".join(texts) + end, "utf-8", newline="\n")


def ids(folder: Path) -> list[str]:
    return [entry.id for entry in ledger.read(folder)]


def test_a_line_says_what_when_and_after_what(tmp_path):
    ledger.append(tmp_path, "register", "a", content="123", by="Ito", now=at("2024-02-01"))
    said = {"decision": "extend", "until": "2024-04-30", "reason": "Too\nfew"}
    ledger.append(tmp_path, "decide", "a", now=at("2024-04-01"), **said)
    first, second = map(json.loads, lines(tmp_path))
    assert {k: v for k, v in first.items() if k != "seal"} == {
        "time": "2024-02-01T12:00:00+00:00",
        "action": "register",
        "id": "a",
        "content": "123",
        "by": "Ito",
        "after": "",
    }
    # Of the line without its seal, by sha256sum.
    assert first["seal"] == "c83b7babe02dcfe7805cc68a4320aae4f79d2fec40174155c75cc035bcb97436"
    assert second["after"] == first["seal"]
    assert ledger.read(tmp_path) == [
        ledger.Entry(at("2024-02-01"), "register", "a", by="Ito", content="123"),
        ledger.Entry(
            at("2024-04-01"),
            "decide",
            "a",
            decision="extend",
            until=dt.date(2024, 4, 30),
            reason="Too\nfew",
        ),
    ]
    assert ledger.problems(tmp_path) == []


def test_no_ledger_yet(tmp_path):
    assert (ledger.read(tmp_path), ledger.problems(tmp_path)) == ([], [])
    with pytest.raises(ParamsError, match="Did you mean 'decide'"):
        ledger.append(tmp_path, "decided", "a")


CHANGED = "was changed after it was written; it is not used. Restore it from git."
GONE = "a line that stood before it was removed or damaged. Restore it from git."


def unsealed(**more: str) -> str:
    """A line with a right seal that says something else than a ledger does."""
    said = {"time": "2024-02-05T12:00:00+00:00", "action": "decide", "id": "x", "by": ""}
    said |= {"decision": "drop", "until": "", "reason": "So", "after": "", **more}
    return ledger.canonical(said | {"seal": ledger.fingerprint(said)})


@pytest.mark.parametrize(
    ("change", "used", "problems"),
    [
        (lambda a, b, c, d: [a, b.replace("é2", "é9"), c, d], "acd", [f"line 2: {CHANGED}"]),
        (lambda a, b, c, d: [a, b, c, d.replace("02-04", "02-03")], "abc", [f"line 4: {CHANGED}"]),
        (lambda a, b, c, d: [a, c, d], "acd", [f"line 2: {GONE}"]),
        (lambda a, b, c, d: [b, c, d], "bcd", [f"line 1: {GONE}"]),
        (lambda a, b, c, d: [b, a, c, d], "bacd", [f"line 1: {GONE}"]),
        (lambda a, b, c, d: [a, b, b, c, d], "abcd", ["line 3: repeats line 2; remove it."]),
        (
            lambda a, b, c, d: [a, b.replace("é2", "é9"), b, c, d],
            "abcd",
            [f"line 2: {CHANGED}"],
        ),
        (
            lambda a, b, c, d: [a, b[:50], c, d],
            "acd",
            ["line 2: is not JSON; it is not used. Restore it from git.", f"line 3: {GONE}"],
        ),
        (
            lambda a, b, c, d: [a, b.replace("{", '{"id": "another", ', 1), c, d],
            "acd",
            ["line 2: says a field twice; it is not used.", f"line 3: {GONE}"],
        ),
        (lambda a, b, c, d: [a, b, c, d, ""], "abcd", ["line 5: is not JSON"]),
        (lambda a, b, c, d: [a, b, c, d, "[]"], "abcd", ["line 5: has no action that is known"]),
        (
            lambda a, b, c, d: [a, b, c, d, '{"action": "decide"}'],
            "abcd",
            ["line 5: has no time, "],
        ),
        (lambda a, b, c, d: [a, b, c, d, unsealed(decision="x")], "abcd", ["line 5: has a decis"]),
        (lambda a, b, c, d: [a, b, c, d, unsealed(until="May")], "abcd", ["line 5: has a time"]),
        (lambda a, b, c, d: [a, "<<<<<<< ours", b, c, d], "abcd", ["line 2: is not JSON"]),
        (lambda a, b, c, d: ["\ufeff" + a, b + "\r", " " + c, d], "abcd", []),
        (
            lambda a, b, c, d: [a, b, c, json.dumps(dict(reversed(json.loads(d).items())))],
            "abcd",
            [],
        ),
    ],
)
def test_what_is_wrong_is_found_and_the_others_are_used(folder, change, used, problems):
    put(folder, *change(*lines(folder)))
    assert "".join(ids(folder)) == used
    found = ledger.problems(folder)
    assert len(found) == len(problems)
    for said, start in zip(found, problems, strict=True):
        assert said.startswith(start)


@pytest.mark.parametrize(
    ("change", "used"),
    [
        (lambda a, b, c, d: [a, b[:50], c, d], "acd"),
        (lambda a, b, c, d: [a, b, c, d.replace("é4", "é9")], "abc"),
        (lambda a, b, c, d: [a, b, c, d.replace('"seal":"', '"seal":"x y ')], "abc"),
        (lambda a, b, c, d: ["", "nothing"], ""),
    ],
)
def test_a_line_is_added_to_a_broken_ledger(folder, change, used):
    put(folder, *change(*lines(folder)))
    before, problems = (folder / ledger.NAME).read_bytes(), ledger.problems(folder)
    ledger.append(folder, "register", "e", content="5")
    assert (folder / ledger.NAME).read_bytes().startswith(before)
    assert "".join(ids(folder)) == f"{used}e"
    assert ledger.problems(folder) == problems


@pytest.mark.parametrize(("cut", "used"), [(1, "abcde"), (50, "abce")])
def test_a_line_without_its_end_stays_a_line_of_its_own(folder, cut, used):
    path = folder / ledger.NAME
    path.write_bytes(path.read_bytes()[:-cut])
    [said] = ledger.problems(folder)
    whole = "line 4: does not end with a line break; add one."
    assert said == whole if cut == 1 else said.startswith("line 4: is not JSON")
    before = path.read_bytes()
    ledger.append(folder, "register", "e", content="5")
    assert path.read_bytes().startswith(before + b"\n{")
    assert "".join(ids(folder)) == used
    assert len(ledger.problems(folder)) == (cut != 1)


def test_what_a_terminal_could_not_decode_is_kept(folder):
    ledger.append(folder, "decide", "a", decision="drop", reason="caf\udce9")
    assert ledger.read(folder)[-1].reason == "caf\udce9"
    assert ledger.problems(folder) == []


def test_text_that_is_no_text_is_one_broken_line(folder):
    path = folder / ledger.NAME
    path.write_bytes(path.read_bytes() + b"\xff\xfe\n")
    assert ids(folder) == GOOD
    assert ledger.problems(folder)[0].startswith("line 5: is not JSON")


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main")
    command = ["git", *who, *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture
def repository(tmp_path):
    """A project under git with a register that has a hypothesis and no ledger yet."""
    for name in (".gitignore", ".gitattributes"):
        shutil.copy(HOME / name, tmp_path)
    write(tmp_path / "params" / "hypotheses" / "shop")
    git(tmp_path, "init")
    commit(tmp_path)
    return tmp_path


def commit(root: Path, *options: str) -> None:
    git(root, "add", ".")
    git(root, "commit", "-m", "x", *options)


@pytest.mark.parametrize("base", [0, 2], ids=["no-ledger-before", "two-lines-before"])
def test_two_branches_are_merged_line_by_line(repository, base):
    folder = repository / "params" / "hypotheses" / "shop"

    def add(id: str) -> None:
        ledger.append(folder, "register", id, content="1")
        commit(repository)

    for id in GOOD[:base]:
        add(id)
    git(repository, "checkout", "-b", "other")
    add("o")
    add("p")
    git(repository, "checkout", "main")
    add("m")
    git(repository, "merge", "other")
    assert sorted(ids(folder)) == sorted([*GOOD[:base], "m", "o", "p"])
    assert ledger.problems(folder) == []
    add("z")
    after = lines(folder)
    assert ledger.problems(folder) == []
    for number in range(len(after) - 1):  # whichever branch a removed line is from
        put(folder, *after[:number], *after[number + 1 :])
        assert len(ledger.problems(folder)) >= 1


DIES = """
import os, pathlib, sys
from ltvkit.hypotheses.registry import store
os.replace = lambda *names: os.kill(os.getpid(), 9)
store.register(pathlib.Path(sys.argv[1]), "mail")
"""


@pytest.mark.parametrize("before", [0, 3])
def test_killed_between_write_and_rename(repository, before):
    folder = repository / "params" / "hypotheses" / "shop"
    for _n in range(before):
        store.register(folder, "mail")
    commit(repository, "--allow-empty")
    old = {p.name: p.read_bytes() for p in folder.iterdir() if p.name != ".ledger.lock"}
    command = [sys.executable, "-c", DIES, str(folder)]
    done = subprocess.run(command, env=environment(repository), capture_output=True)
    assert done.returncode == -signal.SIGKILL
    new = {p.name: p.read_bytes() for p in folder.iterdir()}
    assert old.items() <= new.items()
    assert len(list(folder.glob(".*.part"))) == 1
    assert git(repository, "status", "--porcelain") == ""
    store.register(folder, "mail")
    assert list(folder.glob(".*.part")) == []
    assert len(ledger.read(folder)) == before + 1
    assert ledger.problems(folder) == []


def test_a_full_disk_changes_nothing(folder, monkeypatch):
    before = (folder / ledger.NAME).read_bytes()

    def full(_number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        ledger.append(folder, "register", "e", content="5")
    assert (folder / ledger.NAME).read_bytes() == before
    assert {p.name for p in folder.iterdir()} == {ledger.NAME, ".ledger.lock"}


# Eight processes that have loaded the kit once, and wait for each other before they begin.
BUSY = """
import multiprocessing, pathlib, sys
from ltvkit.hypotheses.registry import store
folder, ids = pathlib.Path(sys.argv[1]), sys.argv[2:]
context = multiprocessing.get_context("fork")
ready = context.Barrier(len(ids))

def write(id):
    ready.wait(30)
    for n in range(4):
        store.register(folder, id, by=str(n))
        store.decide(folder, id, "drop", reason=f"{id} {n}")

started = [context.Process(target=write, args=(id,)) for id in ids]
for process in started:
    process.start()
for process in started:
    process.join()
sys.exit(any(process.exitcode for process in started))
"""


def test_eight_processes_at_once_lose_no_line(tmp_path):
    names = [f"h{n}" for n in range(8)]
    for name in names:
        write(tmp_path, name)
    registered(tmp_path, "2024-02-20", id="h0")
    command = [sys.executable, "-c", BUSY, str(tmp_path), *names]
    subprocess.run(command, env=environment(tmp_path), check=True, timeout=60)
    found = ledger.read(tmp_path)
    assert len(found) == 1 + 8 * 4 * 2
    for name in names:
        mine = [e for e in found[1:] if e.id == name]
        assert [e.by for e in mine if e.action == "register"] == list("0123")
        assert [e.reason for e in mine if e.action == "decide"] == [f"{name} {n}" for n in range(4)]
    assert ledger.problems(tmp_path) == []
    assert store.load(tmp_path).problems.empty


TWICE = """
import pathlib, sys, time
from stub_hypotheses import steady
from ltvkit import hypotheses
from ltvkit.hypotheses.design import assignment
folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
assign = assignment.assign

def meet(*given, **more):
    (folder / f"{name}.ready").touch()
    while len(list(folder.glob("*.ready"))) < 2:
        time.sleep(0.001)
    return assign(*given, **more)

assignment.assign = meet
try:
    hypotheses.draw(folder, "mail", steady(customers=200), seed=int(name))
    print(f"drawn with {name}")
except hypotheses.ParamsError as error:
    print(error)
"""
AGAIN = """
import pathlib, sys, time
from ltvkit import hypotheses
folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
(folder / f"{name}.ready").touch()
while len(list(folder.glob("*.ready"))) < 2:
    time.sleep(0.001)
try:
    DO
    print("done")
except hypotheses.ParamsError as error:
    print(error)
"""


def both(folder: Path, code: str) -> list[str]:
    """What two processes say that do the same at the same time, the one that did it first."""
    code = code.replace("hypotheses.ParamsError", "ltvkit.errors.ParamsError")
    command = [sys.executable, "-c", "import ltvkit.errors\n" + code, str(folder)]
    known = environment(folder)
    known["PYTHONPATH"] = os.pathsep.join([str(HOME / "tests"), known["PYTHONPATH"]])
    pipes = {"stdout": subprocess.PIPE, "text": True, "env": known}
    started = [subprocess.Popen([*command, n], **pipes) for n in ("1", "2")]
    said = [process.communicate(timeout=60)[0].strip() for process in started]
    return sorted(said, key=lambda text: not text.startswith(("done", "drawn")))


def test_of_two_who_draw_at_once_one_is_told_that_the_list_is_there(tmp_path):
    write(tmp_path, comparison="randomized", target="{channel: web}")
    first, second = both(tmp_path, TWICE)
    rows = (tmp_path / "lists" / "mail.csv").read_text("utf-8").splitlines()
    assert first == f"drawn with {rows[1].rpartition(',')[2]}"
    assert "is there already" in second


def test_of_two_who_write_the_same_file_at_once_one_is_refused(tmp_path):
    new = "hypotheses.new(folder, 'mail', owner=name)"
    first, second = both(tmp_path, AGAIN.replace("DO", new))
    assert first == "done"
    assert "is there already" in second


def test_of_two_who_extend_at_once_one_is_held_against_the_other(tmp_path):
    """Both name the same day, which is after the end once."""
    write(tmp_path)
    registered(tmp_path, "2024-02-20")
    until = "__import__('datetime').date(2024, 4, 30)"
    decide = f"hypotheses.decide(folder, 'mail', 'extend', reason='few', until={until})"
    first, second = both(tmp_path, AGAIN.replace("DO", decide))
    assert first == "done"
    assert "name a day after 2024-04-30" in second
    assert len(ledger.read(tmp_path)) == 2

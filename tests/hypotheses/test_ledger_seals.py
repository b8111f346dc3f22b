"""Who can add to a ledger, and what is seen of it: keyed seals, times, and the last commit."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from stub_project import enter
from stub_register import at, registered, write, write_list

from ltvkit.cli.main import main
from ltvkit.core import git, redaction
from ltvkit.errors import ParamsError
from ltvkit.hypotheses.registry import committed, ledger, seals, store

KEY, OTHER = "k" * 32, "o" * 32


@pytest.fixture
def use(monkeypatch):
    """Set the key of the ledger, "" for none."""

    def use(key: str) -> None:
        monkeypatch.setenv(seals.VARIABLE, key)

    use("")
    return use


def add(folder: Path, id: str, day: int = 1) -> None:
    ledger.append(folder, "register", id, content="1", now=at(f"2024-02-{day:02d}"))


def lines(folder: Path) -> list[str]:
    return (folder / ledger.NAME).read_text("utf-8").splitlines()


def put(folder: Path, *texts: str) -> None:
    (folder / ledger.NAME).write_text("".join(f"{text}\n" for text in texts), "utf-8", newline="\n")


def ids(folder: Path) -> str:
    return "".join(entry.id for entry in ledger.read(folder))


def forge(**more: str) -> str:
    """A line without a key that says what it likes, with a right seal."""
    said = {"time": "2024-02-01T12:00:00+00:00", "action": "register", "id": "x", "by": ""}
    return ledger.canonical(seals.seal(said | {"content": "1", "after": "", **more}, b""))


# --- a key


def test_a_line_is_sealed_with_the_key(tmp_path, use):
    use(KEY)
    add(tmp_path, "a")
    [line] = map(json.loads, lines(tmp_path))
    # Of the line without its keyed seal, by `openssl dgst -sha256 -hmac`.
    assert line["hmac"] == "a514f0f376d7900c12ac1254338eab0a7f08644a1e97dd2bb5b4df7ebe178b62"
    assert (ids(tmp_path), ledger.problems(tmp_path)) == ("a", [])


def test_lines_from_before_there_was_a_key_are_vouched_for_by_the_next(tmp_path, use):
    for n, id in enumerate("ab", 1):
        add(tmp_path, id, n)
    use(KEY)
    [said] = ledger.problems(tmp_path)
    assert said.startswith("No line has a keyed seal yet, though LTVKIT_LEDGER_KEY is set")
    assert ids(tmp_path) == "ab"
    add(tmp_path, "c", 3)
    assert (ids(tmp_path), ledger.problems(tmp_path)) == ("abc", [])


@pytest.fixture
def keyed(tmp_path, use):
    """A ledger of a without a key, and b, c and d with it, which is set."""
    add(tmp_path, "a", 1)
    use(KEY)
    for n, id in enumerate("bcd", 2):
        add(tmp_path, id, n)
    return tmp_path


BARE = "no keyed seal, though the ledger has them; not used."
UNFIT = "the keyed seal does not fit LTVKIT_LEDGER_KEY: made with another key, or up; not used."


def changed(line: str, **more: str) -> str:
    """A line that says something else, sealed anew without the key, its keyed seal kept."""
    fields = json.loads(line) | more
    said = {k: v for k, v in fields.items() if k not in ("seal", "hmac")}
    kept = {"hmac": fields["hmac"]} if "hmac" in fields else {}
    return ledger.canonical(seals.seal(said, b"") | kept)


@pytest.mark.parametrize(
    ("change", "used", "problems"),
    [
        (lambda a, b, c, d: [a, b, c, d, forge()], "abcd", [f"line 5: {BARE}"]),
        (lambda a, b, c, d: [forge(), a, b, c, d], "abcd", [f"line 1: {BARE}"]),
        (
            lambda a, b, c, d: [a, b, c, d, forge(), forge(id="y", after=json.loads(d)["seal"])],
            "abcd",
            [f"lines 5 to 6: {BARE}"],
        ),
        (lambda a, b, c, d: [a, b, c, changed(d, content="2")], "abc", [f"line 4: {UNFIT}"]),
        (
            lambda a, b, c, d: [a, changed(b, content="2"), c, d],
            "cd",
            [f"line 2: {UNFIT}", f"line 1: {BARE}", "line 3: a line that stood before it"],
        ),
        (
            lambda a, b, c, d: [changed(a, content="2"), b, c, d],
            "bcd",
            [f"line 1: {BARE}", "line 2: a line that stood before it was removed or damaged."],
        ),
        (
            lambda a, b, c, d: [a, b, c, d[: d.index('"hmac"')] + d[d.index('"id"') :]],
            "abc",
            [f"line 4: {BARE}"],
        ),
        (lambda a, b, c, d: [a, b, c, d.replace('"hmac":"', '"hmac":"\ud83d')], "abc", ["line 4"]),
        (lambda a, b, c, d: [a, b, c, d.replace('"hmac":"', '"hmac":1,"b":"')], "abc", ["line 4"]),
    ],
)
def test_who_has_no_key_adds_and_changes_nothing(keyed, use, change, used, problems):
    before = lines(keyed)
    (keyed / ledger.NAME).write_bytes(
        "".join(f"{line}\n" for line in change(*before)).encode("utf-8", "surrogatepass")
    )
    assert ids(keyed) == used
    found = ledger.problems(keyed)
    assert len(found) == len(problems)
    for said, start in zip(found, problems, strict=True):
        assert said.startswith(start)
    add(keyed, "e", 5)  # which vouches for none of them
    assert ids(keyed) == f"{used}e"
    assert ledger.problems(keyed) == found


def test_without_the_key_lines_are_used_and_it_is_said_once(keyed, use):
    use("")
    assert ids(keyed) == "abcd"
    assert ledger.problems(keyed) == [
        "lines 2 to 4: sealed with a key that is not set here, so used without a check. Set "
        "LTVKIT_LEDGER_KEY to have the seals checked."
    ]
    put(keyed, *lines(keyed)[:-1], forge())
    assert ids(keyed) == "abc"  # no key is needed to see that it lacks one


def test_another_key_is_said_once_and_no_line_is_used(keyed, use):
    for n in range(5, 25):
        add(keyed, f"x{n}", n)
    use(OTHER)
    assert ids(keyed) == ""
    [said] = ledger.problems(keyed)
    assert said.startswith("LTVKIT_LEDGER_KEY fits none of the keyed seals of this ledger")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("", "and LTVKIT_LEDGER_KEY is not set: nothing"),
        (OTHER, "LTVKIT_LEDGER_KEY is not the key"),
    ],
)
def test_nothing_is_put_on_record_without_the_ledgers_key(keyed, use, key, said):
    before = lines(keyed)
    use(key)
    with pytest.raises(ParamsError, match=said):
        add(keyed, "e", 5)
    assert lines(keyed) == before


def test_a_short_key_is_none(tmp_path, use):
    use("short")
    with pytest.raises(ParamsError, match="LTVKIT_LEDGER_KEY has 5 characters, and needs 32"):
        add(tmp_path, "a")
    assert not (tmp_path / ledger.NAME).exists()


def test_the_key_is_a_secret_and_part_of_what_a_report_depends_on(keyed, use):
    assert KEY not in redaction.mask(f"sealed with {KEY}")
    known = store.digest(keyed)
    use(OTHER)
    assert store.digest(keyed) != known
    use("")
    assert store.digest(keyed) != known


# --- times


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"time": "2024-02-02T11:51:00+00:00"}, None),  # clocks differ by some minutes
        (
            {"time": "2024-02-01T11:00:00+00:00"},
            "line 3: is dated 2024-02-01 11:00 UTC, before line 2 (2024-02-02 12:00 UTC), which it",
        ),
        (
            {"action": "decide", "id": "c", "decision": "drop", "until": "", "reason": "So"},
            "line 3: is dated 2024-02-03 12:00 UTC, and decides about c, which was never",
        ),
        (
            {"action": "decide", "id": "a", "decision": "drop", "until": "", "reason": "So"},
            None,
        ),
    ],
)
def test_times_that_cannot_be_right_are_said(tmp_path, use, line, said):
    for n, id in enumerate("ab", 1):
        add(tmp_path, id, n)
    last = json.loads(lines(tmp_path)[-1])["seal"]
    own = {"time": "2024-02-03T12:00:00+00:00", "after": last}
    put(tmp_path, *lines(tmp_path), forge(**own | line))
    assert len(ledger.read(tmp_path)) == 3
    found = ledger.problems(tmp_path)
    assert len(found) == bool(said)
    assert not said or found[0].startswith(said)


def test_a_decision_from_before_its_registration_is_said(tmp_path, use):
    more = {"action": "decide", "decision": "drop", "until": "", "reason": "So"}
    put(tmp_path, forge(**more), forge(time="2024-02-20T12:00:00+00:00"))
    [said] = ledger.problems(tmp_path)
    assert "line 1: is dated 2024-02-01 12:00 UTC, and decides about x, which was" in said
    assert "registered later (2024-02-20 12:00 UTC)" in said


@pytest.mark.parametrize(
    "time", ["2024-02-05T12:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-14:00"]
)
def test_a_time_that_no_clock_has_is_one_broken_line(tmp_path, use, time):
    put(tmp_path, forge(time=time))
    [said] = ledger.problems(tmp_path)
    assert said.startswith("line 1: has a time")
    assert ledger.read(tmp_path) == []


def test_the_ends_of_the_calendar_are_times(tmp_path, use):
    first = forge(time="9999-12-31T23:59:59+00:00")
    put(tmp_path, first, forge(time="0001-01-01T00:00:00+00:00", after=json.loads(first)["seal"]))
    assert len(ledger.read(tmp_path)) == 2
    assert len(ledger.problems(tmp_path)) == 1
    assert len(ledger.list_ahead(tmp_path, now=dt.datetime.now(dt.UTC))) == 1


# --- git


def run(root: Path, *arguments: str, **environment: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main")
    command = ["git", *who, *arguments]
    known = {**os.environ, **environment}
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True, env=known)
    return done.stdout


def commit(root: Path, date: str = "") -> None:
    run(root, "add", ".")
    dated = {"GIT_COMMITTER_DATE": date} if date else {}
    run(root, "commit", "--allow-empty", "-m", "x", **dated)


@pytest.fixture
def folder(tmp_path, monkeypatch, use):
    """The register of a project under git: mail, registered four times, and committed."""
    enter(tmp_path, monkeypatch)
    (tmp_path / ".gitattributes").write_text("ledger.jsonl text eol=lf merge=union\n")
    (tmp_path / ".gitignore").write_text(".ledger.lock\nreports/\n")
    folder = tmp_path / "params" / "hypotheses" / "stub"
    write(folder)
    registered(folder, *(f"2024-02-{n:02d}" for n in range(1, 5)))
    run(tmp_path, "init")
    commit(tmp_path, "2024-02-05T00:00:00+00:00")
    return folder


def check(*more: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["hypothesis", "check", "params/stub.yaml", *more])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def resealed(*texts: str) -> list[str]:
    """Lines of a ledger, each after the one before it, sealed as if they had always been so."""
    done, last = [], ""
    for text in texts:
        done.append(changed(text, after=last))
        last = json.loads(done[-1])["seal"]
    return done


FINE = "1 hypothesis and the ledger are fine.\n"


def test_lines_added_at_the_end_are_fine(folder):
    assert check() == (0, FINE, "")
    registered(folder, "2024-02-20")
    assert check() == (0, FINE, "")
    (folder / ledger.NAME).write_bytes((folder / ledger.NAME).read_bytes().replace(b"\n", b"\r\n"))
    assert check() == (0, FINE, "")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a, b, c, d: [a, b, c], ["1 line cut off the end since the last commit ("]),
        (lambda a, b, c, d: [], ["4 lines cut off the end since the last commit ("]),
        (
            lambda a, b, c, d: [a, b, c, changed(d, by="Ito")],
            ["line 4: changed since the last commit ("],
        ),
        (
            lambda a, b, c, d: [a, b, c, changed(d, by="Ito"), changed(d, by="Sato")],
            ["line 4: changed since the last commit ("],
        ),
        (
            lambda a, b, c, d: [a, forge(id="mail"), b, c, d],
            ["line 2: inserted between others since the last commit ("],
        ),
        (
            lambda a, b, c, d: resealed(a, b, d),
            ["line 3: changed since", "1 line cut off the end since"],
        ),
    ],
)
def test_what_seals_cannot_show_is_seen_against_the_last_commit(folder, change, said):
    """None of these is found by the seals."""
    put(folder, *change(*lines(folder)))
    assert ledger.problems(folder) == []
    status, found, _notes = check()
    assert status == 2
    found = found.splitlines()
    assert len(found) == len(said)
    for line, start in zip(found, said, strict=True):
        assert line.startswith(f"ledger.jsonl: {start}")
        assert "`git diff HEAD -- params/hypotheses/stub/ledger.jsonl` shows it." in line


def test_a_ledger_that_is_gone_is_seen(folder):
    (folder / ledger.NAME).unlink()
    assert check()[0] == 2
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    status, said, _notes = check()
    assert status == 2
    assert said.startswith("ledger.jsonl: 4 lines cut off the end since the last commit")


def test_a_removed_line_is_seen_by_both(folder):
    first, _second, *others = lines(folder)
    put(folder, first, *others)
    said = check()[1].splitlines()
    assert [line.split(" Restore")[0].split(" since")[0] for line in said] == [
        "ledger.jsonl: line 2: a line that stood before it was removed or damaged.",
        "ledger.jsonl: 1 line removed after line 1",
    ]


def test_a_merge_of_two_branches_is_fine(folder, tmp_path):
    run(tmp_path, "checkout", "-b", "other")
    registered(folder, "2024-02-11", "2024-02-12")
    commit(tmp_path)
    run(tmp_path, "checkout", "main")
    registered(folder, "2024-02-21")
    commit(tmp_path)
    run(tmp_path, "merge", "--no-commit", "other")
    assert len(lines(folder)) == 7
    assert check()[:2] == (0, FINE)
    commit(tmp_path)
    registered(folder, "2024-02-22")
    assert check()[:2] == (0, FINE)


def test_a_line_dated_before_the_commit_that_lacks_it_is_noted(folder, tmp_path):
    write(folder, cost="5")
    registered(folder, "2024-02-20")
    assert check() == (0, FINE, MAIL_EDITED.format(commit=head(tmp_path)))
    put(folder, *lines(folder)[:-1])
    commit(tmp_path, "2024-03-10T00:00:00+00:00")
    registered(folder, "2024-02-10")
    commit_of = "the commit of 2024-02-05 00:00 UTC"  # the last that has to do with the ledger
    registered(folder, "2024-02-04")
    status, said, notes = check()
    assert status == 2  # before the line that it follows, as well
    assert "line 6: is dated 2024-02-04 12:00 UTC, before line 5 (2024-02-10 12:00 UTC)" in said
    assert f"line 6: is dated 2024-02-04 12:00 UTC, but {commit_of} does not have it" in notes
    assert "line 5" not in notes


MAIL_EDITED = (
    "mail.yaml was edited since the last commit ({commit}): `git diff HEAD -- "
    "params/hypotheses/stub/mail.yaml` shows it.\n"
)


def head(root: Path) -> str:
    return run(root, "rev-parse", "--short", "HEAD").strip()


def test_what_was_registered_is_held_against_the_last_commit(folder, tmp_path):
    write(folder, notes="A word.")
    assert check() == (0, FINE, "")
    write(folder, cost="5")
    edited = MAIL_EDITED.format(commit=head(tmp_path))
    assert check() == (0, FINE, f"mail: It was edited after it was registered.\n{edited}")
    (folder / "mail.yaml").unlink()
    assert check()[2].startswith("mail.yaml is gone since the last commit")


def test_lists_are_held_against_the_last_commit(folder, tmp_path):
    write_list(folder, "1,treated", "2,control", header="customer_id,group", name="mail.csv")
    commit(tmp_path)
    assert check() == (0, FINE, "")
    write_list(folder, "1,control", "2,treated", header="customer_id,group", name="mail.csv")
    assert check()[2].startswith("lists/mail.csv was edited since the last commit (")


def test_a_time_in_the_future_is_a_problem_of_the_check_alone(folder):
    registered(folder, "2924-02-20")
    status, said, _notes = check()
    assert status == 2
    assert said.startswith("ledger.jsonl: line 5: is dated 2924-02-20 12:00 UTC, in the future.")
    assert ledger.problems(folder) == []  # a report depends on no clock


def test_what_git_cannot_tell_is_said(folder, tmp_path, monkeypatch):
    never = "ledger.jsonl was never committed"
    run(tmp_path, "rm", "--cached", "params/hypotheses/stub/ledger.jsonl")
    run(tmp_path, "commit", "-m", "x")
    status, said, notes = check()
    assert (status, said) == (0, FINE)
    assert notes.startswith(never)
    (tmp_path / ".git").rename(tmp_path / "old")
    assert check() == (0, FINE, "")  # said when the first line is put on record
    run(tmp_path, "init")
    assert check()[2].startswith(never)
    (tmp_path / ".git" / "HEAD").write_text("broken")
    assert "Nothing was compared with the last commit: " in check()[2]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert check() == (
        0,
        FINE,
        "Nothing was compared with the last commit: git is not installed.\n",
    )


def test_the_first_line_outside_git_is_told_so(folder, tmp_path):
    (tmp_path / ".git").rename(tmp_path / "old")
    put(folder)
    command = ["hypothesis", "register", "params/stub.yaml", "mail"]
    assert CliRunner().invoke(main, command).stderr.startswith("The register is in no git repo")
    assert CliRunner().invoke(main, command).stderr == ""


SETTINGS = (
    *("core.fsmonitor", "core.pager", "core.sshCommand", "filter.x.smudge", "filter.x.clean"),
    *("diff.x.textconv", "diff.x.command", "diff.external", "gpg.program"),
)


def test_nothing_that_a_repository_names_is_run(folder, tmp_path):
    """Hooks, monitors, filters, pagers, other formats and signatures: each would leave a file."""
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch '{tmp_path}/sprung'\ncat\n")
    trap.chmod(0o755)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in (
        "post-checkout",
        "fsmonitor-watchman",
        "post-index-change",
        "reference-transaction",
    ):
        (hooks / name).symlink_to(trap)
    (tmp_path / ".git" / "info" / "attributes").write_text("* filter=x diff=x\n")
    for name in SETTINGS:
        run(tmp_path, "config", name, str(trap))
    run(tmp_path, "config", "core.hooksPath", str(hooks))
    run(tmp_path, "config", "log.showSignature", "true")
    put(folder, *lines(folder)[:-1])
    write(folder, cost="5")
    assert check()[0] == 2
    assert not (tmp_path / "sprung").exists()


def test_replaced_objects_and_variables_of_a_hook_do_not_hide_it(folder, tmp_path, monkeypatch):
    path = "params/hypotheses/stub/ledger.jsonl"
    old = run(tmp_path, "rev-parse", f"HEAD:{path}").strip()
    put(folder, *lines(folder)[:-1])
    new = run(tmp_path, "hash-object", "-w", path).strip()
    run(tmp_path, "replace", old, new)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert [said for _file, said in committed.compare(folder).problems] == [
        f"1 line cut off the end since the last commit ({head_of(tmp_path)}). Put it back as it "
        f"was committed: `git diff HEAD -- {path}` shows it."
    ]


def head_of(root: Path) -> str:
    return git.run(root, "rev-parse", "--short", "HEAD").decode().strip()

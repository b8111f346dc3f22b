"""A problem of what the user gave is one clear message that names it and the remedy."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner
from stub_project import ORDERS, enter, environment, write_notebook, write_params

from ltvkit.cli.main import main
from ltvkit.inspection import proposals

HEAD = "shop: stub\nsource: orders.csv\n"


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_THREADS", "1")
    return enter(tmp_path, monkeypatch)


def call(*arguments: str) -> tuple[int, str]:
    """The exit status, and what was said on standard error."""
    done = CliRunner().invoke(main, arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert "Traceback" not in done.output
    return done.exit_code, done.stderr


def given(root, content: str | bytes, name: str = "mine") -> str:
    path = root / "params" / f"{name}.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


OPTIONS = [
    (("report", "params/stub.yaml", "--month", "2024-13"), "write it as 1998-06"),
    (("report", "params/stub.yaml", "--month", "1998-6"), "write it as 1998-06"),
    (("check", "params/stub.yaml", "--month", "0000-01"), "write 1998-06, or 'last'"),
    (("check", "params/stub.yaml", "--month", "9999-12"), "1998-06"),
    (("report", "params/stub.yaml", "--only", "nothing"), "There is 00_overview, 01_rfm"),
    (("report", "params/stub.yaml", "--out", "orders.csv"), "is a file"),
    (("report", "params/stub.yaml", "--out", "orders.csv/below"), "Give another folder"),
    (("report", "params/stub.yaml", "--engine", "spark"), "spark: give master"),
    (("report", "params"), "params is a folder. Params files: params/stub.yaml"),
    (("report", "params/nothing.yaml"), "Params files: params/stub.yaml"),
    (("report", "orders.csv"), "python -m ltvkit inspect orders.csv"),
    (("report", "pipe.yaml"), "is a pipe or a device"),
    (("report", "folder.yaml"), "folder.yaml is a folder"),
    (("inspect", "pipe.csv"), "Save the export as a file"),
    (("inspect", "/dev/zero"), "Save the export as a file"),
    (("inspect", "loop.csv"), "a link that leads nowhere, or to itself"),
    (("inspect", "folder.csv"), "no file in"),
    (("inspect", "locked"), "no file in"),
    (("inspect", "one_empty"), "Export it again, or take it out"),
    (("inspect", "x" * 5000), "File name too long"),
    (("inspect", "params/stub.yaml"), "is a params file, and not an export"),
    (("inspect", "orders.csv", "--shop", "My Shop"), "as in my-shop"),
    (("inspect", "orders.csv", "--out", "params/stub.yaml"), "choose another --shop NAME or"),
    (("hypothesis", "check", "params/stub.yaml", "../up"), "as in win-back-2024"),
    (("hypothesis", "register", "params/stub.yaml", "gone"), "gone.yaml: cannot be read"),
    (("hypothesis", "list", "params/stab.yaml"), "Did you mean 'params/stub.yaml'?"),
    (("init", "orders.csv"), "give the name of a folder"),
]


@pytest.mark.parametrize(("arguments", "words"), OPTIONS, ids=lambda each: str(each)[:60])
def test_options_and_files_that_cannot_be(root, arguments, words):
    os.mkfifo(root / "pipe.csv")
    os.mkfifo(root / "pipe.yaml")
    (root / "loop.csv").symlink_to("loop.csv")
    for name in ("folder.yaml", "folder.csv", "locked", "one_empty"):
        (root / name).mkdir()
    (root / "locked" / "~$orders.xlsx").write_text("x")
    (root / "locked" / ".hidden.csv").write_text("x")
    (root / "one_empty" / "a.csv").write_text(ORDERS)
    (root / "one_empty" / "b.csv").touch()
    write_notebook(root, "02_trace", f"open({str(root / 'trace')!r}, 'w')")
    status, said = call(*arguments)
    assert status == 2
    assert words in said
    assert len(said) < 5000
    assert not (root / "trace").exists()


SOURCES = [
    ('""', "source='': give an order export or a sample"),
    ('"  "', "there is no file at"),
    ("[orders.csv]", "source: found a list, expected text"),
    ("5", 'source: found 5, expected text. Put it in quotes: "5"'),
    ("{a: b}", "source: found a mapping, expected text"),
    (".", "no file in"),
    ("loop", "leads nowhere, or to itself"),
    ("pipe.csv", "is a pipe or a device"),
    ("demo:cdnaw", "Did you mean 'cdnow'?"),
    ("sqlite:///gone.db", "there is no file at"),
    ("https://a.example/b.csv", "say `policies: {remote: true}`"),
    ("params/stub.yaml", "is a params file, and not an export"),
    ("exports/**/*.csv", "no file in"),
    ('"~nobody-of-this-name/a.csv"', "there is no home folder of that user"),
    ("orders.numbers", "there is no file at"),
]


@pytest.mark.parametrize(("source", "words"), SOURCES)
@pytest.mark.parametrize("command", ["check", "report"])
def test_sources_that_cannot_be(root, command, source, words):
    os.mkfifo(root / "pipe.csv")
    (root / "loop").symlink_to("loop")
    (root / "orders.csv").unlink()
    status, said = call(command, given(root, f"shop: stub\nsource: {source}\n"))
    assert status == 2 if command == "check" else status in (1, 2)
    assert words in said


FILES = [
    ("", "expected lines of `key: value`, found nothing"),
    ("- a\n- b\n", "found a sequence"),
    ("shop", "found a scalar"),
    (HEAD.encode("utf-16"), "save it as UTF-8"),
    (f"{HEAD}title: é\n".encode("latin-1"), "save it as UTF-8"),
    (f"{HEAD}title: 注文\n".encode("cp932"), "save it as UTF-8"),
    (f"{HEAD}top: 1\ntop: 2\n", "line 4: the key 'top' appears twice"),
    (f"{HEAD}\ttop: 1\n", "never by tabs"),
    (f"{HEAD}title: a\0b\n", "cannot be read as YAML"),
    (f'{HEAD}title: "a\\0b"\n', "holds a character of no text"),
    (f"{HEAD}top: {'9' * 300}\n", "line 3: 999"),
    (f"{HEAD}top: .nan\n", "top: found .nan, expected a whole number"),
    (f"{HEAD}top: 2024-01-05\n", "top: found 2024-01-05, expected a whole number"),
    (f"{HEAD}top: 1:30\n", "1:30 would be changed"),
    (f"{HEAD}top: no\n", "top: found no, expected a whole number"),
    (f"{HEAD}columns: &a {{x: *a}}\n", "a list or mapping in it contains itself"),
    (f"{HEAD}columns: {'{a: ' * 2000}", "too deep"),
    (f"{HEAD}policies: {{rates: gone.csv}}\n", "rates gone.csv: the file cannot be read"),
    (f"{HEAD}policies: {{join: gone.csv, join_on: id}}\n", "gone.csv"),
    (f"{HEAD}policies: {{memory_limit: lots}}\n", "write it as 60%, or as 4GB"),
    (f"{HEAD}policies: {{timezone: Asia/Tokio}}\n", "Did you mean 'Asia/Tokyo'?"),
    (f"<<: {{title: 5}}\n{HEAD}", "title: found 5, expected text"),
    (f"<<: {{titel: x}}\n{HEAD}", "Did you mean 'title'?"),
]


@pytest.mark.parametrize(("content", "words"), FILES)
def test_params_files_that_cannot_be(root, content, words):
    status, said = call("check", given(root, content))
    assert status == 2
    assert words in said
    assert "mine.yaml" in said or "gone.csv" in said


def test_all_problems_of_all_shops_are_listed_before_anything_is_read(root):
    """With the files that are not there; no shop of the command is read meanwhile."""
    wrong = "tpo: 7\ntop: many\nmonth: 1998-13\npolicies: {retruns: net, decimal: x, tax_rate: 5}\n"
    first = given(root, f"{HEAD}{wrong}columns: {{a b: c}}\ntitle: 00123\n")
    second = given(root, "shop: My Shop\n", "second")
    (root / "orders.csv").write_text("not read")
    for command in ("report", "check"):
        status, said = call(command, first, second, "params/stub.yaml")
        assert status == 2
        for words in (
            "line 3: 'tpo' is not a parameter of any notebook. Did you mean 'top'?",
            "line 4: top: found many, expected a whole number",
            "line 5: month: '1998-13' is not a month",
            "'retruns' is not a policy. Did you mean 'returns'?",
            "decimal='x' is not one of",
            "tax_rate=5: give a share",
            "columns: 'a b' must be letters",
            "line 8: 00123 would be changed",
            "shop: found 'My Shop'; it names a folder",
            "'source' is missing",
        ):
            assert words in said, command
        assert "second.yaml" in said
        assert "mine.yaml" in said


def test_files_that_are_missing_are_told_before_another_shop_is_read(root):
    policies = "{rates: rates.csv, join: items.csv, join_on: id}"
    first = write_params(root, "first", source="gone.csv", policies=policies)
    status, said = call("report", "params/stub.yaml", str(first))
    assert status == 1
    for words in ("gone.csv", "rates rates.csv: the file cannot be read", "items.csv"):
        assert words in said
    assert said.index("FAILED first last") < said.index("finished in")
    assert (root / "reports" / "stub" / "1998-05" / "index.html").exists()


def test_a_fault_of_the_kit_is_a_message_as_well(root, monkeypatch):
    monkeypatch.setattr(proposals, "inspect", lambda *_source: [][0])
    status, said = call("inspect", "orders.csv", "--shop", "new")
    assert status == 2
    assert said.startswith("Error: IndexError: ")


JAPANESE = ORDERS.replace("customer_id", "会員番号").replace("order_date", "受注日") + (
    "C001,Ω1,1998-05-28,5.50\nÀé한🙂,O2,1998-05-28,5.50\n"
)
COMMANDS = [
    ["--help"],
    ["report", "--help"],
    ["inspect", "注文.csv", "--shop", "new"],
    ["check", "params/stub.yaml", "params/missing-한.yaml"],
    ["report", "params/한.yaml"],
    ["hypothesis", "check", "params/stub.yaml", "한"],
]


@pytest.mark.parametrize("encoding", ["cp932", "latin-1", "ascii"])
def test_a_terminal_that_lacks_characters_shows_their_codes(root, encoding):
    """All commands in one process, as a start of Python takes a second."""
    (root / "注文.csv").write_text(JAPANESE, "utf-8")
    columns = "{customer_id: 会員番号, order_date: 受注日}"
    write_params(root, source="注文.csv", columns=columns, title="한국 🙂")
    code = (
        "import sys\nfrom ltvkit.__main__ import main\n"
        f"for command in {COMMANDS!r}:\n"
        "    sys.argv[1:] = command\n"
        "    try: main()\n"
        "    except SystemExit as end: print('status', end.code, flush=True)\n"
    )
    known = environment(root, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=known, cwd=root)
    written = "utf-8" if encoding == "ascii" else encoding  # click writes UTF-8 where all is ASCII
    said, wrong = done.stdout.decode(written), done.stderr.decode(written)
    assert "Traceback" not in wrong
    assert "UnicodeEncodeError" not in wrong
    assert [line for line in said.splitlines() if line.startswith("status")] == [
        f"status {n}" for n in (0, 0, 0, 2, 2, 2)
    ]
    assert "stub: orders to" in said
    assert ("한" if written == "utf-8" else "\\ud55c") in wrong
    draft = (root / "params" / "new.yaml").read_text("utf-8")
    assert "customer_id: 会員番号" in draft


def test_a_pipe_that_is_closed_early_is_no_traceback(root):
    for arguments in (["--help"], ["check", "params/stub.yaml"]):
        command = [sys.executable, "-m", "ltvkit", *arguments]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=root, env=environment(root)
        )
        process.stdout.close()
        said = process.stderr.read()
        process.wait()
        assert b"Traceback" not in said

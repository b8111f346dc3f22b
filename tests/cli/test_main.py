"""The command line: quick to start, one message per mistake, and a status that tells which."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
from click.testing import CliRunner
from stub_project import HOME, enter, write_notebook, write_params

from ltvkit import __main__
from ltvkit.cli.main import ENGINES, main
from ltvkit.engines import frames

MAIN = "from ltvkit.__main__ import main; main()"
HEAVY = {"pandas", "duckdb", "papermill", "nbconvert", "nbformat", "matplotlib", "jinja2", "yaml"}


@pytest.fixture
def root(tmp_path, monkeypatch):
    return enter(tmp_path, monkeypatch)


def call(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, arguments)
    assert "Traceback" not in result.output
    return result.exit_code, result.output


def imported_by(*arguments: str) -> set[str]:
    code = (
        "import atexit, sys; atexit.register(lambda: print(*sys.modules)); import ltvkit.cli.main"
    )
    code += "; ltvkit.cli.main.main()" if arguments else ""
    command = [sys.executable, "-c", code, *arguments]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_help_is_for_newcomers():
    status, text = call("report", "--help")
    assert status == 0
    for word in ("params/cdnow.yaml", "1998-06", "rfm,abc", "--jobs", "--timeout", "--out"):
        assert word in text


@pytest.mark.parametrize("arguments", [(), ("--help",), ("report", "--help")])
def test_help_and_import_load_nothing_heavy(arguments):
    assert not imported_by(*arguments) & HEAVY


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Missing argument"),
        (("params/stub.yaml", "--month", "June"), "'June' is not a month"),
        (("params/stub.yaml", "--from", "1998-13"), "'1998-13' is not a month"),
        (("params/stub.yaml", "--to", "1998-06"), "--to needs --from"),
        (("params/stub.yaml", "--month", "last", "--from", "1998-01"), "either --month"),
        (("params/stub.yaml", "--jobs", "0"), "0 is not in the range"),
        (("params/stub.yaml", "--timeout", "0"), "0 is not in the range"),
        (("params/stab.yaml",), "Did you mean 'params/stub.yaml'?"),
        (("params/stub.yaml", "--only", "rmf"), "Did you mean 'rfm'?"),
        (("params/stub.yaml", "--only", "rmf", "--only", "overview"), "Did you mean 'rfm'?"),
        (("params/stub.yaml", "--month", "2031-01"), "2031-01"),
        (("params/stub.yaml", "--from", "1998-05", "--to", "1998-02"), "is later than --to"),
        (("params/stub.yaml", "params/twin.yaml"), "both say `shop: stub`"),
    ],
)
def test_wrong_input_is_one_message_and_status_2(root, arguments, words):
    write_params(root).rename(root / "params" / "twin.yaml")
    write_params(root)
    # No kernel may start: this notebook would leave a trace.
    write_notebook(root, "02_trace", f"open({str(root / 'trace')!r}, 'w')")
    status, text = call("report", *arguments)
    assert status == 2
    assert words in text
    assert not (root / "trace").exists()
    assert not list((root / "reports").glob("*/.failed"))


def test_outside_a_project(tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    status, text = call("report", "params/stub.yaml")
    assert status == 2
    assert "holds no notebooks" in text


def test_a_params_file_is_found_from_a_folder_of_the_project(root, monkeypatch):
    monkeypatch.delenv("LTVKIT_ROOT")
    monkeypatch.chdir(root / "notebooks")
    assert call("check", "params/stub.yaml") == call("check", str(root / "params" / "stub.yaml"))


def without(*options: str) -> tuple[int, str]:
    """The command line where packages are missing: all of them with -S, or those that it names."""
    command = [sys.executable, *options, "report", "params/shop.yaml"]
    done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, env={})
    assert not done.stdout
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("package", "options"),
    [
        ("click", ["-S", "-m", "ltvkit"]),
        ("pandas", ["-c", f"import sys; sys.modules['pandas'] = None; {MAIN}"]),
    ],
)
def test_a_forgotten_environment_is_one_kind_line(package, options):
    status, text = without(*options)
    assert status == 1
    assert text.startswith(f"Error: ltvkit needs the package '{package}', which this Python lacks")
    assert ". .venv/bin/activate" in text
    assert text.count("\n") == 1


def test_a_python_that_is_too_old_is_told(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10))
    with pytest.raises(SystemExit, match=r"needs Python 3.11 or newer, and this is 3.10 \(.*venv"):
        __main__.main()
    for name in ("__init__", "__main__", "core/__init__", "core/lazy", "core/version"):
        text = (HOME / "ltvkit" / f"{name}.py").read_text("utf-8")
        ast.parse(text, feature_version=(3, 7))
        assert "from __future__ import annotations" not in text, "Python 3.6 refuses it"


def test_the_engines_that_may_be_asked_for_are_those_there_are():
    assert ENGINES == frames.NAMES

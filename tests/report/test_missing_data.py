"""Where there is too little data: what needs it is left out, what does not is shown."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell
from stub_project import make, report, write_notebook
from traitlets.config import Config

from ltvkit.errors import NothingYet, TooLittleData
from ltvkit.report import missing_data, results


def too_few(*_any, **_options):
    raise TooLittleData("2 customers, and it needs 100.")


def nothing():
    raise NothingYet("begin.")


WHY = "Too little data for this: 2 customers, and it needs 100."
AGAIN = "Not shown, for the same reason."


@pytest.fixture
def shell():
    shell = InteractiveShell(config=Config(HistoryManager={"enabled": False}))
    missing_data.load_ipython_extension(shell)
    shell.push({"too_few": too_few, "nothing": nothing, "results": results})
    return shell


def said(shell, capsys, *cells: str) -> list[str]:
    for cell in cells:
        ran = shell.run_cell(cell, store_history=True)
        assert ran.success, ran.error_in_exec
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    "cells",
    [
        ("too_few()",),
        ("x = too_few()", "x"),
        ("x = too_few()", "len(x.table['skill'][:3])"),
        ("x = too_few()", "print(f'known up to {x.split}')"),
        ("x = too_few()", "print(*x)"),
        ("x = too_few()", "y = max(x, 1)\ny.plot();"),
        ("x = too_few()", "y = {'a': 1, 'x': x}\ndict(**y)\nint(y['x'])"),
        ("x = [too_few(n) for n in range(2)]", "print(*x)"),
    ],
)
def test_what_needs_it_says_why_once(cells, shell, capsys):
    assert [line for line in said(shell, capsys, *cells) if "Out" not in line] == [WHY]


def test_a_later_cell_is_short_unless_another_reason_stands_between(shell, capsys):
    shell.push({"other": lambda: missing_data.Absent("no orders.")})
    lines = said(shell, capsys, "x = too_few()\nx", "x.table", "other()", "x.table")
    assert lines == [WHY, AGAIN, "Too little data for this: no orders.", WHY]


def test_what_does_not_need_it_is_as_ever(shell, capsys):
    cells = (
        "x, y = too_few(), sorted([3, 1])",
        "print(y)",
        "y",
        "model = x.best or 'bg_nbd'\nmodel",
    )
    assert said(shell, capsys, *cells) == ["[1, 3]", "Out[3]: [1, 3]", "Out[4]: 'bg_nbd'"]


def test_other_errors_and_nothing_yet_end_the_page_as_ever(shell):
    for cell, kind in (("nothing()", NothingYet), ("int('x')", ValueError), ("nowhere", NameError)):
        assert isinstance(shell.run_cell(cell).error_in_exec, kind)


def test_what_is_there_is_saved_and_why_the_rest_is_not(shell, capsys, tmp_path):
    shell.push({"out": str(tmp_path)})
    said(
        shell,
        capsys,
        "import pandas as pd\nx = too_few()\nfound = {'a': pd.DataFrame({'n': [1]}), 'b': x.table}",
        "findings = ['All is well.', len(x), too_few()]",
        "results.save(out, page='p', tables=found, findings=findings, metrics=x.metrics)",
    )
    kept = results.load(tmp_path)
    assert list(kept.tables) == ["a"]
    assert kept.findings == ["All is well.", WHY]
    assert kept.metrics == {}


def test_a_page_of_a_report_stands_around_what_is_missing(tmp_path):
    root = make(tmp_path)
    cells = [
        "from ltvkit.errors import TooLittleData",
        "def few():\n    raise TooLittleData('2 <b>.')",
    ]
    cells += ["x = few()\nprint(x.table)", "print('shown after all')"]
    write_notebook(root, "01_rfm", *cells)
    done = report(root)
    assert done.returncode == 0, done.stderr
    page = (root / "reports/stub/1998-06/01_rfm.html").read_text("utf-8")
    assert "Too little data for this: 2 &lt;b&gt;." in page
    assert "shown after all" in page

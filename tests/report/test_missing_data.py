"""Steps that lack data: a note says why, what needs them is left out, the rest stands."""

from __future__ import annotations

import contextlib
import io
import json

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell
from stub_pages import NOTEBOOKS
from stub_project import make, report, write_notebook

from ltvkit import errors
from ltvkit.report import results
from ltvkit.report.pages import front_page
from ltvkit.report.runner.missing_data import MissingData

AGAIN = "Not shown, for the same reason."


def undefined(name: str) -> tuple[str, str]:
    return "NameError", f"name '{name}' is not defined"


def test_what_needs_a_missing_step_is_missing_too():
    missing = MissingData()
    few = "TooLittleData", "2 customers, and it needs 100."
    why = "Not enough data: 2 customers, and it needs 100."
    assert missing.explain("%time\nx, (y, *z) = test(lines)", *few) == why
    assert missing.explain("worth = 2 * z", *undefined("z")) == AGAIN
    no_column = "no column 'c', which this step needs. There is a, b. Map it under `columns:`."
    column = missing.explain("c = f(lines)", "ColumnError", no_column)
    assert column == "Not shown: no column 'c', which this step needs."
    assert missing.explain("show(worth)", *undefined("worth")) == why  # another stands between
    assert missing.explain("show(c)", *undefined("c")) == column
    assert missing.reasons == [why, column]
    assert not missing.ended


def test_what_no_more_orders_would_tell_is_no_want_of_data():
    for kind in ("Undefined", "NothingKept", "NotRegular"):
        assert MissingData().explain("f()", kind, "all came back.") == "Not shown: all came back."
    assert MissingData().explain("f()", "Alike", "few.") == "Not enough data: few."


@pytest.mark.parametrize(
    "error", [undefined("nowhere"), ("ValueError", "x"), ("DataError", "x"), ("ParamsError", "x")]
)
def test_other_errors_are_no_want_of_data(error):
    missing = MissingData()
    missing.explain("x = 1", "TooLittleData", "none.")
    assert missing.explain("y = nowhere + x", *error) is None
    assert len(missing.reasons) == 1


def test_every_error_of_too_little_data_is_recognised_by_its_name():
    import ltvkit.forecast.models  # noqa: F401  (a kind defined there would not be recognised)

    def kinds(kind):
        return {kind}.union(*map(kinds, kind.__subclasses__()))

    for kind in kinds(errors.TooLittleData):
        assert getattr(errors, kind.__name__) is kind
        assert MissingData().explain("f()", kind.__name__, "why.")


def test_reasons_are_added_to_what_a_page_saved(tmp_path, capsys):
    results.save(str(tmp_path), page="p", tables={}, findings=["All is well."])
    results.add_findings(str(tmp_path), ["why.", "All is well."], page="p")
    assert results.load(tmp_path).findings == ["All is well.", "why."]
    results.add_findings(str(tmp_path / "q"), ["why."], page="q")
    assert results.load(tmp_path / "q").page == "q"
    assert capsys.readouterr().out == "finished: p\nfinished: q\n"


ERRORS = "from ltvkit.errors import NothingYet, TooLittleData\n"
LESSON = new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]})


def test_pages_stand_around_what_is_missing(tmp_path):
    """A report runs the cells as written; an error that a lesson asks for is not taken for one."""
    root = make(tmp_path)
    few = f"{ERRORS}print('shown so far')\nx = 1\nraise TooLittleData('2 <b>, and it needs 100.')"
    write_notebook(root, "02_small", few, "print(x, 'is known')", tables={"kept": "a\n1\n"})
    made = f"{ERRORS}def few():\n    raise TooLittleData('few.')\ntable = few()"
    write_notebook(root, "03_none", LESSON, made, "print(table)", "print('after', 'all')")
    begin = f"{ERRORS}raise NothingYet('Begin by <this>.')"
    write_notebook(root, "04_empty", LESSON, begin, "never = 2")
    done = report(root)
    assert done.returncode == 0, done.stderr
    target = root / "reports/stub/1998-06"
    index, small, none, empty = (
        (target / f"{page}.html").read_text("utf-8")
        for page in ("index", "02_small", "03_none", "04_empty")
    )
    why = "Not enough data: 2 &lt;b&gt;, and it needs 100."
    for text in ("shown so far", why, "1 is known"):
        assert text in small
    assert "Traceback" not in small
    assert why in index
    assert "Not enough data: few." in none
    assert AGAIN in none
    assert "after all" in none
    assert "ZeroDivisionError" in none
    assert "Begin by &lt;this&gt;." in empty
    assert "Not enough data" not in empty
    assert "never = 2" not in empty
    assert "ZeroDivisionError" in empty
    assert (target / "tables/kept.csv").exists()
    assert json.loads((target / "manifest.json").read_text("utf-8"))["status"] == "complete"
    run = next((root / "reports/.cache/runs/stub/1998-06").glob("02_small-*/notebook.ipynb"))
    cells = [c for c in json.loads(run.read_text("utf-8"))["cells"] if c["cell_type"] == "code"]
    assert "".join(cells[2]["source"]) == few  # as written


def test_a_fault_beside_a_lesson_and_a_missing_step_is_named(tmp_path):
    root = make(tmp_path)
    few = f"{ERRORS}x = 0\nraise TooLittleData('few.')"
    write_notebook(root, "02_small", LESSON, few, "print(y)")
    done = report(root, "params/stub.yaml", "--month", "1998-06", "--only", "small")
    assert done.returncode == 1
    failed = "02_small, cell 5 `print(y)`: a cell raised an error: NameError: name 'y' is not"
    assert failed in done.stderr


def test_the_front_page_says_each_finding_once():
    pages = [
        results.Result(page, findings, {}, {}, [])
        for page, findings in (("a", ["why.", "One."]), ("b", ["Two.", "why."]), ("c", ["why."]))
    ]
    assert front_page.list_findings(pages) == [["why.", "One."], ["Two."], []]


@pytest.mark.parametrize("notebook", ["04_cohort_ltv", "05_ltv_forecast"])
def test_a_notebook_that_finds_nothing_says_so(notebook):
    """All steps that would find something may lack data, as in a shop of one day."""
    cells = json.loads((NOTEBOOKS / f"{notebook}.ipynb").read_text("utf-8"))["cells"]
    [cell] = [c for c in cells if "finding" in c["metadata"].get("tags", [])]
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec("".join(cell["source"]), {"findings": [], "results": results})
    assert "each step says why" in said.getvalue()


def test_cells_about_the_sample_are_left_out_of_other_shops(tmp_path):
    root = make(tmp_path)
    tagged = {"metadata": {"tags": ["sample"]}}
    about = new_markdown_cell("Of the sample shop.", **tagged)
    learned = new_code_cell("raise SystemExit", metadata={"tags": ["exercise"]})  # of nobody's page
    write_notebook(
        root, "01_rfm", about, new_code_cell("print('of the sample')", **tagged), learned, "1"
    )
    assert report(root).returncode == 0
    pages = root / "reports" / "stub" / "1998-06"
    assert "of the sample" in (pages / "01_rfm.html").read_text("utf-8")  # by the default source
    (root / "others.csv").write_bytes((root / "orders.csv").read_bytes())
    params = root / "params" / "stub.yaml"
    given = params.read_text("utf-8")
    params.write_text(given.replace("source: orders.csv", "source: others.csv"), "utf-8")
    assert "others.csv" in params.read_text("utf-8")
    assert report(root).returncode == 0
    page = (pages / "01_rfm.html").read_text("utf-8")
    assert "of the sample" not in page.casefold()
    assert "What does 01_rfm say?" in page

"""Each file in tests/inputs through the real command, against what was worked out by hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from stub_project import HOME

from ltvkit import orders
from ltvkit.cli.main import main
from ltvkit.core import redaction
from ltvkit.ingest.cache import CachedOrders

pytestmark = pytest.mark.usefixtures("one_thread")

INPUTS = Path(__file__).parents[1] / "inputs"
CASES = yaml.safe_load((INPUTS / "cases.yaml").read_text("utf-8"))["cases"]


def name(case: dict) -> str:
    said = {k: v for k, v in case.get("policies", {}).items() if k != "max_quarantined"}
    return "-".join([case["file"], *(f"{k}={v}" for k, v in said.items())])


def params(case: dict) -> dict:
    policies = {"max_quarantined": 1} | case.get("policies", {})
    if "rates" in policies:
        policies["rates"] = str(INPUTS / policies["rates"])
    source = str(INPUTS / case["file"])
    return {"source": source, "columns": case.get("columns", {}), "policies": policies}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """One with a single notebook, whose parameters are read in a moment."""
    root = tmp_path_factory.mktemp("project")
    (root / "notebooks").mkdir()
    shutil.copy(HOME / "notebooks" / "03_abc.ipynb", root / "notebooks" / "00_abc.ipynb")
    return root


@pytest.mark.parametrize("case", CASES, ids=map(name, CASES))
def test_a_file_gives_what_was_worked_out_by_hand(case, project, tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_ROOT", str(project))
    given = params(case)
    file = tmp_path / "params.yaml"
    file.write_text(yaml.safe_dump({"shop": "corpus"} | given, allow_unicode=True), "utf-8")
    ran = CliRunner().invoke(main, ["check", str(file)])
    assert ran.exception is None or isinstance(ran.exception, SystemExit)
    if "error" in case:
        shown = {redaction.shorten_paths(str(INPUTS)): "tests/inputs"}
        shown[redaction.shorten_paths(str(file))] = "params.yaml"
        said = ran.stderr
        for path, short in shown.items():
            said = said.replace(path, short)
        assert (ran.exit_code, said) == (2, f"Error: {case['error']}\n")
        return
    assert ran.exit_code == (1 if "stops" in case else 0), ran.output
    assert case.get("stops", "") in " ".join(ran.output.split())
    book = orders.read(**given)
    assert outcome(book, case) == expected(case)


def outcome(book: CachedOrders, case: dict) -> dict:
    """What a book holds, in the words of cases.yaml."""
    lines, quarantine = book.lines.df(), book.quarantine.df()
    found = {
        "kept": len(lines),
        "amount": round(lines["amount"].sum(), 6),
        "returns": len(book.returns.df()),
        "quarantined": {r: sorted(q["line"]) for r, q in quarantine.groupby("reason")},
    }
    assert book.facts["lines_read"] == found["kept"] + found["returns"] + len(quarantine)
    if "text" in case:
        found["text"] = dict(quarantine.loc[quarantine["text"].notna(), ["line", "text"]].values)
    if "values" in case:
        columns = {c: lines[c].astype("object") for c in case["values"]}
        texts = {c: column.where(lines[c].notna(), None) for c, column in columns.items()}
        found["values"] = {c: sorted(map(_text, column)) for c, column in texts.items()}
    for several in {"customers", "orders"} & case.keys():
        found[several] = lines[
            {"customers": "customer_id", "orders": "order_id"}[several]
        ].nunique()
    if "facts" in case:
        found["facts"] = {fact: book.facts.get(fact) for fact in case["facts"]}
    return found


def expected(case: dict) -> dict:
    told = {"returns": 0, "quarantined": {}} | case
    if "values" in case:
        told["values"] = {c: sorted(map(_text, v)) for c, v in case["values"].items()}
    return {k: v for k, v in told.items() if k not in ("file", "columns", "policies", "stops")}


def _text(value: object) -> str:
    return str(value).removesuffix(" 00:00:00")


def test_every_file_has_a_case_and_there_are_enough():
    files = {p.name for p in INPUTS.iterdir()} - {"cases.yaml", "exports", "field", "records"}
    assert files - {case["file"].split("/")[0] for case in CASES} == set()
    assert len(files) >= 80


def test_no_case_stands_twice():
    said = [str([case.get(key) for key in ("file", "columns", "policies")]) for case in CASES]
    assert len(set(said)) == len(said)

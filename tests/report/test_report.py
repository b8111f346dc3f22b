"""A report from the outside: its folder, its pages, and what is done again and what is not."""

from __future__ import annotations

import json
import os
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import openpyxl
import pandas as pd
import pytest
import stub_register
from nbformat.v4 import new_code_cell, new_markdown_cell
from stub_project import (
    PARAMETERS,
    environment,
    files,
    make,
    report,
    write_notebook,
    write_params,
)

from ltvkit.config.notebooks import Notebook, select_notebooks
from ltvkit.core.run_state import RUN
from ltvkit.report.build import build
from ltvkit.report.pages import front_page, notebook_page, templates, workbook
from ltvkit.report.publishing import publish
from ltvkit.report.results import Result
from ltvkit.report.runner.outcome import check_run
from ltvkit.report.session import Months

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
    "rkJggg=="
)
PROSE = r"""
## The idea

$$\text{LTV} = \sum_{t \le 9} \frac{m_t}{(1+d)^t} \quad a < b$$ and inline $x_i$, see
[the overview](00_overview.ipynb), [a book](https://example.org/book) and ![a map](http://a.b/c.png).
<script>alert(1)</script><img src="http://a.b/d.png" onerror="alert(1)">
"""
NASTY = """
from IPython.display import HTML, SVG, Image, display
import base64, sys, warnings
display(HTML("<style>@import url(http://a.b/s.css);</style><table><tr><td onclick='x()' "
             "style='color: red; background-image: url(http://a.b/i.png)'>A &amp; B</td></tr>"
             "</table><script src='http://a.b/x.js'></script><iframe src='http://a.b'></iframe>"
             "<a href='javascript:x()'>click</a><form action='http://a.b'></form>"))
display(SVG("<svg xmlns='http://www.w3.org/2000/svg'><script>x()</script></svg>"))
display(Image(base64.b64decode("{pixel}"), metadata={"alt": "From 1 to 2 < 3."}))
print("<b>plain</b>", out)
print(sys._getframe().f_code.co_filename, "is the file")
warnings.warn("look at this")
print("1: LtvkitWarning: no warning at all", 30 * "#", file=sys.stderr)
from ltvkit.errors import LtvkitWarning
for _time in range(2):
    warnings.warn("the frame has no ids, says a@example.org", LtvkitWarning)
    warnings.warn("C00017 is no number", RuntimeWarning)
""".replace("{pixel}", PIXEL)


def rich(root: Path) -> Path:
    """The stub project with a notebook that shows all that a page must cope with."""
    make(root)
    exercise = {"metadata": {"tags": ["exercise"]}}
    write_notebook(
        root,
        "02_abc",
        new_markdown_cell(PROSE),
        new_code_cell(NASTY, metadata={"tags": ["front-page-change"]}),
        new_markdown_cell("Find it out yourself.", **exercise),
        new_code_cell("answer = 42", **exercise),
        tables={"abc_products": 'class,items,revenue\nA,1,10.5\n"=cmd()",2,\n'},
        findings=("<script>alert(2)</script> [x](http://a.b) grew",),
    )
    write_params(root, title="'Tea <b>&</b> \"茶\"'")
    return root


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A project with a published report, in a folder whose name is awkward."""
    root = rich(tmp_path_factory.mktemp("it's a {shop} 茶"))
    done = report(root)
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture(scope="module")
def folder(root):
    return root / "reports" / "stub" / "1998-06"


@pytest.fixture
def manifest(folder):
    return json.loads((folder / "manifest.json").read_text("utf-8"))


def text_of(folder: Path, name: str) -> str:
    return (folder / name).read_text("utf-8")


class References(HTMLParser):
    """Every address that a page names, and every element in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found, self.elements = [], set()
        self.feed(text)
        for style in re.findall(r"(?s)<style>.*?</style>|style=\"[^\"]*", text):
            self.found += re.findall(r"url\(\s*['\"]?([^'\")]*)", style)
            self.found += re.findall(r"@import\s+(\S+)", style)

    def handle_starttag(self, tag, attributes):
        self.elements.add(tag)
        for name, value in attributes:
            assert not name.startswith("on"), (tag, name)
            if name in ("href", "src", "srcset", "action", "data", "poster", "background"):
                self.found.append(value)


def test_the_front_page_shows_the_charts_that_are_marked_for_it(folder):
    text = text_of(folder, "index.html")
    [chart] = re.findall(r'<figure class="scroll card".*?</figure>', text, re.S)
    assert '<a href="02_abc.html"><img src="data:image/png;base64,' in chart
    assert PIXEL in chart
    assert 'alt="From 1 to 2 &lt; 3."' in chart


def test_a_page_leads_to_the_months_beside_it_by_way_of_all_reports(folder):
    for name in ("index.html", "01_rfm.html"):
        found = re.findall(r'<a class="turn" href="([^"]+)"', text_of(folder, name))
        assert found == ["../../index.html#stub-1998-05", "../../index.html#stub-1998-07"]
    assert '<tr id="stub-1998-06">' in text_of(folder.parents[1], "index.html")


def test_all_reports_are_listed_with_the_revenue_of_their_month(folder, manifest):
    text = text_of(folder.parents[1], "index.html")
    shown = f"{manifest['months']['1998-06'][1]:,.2f}"
    assert f'<td class="ltv-number">{shown} USD<svg class="spark"' in text


def test_the_folder_holds_what_was_promised(folder):
    names = set(files(folder))
    assert names == {
        "index.html", "glossary.html", "summary.md", "summary.html", "metrics.json",
        "manifest.json", "tables.xlsx", "report.xlsx",
        "tables/kpis_month.csv", "tables/rfm_segments.csv", "tables/abc_products.csv",
        *(f"{page}.{kind}" for page in ("00_overview", "01_rfm", "02_abc")
          for kind in ("html", "ipynb")),
    }  # fmt: skip
    assert (folder / "tables" / "abc_products.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_pages_refer_to_nothing_outside(root):
    pages = list((root / "reports").glob("index.html")) + list(
        (root / "reports").glob("*/*/*.html")
    )
    assert len(pages) == 7
    for path in pages:
        seen = References(path.read_text("utf-8"))
        assert not seen.elements & {"script", "iframe", "link", "object", "embed", "form", "base"}
        for address in seen.found:
            if not address.startswith(("data:image/", "#")):
                assert "://" not in address
                target = path.parent / unquote(address.partition("#")[0])
                assert target.resolve().is_relative_to(root / "reports")
                assert target.is_file(), address


def test_what_comes_from_data_is_escaped(folder):
    front = text_of(folder, "index.html")
    assert "Tea &lt;b&gt;&amp;&lt;/b&gt; &#34;茶&#34;" in front
    assert "&lt;script&gt;alert(2)&lt;/script&gt;" in front
    assert "Up &lt;b&gt;5%&lt;/b&gt; &amp; *" in front
    summary = text_of(folder, "summary.md")
    assert r"# Tea \<b\>&\</b\>" in summary
    assert r"\<script\>alert(2)\</script\> \[x\](http: //a. b) grew" in summary


def test_pages_show_no_standard_error_but_the_warnings_of_the_kit(folder):
    cells = json.loads(text_of(folder, "02_abc.ipynb"))["cells"]
    outputs = json.dumps([cell.get("outputs") for cell in cells])
    page = re.sub(r"<details.*?</details>", "", text_of(folder, "02_abc.html"), flags=re.S)
    for shown in (outputs, page):
        assert not re.search("stderr|Warning|look at|C00017|####|no warning at all", shown)
        assert shown.count("Note: the frame has no ids, says ***") == 1
        assert "cell is the file" in shown  # not the temporary file of this machine


def test_the_figures_of_the_month(folder):
    front = text_of(folder, "index.html")
    assert ">1,234 USD<" in front
    assert "▲ +5.2%</b> vs May 1998" in front
    assert "\N{MINUS SIGN}1.2 pp</b> vs May 1998" in front
    assert "vs June 1997: unavailable" in front
    assert "This month is partial" in front
    assert "**Repeat rate**: 25.0%" in text_of(folder, "summary.md")


def test_a_page_reads_like_the_notebook_without_its_code(folder):
    text = text_of(folder, "02_abc.html")
    assert text.count("<h1>") == 1
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">' in text
    assert "$" not in re.sub(r"<pre>.*?</pre>", "", text, flags=re.S)
    assert '<a href="00_overview.html">the overview</a>' in text
    assert 'a book <span class="address">https://example.org/book</span>' in text
    assert "Find it out yourself" not in text
    assert "answer" not in text
    assert "Find it out yourself" in text_of(folder, "02_abc.ipynb")
    assert text.count('<details class="code"><summary>') == 4
    assert "<summary>Parameters of this report</summary>" in text
    assert "<details open" not in text
    assert f'<img src="data:image/png;base64,{PIXEL}' in text
    assert '<img src="data:image/svg+xml;base64,' in text
    assert "&lt;b&gt;plain&lt;/b&gt;" in text
    assert "茶" in text[text.index("Parameters of this report") :]
    assert '<td style="color:red">A &amp; B</td>' in text
    assert 'aria-current="page">ABC</a>' in text


def test_nothing_but_the_manifest_knows_when_and_where(root, folder):
    for name, content in files(folder).items():
        if name not in ("manifest.json", "report.xlsx", "tables.xlsx"):
            assert root.name not in content.decode("utf-8"), name
            assert "ipykernel_" not in content.decode("utf-8"), name


def test_the_workbook_has_numbers_as_numbers_and_no_formulas(folder):
    book = openpyxl.load_workbook(folder / "tables.xlsx")
    assert book.sheetnames == ["kpis_month", "rfm_segments", "abc_products"]
    rows = [[(c.value, c.data_type) for c in row] for row in book["abc_products"].iter_rows()]
    assert rows[1:] == [
        [("A", "s"), (1, "n"), (10.5, "n")],
        [("=cmd()", "s"), (2, "n"), (None, "n")],
    ]


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "#N/A", "a\x01b", ""])
def test_text_in_a_workbook_stays_text(value, tmp_path):
    workbook.write({"t": pd.DataFrame({"=h": [value, None]})}, tmp_path / "t.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "t.xlsx")["t"]
    assert sheet["A1"].data_type == "s"
    assert sheet["A2"].data_type in ("s", "inlineStr")
    assert (sheet["A2"].value or "") == value.replace("\x01", "").replace("\r", "\n")


def test_the_manifest_says_what_the_report_is_made_of(manifest, folder):
    assert manifest["status"] == "complete"
    assert (manifest["shop"], manifest["month"]) == ("stub", "1998-06")
    assert manifest["inputs"][0]["source"] == "orders.csv"
    assert len(manifest["inputs"][0]["sha256"]) == 64
    assert manifest["orders"]["lines_read"] == 60
    assert manifest["parameters"]["top"] == 5
    assert manifest["parameters"]["month"] == "1998-06"
    assert [n["page"] for n in manifest["notebooks"]] == ["00_overview", "01_rfm", "02_abc"]
    assert manifest["packages"]["pandas"] == pd.__version__
    assert manifest["git_commit"] is None
    assert set(manifest["files"]) == set(files(folder)) - {"manifest.json"}
    assert json.loads(text_of(folder, "metrics.json"))["metrics"]["01_rfm"] == {"top": 5.0}


def test_a_report_is_a_pure_function_of_its_inputs(root, folder, tmp_path):
    """Built again from nothing, elsewhere: the same bytes, but for the manifest."""
    done = report(
        root, "params/stub.yaml", "--month", "1998-06", "--out", str(tmp_path), "--jobs", "1"
    )
    assert "finished in" in done.stderr
    again, before = files(tmp_path / "stub" / "1998-06"), files(folder)
    assert again.keys() == before.keys()
    assert [n for n in again if again[n] != before[n]] == ["manifest.json"]


def test_what_is_done_is_not_done_again(root, folder):
    """Reports stand; what is lost or touched is made again from the finished runs."""
    before = files(folder)
    del before["manifest.json"]
    done = report(root)
    assert "Nothing changed: reports/stub/1998-06/index.html" in done.stdout
    notebooks = json.loads(text_of(folder, "manifest.json"))["notebooks"]
    assert all(n["reused"] for n in notebooks)
    (folder / "index.html").write_text("scribbled over")
    (folder / "02_abc.html").unlink()
    done = report(root)
    assert done.stderr.count("reused") == 3
    now = files(folder)
    del now["manifest.json"]
    assert now == before


def test_only_what_changed_runs(root, folder):
    """A parameter, a notebook: each touches the runs that depend on it."""
    text = text_of(root / "notebooks", "01_rfm.ipynb")
    try:
        (root / "notebooks" / "01_rfm.ipynb").write_text(text.replace("All is well", "Better"))
        done = report(root, "params/stub.yaml", "--month", "1998-06", "--only", "rfm")
        assert "01_rfm: finished" in done.stderr
        assert done.stderr.count("reused") == 2
        assert "Better." in text_of(folder, "index.html")
        assert "Left out" not in text_of(folder, "index.html")
    finally:
        (root / "notebooks" / "01_rfm.ipynb").write_text(text)
    runs = root / "reports" / ".cache" / "runs" / "stub" / "1998-06"
    assert len(list(runs.iterdir())) == 3


def test_months_and_shops_in_one_command(root, tmp_path):
    """Two shops, a range of months, one page of each: what is left out is said."""
    write_params(root, shop="twin")
    out = tmp_path / "out"
    done = report(
        root, "params/stub.yaml", "params/twin.yaml", "--from", "1998-05", "--to", "1998-06",
        "--only", "rfm", "--out", str(out),
    )  # fmt: skip
    (root / "params" / "twin.yaml").unlink()
    assert done.returncode == 0, done.stderr
    said = [
        "stub: reading the orders",
        "stub: 60 lines read, 1998-01-22 to 1998-06-26",
        "twin: reading the orders",
        "4 notebooks to run, ",
        " 01_rfm: finished in ",
    ]
    places = [done.stderr.index(text) for text in said]
    assert places == sorted(places), done.stderr
    assert sorted(str(p.parent.relative_to(out)) for p in out.glob("*/*/index.html")) == [
        "stub/1998-05", "stub/1998-06", "twin/1998-05", "twin/1998-06",
    ]  # fmt: skip
    front = text_of(out / "twin" / "1998-05", "index.html")
    assert "Not in this report: OVERVIEW, ABC." in front
    assert "No key figures" in front
    archive = text_of(out, "index.html")
    assert "Stub twin <small>(twin)</small>" in archive
    assert archive.index("1998-06") < archive.index("1998-05") < archive.index("Stub twin")


def test_only_takes_no_page_away_from_a_published_report(tmp_path):
    """It builds a preview beside it: shown, kept up, and gone with the next report."""
    root = make(tmp_path)
    june = ("params/stub.yaml", "--month", "1998-06")
    assert report(root, *june).returncode == 0
    home = root / "reports" / "stub"
    good = files(home / "1998-06")
    write_params(root, title="Renamed")
    seen = home / ".preview" / "1998-06"
    done = report(root, *june, "--only", "rfm")
    assert done.returncode == 0, done.stderr
    assert "Preview: reports/stub/.preview/1998-06/index.html" in done.stdout
    assert "stays as it is, as it also has OVERVIEW. This is a preview" in done.stderr
    assert files(home / "1998-06") == good
    assert json.loads(text_of(seen, "manifest.json"))["status"] == "preview"
    for page in ("index.html", "01_rfm.html"):
        assert 'href="../../../index.html"' in text_of(seen, page)
    assert 'href="../../1998-06/index.html"' in text_of(seen, "index.html")
    assert "This month is partial" in text_of(seen, "index.html")  # also without the key figures
    assert "The month is partial. This is a preview" in text_of(seen, "summary.md")
    listed = text_of(root / "reports", "index.html")
    link = 'href="stub/.preview/1998-06/index.html">open preview</a>'
    assert f"{link} (the month is not over; without OVERVIEW)" in listed
    assert "Stub stub" in listed
    assert "FAILED" not in listed

    done = report(root, *june, "--only", "rfm")  # nothing is done again
    assert "Nothing changed: reports/stub/.preview/1998-06/index.html" in done.stdout
    text = text_of(root / "notebooks", "01_rfm.ipynb")
    write_notebook(root, "01_rfm", "1 / 0")
    done = report(root, *june, "--only", "rfm")  # its failure is not the report's
    assert done.returncode == 1
    assert not (home / ".failed").exists()
    assert (home / ".preview" / ".failed" / "1998-06" / "01_rfm.ipynb").exists()
    assert "FAILED" in text_of(root / "reports", "index.html")
    assert files(home / "1998-06") == good

    (root / "notebooks" / "01_rfm.ipynb").write_text(text, "utf-8")
    done = report(root, *june, "--only", "rfm", "--replace")
    assert done.returncode == 0
    assert "Removed, as they were built from different orders or settings: OVERVIEW." in done.stderr
    assert not (home / "1998-06" / "00_overview.html").exists()
    assert not seen.exists()
    listed = text_of(root / "reports", "index.html")
    assert "partial</strong><br>" in listed
    assert ">the month is not over; without OVERVIEW<" in listed
    assert "FAILED" not in listed
    done = report(root, *june, "--only", "rfm")  # it has no page that this one would take away
    assert "Nothing changed: reports/stub/1998-06/index.html" in done.stdout


def test_a_report_stands_by_itself_month_by_month(root, tmp_path):
    """Without the cache, beside a month that is made, and after orders that could not be read."""
    span = ("params/stub.yaml", "--out", str(tmp_path), "--from", "1998-05", "--to")
    assert report(root, *span, "1998-05").returncode == 0
    shutil.rmtree(tmp_path / ".cache")
    orders = root / "orders.csv"
    orders.rename(root / "away")
    assert report(root, "params/stub.yaml", "--out", str(tmp_path)).returncode == 1
    assert (tmp_path / "stub" / ".failed" / "last").exists()
    (root / "away").rename(orders)
    done = report(root, *span, "1998-06")
    assert done.returncode == 0, done.stderr
    assert re.search(r"Nothing changed: .*1998-05", done.stdout)
    assert re.search(r"Published: .*1998-06", done.stdout)
    assert "1998-05" not in done.stderr
    assert not (tmp_path / "stub" / ".failed" / "last").exists()


def test_only_is_lenient_about_names():
    pages = ("00_overview", "01_rfm", "04_cohort_ltv", "05_ltv")
    books = [Notebook(Path(), page, "", "", (), "") for page in pages]
    for word in ("rfm", "01", "01_rfm", "01-RFM.ipynb", " rfm "):
        assert [b.page for b in select_notebooks(books, [word])] == ["01_rfm"]
    assert [b.page for b in select_notebooks(books, ["cohort", "05"])] == [
        "04_cohort_ltv",
        "05_ltv",
    ]
    assert [b.page for b in select_notebooks(books, ["ltv"])] == ["05_ltv"]
    assert select_notebooks(books, []) == books
    books += [Notebook(Path(), "01_rfm-extended", "", "", (), "")]
    for word in ("rfm-extended", "RFM_extended", "01_rfm-extended"):
        assert [b.page for b in select_notebooks(books, [word])] == ["01_rfm-extended"]
    assert [b.page for b in select_notebooks(books, ["rfm"])] == ["01_rfm"]


@pytest.mark.parametrize(("chosen", "named"), [("ja", "ja"), ("xx", "en"), ("", "en")])
def test_a_page_names_the_language_it_is_in(chosen, named, monkeypatch):
    """Without a catalogue the words are English."""
    monkeypatch.setenv("LTVKIT_LANG", chosen)
    assert f'<html lang="{named}">' in templates.render("archive.html.j2", shops=[])


def test_unavailable_is_not_zero():
    row = {"period": "1998-06", "revenue": 0.0, "orders": float("nan"), "revenue_vs_previous": 0.0}
    figures = {
        k["label"]: k for k in front_page.list_kpis(pd.DataFrame([row]), "1998-06", currency="USD")
    }
    assert figures["Revenue"]["value"] == "0.00 USD"
    assert figures["Revenue"]["previous"] == {"text": "0.0%", "direction": "flat"}
    assert figures["Revenue"]["last_year"] == {"text": "unavailable", "direction": "unavailable"}
    assert figures["Orders"]["value"] == "unavailable"
    assert front_page.list_kpis(pd.DataFrame([row]), "1998-05", currency="USD") == []
    assert front_page.list_kpis(None, "1998-06", currency="USD") == []


def test_a_key_figure_has_a_line_of_its_whole_months():
    months = [f"2023-{m:02d}" for m in range(1, 13)] + ["2024-01", "2024-02"]
    table = pd.DataFrame({"period": months, "partial": False, "revenue": [5.0] * 12 + [9.0, 2.0]})
    table.loc[3, "revenue"] = float("nan")
    (line,) = {k["line"] for k in front_page.list_kpis(table, "2024-01", currency="USD")} - {""}
    assert "January 2023 to January 2024, from 5.00 USD (January 2023) to 9.00 USD" in line
    assert re.findall("[ML]", line) == [
        *"MLLMLLLLLLLL",
        "M",
    ]  # April is not known; the end is marked
    partial = table.assign(partial=[*[False] * 12, True, False])
    (line,) = {k["line"] for k in front_page.list_kpis(partial, "2024-01", currency="")} - {""}
    assert "to December 2023, from 5.00 (January 2023) to 5.00 (January 2023)" in line
    assert front_page.list_kpis(table.tail(1), "2024-02", currency="")[0]["line"] == ""


def test_the_headline_is_what_changed_and_is_said_once():
    shown = pd.DataFrame({"leaf": ["days"]})
    made = {"page": "p", "metrics": {}, "lists": []}
    pages = [
        Result(findings=["a"], tables={}, **made),
        Result(findings=["why", "b"], tables={front_page.HEADLINE: shown}, **made),
    ]
    assert front_page.find_headline(pages) == "why"
    assert front_page.list_findings(pages, headline="why") == [["a"], ["b"]]
    assert front_page.find_headline(pages[:1]) == ""


def test_a_first_month_has_a_headline_of_its_own():
    table = pd.DataFrame(
        {
            "period": ["2024-01", "2024-02"],
            "customers": [30, 20],
            "orders": [31, 22],
            "revenue": 9000.0,
        }
    )
    said = front_page.describe_first_month(table, "2024-01", currency="JPY")
    assert said == (
        "January 2024 is the first month of these orders, so there is none to compare it with: "
        "30 customers brought 9,000 JPY in 31 orders."
    )
    for other in (table, table.head(0), None):
        assert front_page.describe_first_month(other, "2024-02", currency="JPY") == ""


def test_measures_that_began_or_ended_lately_stand_under_the_headline():
    table = pd.DataFrame(
        {
            "title": ["Coupon", "Letter", "Set"],
            "start": ["2024-07-01", "2024-04-01", "2024-09-02"],
            "until": ["2024-08-31", "2024-05-31", "2024-11-30"],
            "status": ["decided", "ended", "running"],
            "verdict": ["drop", "adopt", "still running"],
        }
    )
    rule = {"as_of": "2024-09-30"}
    assert front_page.list_measures(table, "2024-09", **rule) == (
        "Begun: Set (2 September 2024). Ended: Coupon (31 August 2024, drop)."
    )
    assert front_page.list_measures(table, "2024-08", as_of="2024-08-30") == (
        "Begun: Coupon (1 July 2024)."
    )
    assert front_page.list_measures(table, "2023-01", as_of="2023-01-31") == ""
    assert front_page.list_measures(None, "2024-09", **rule) == ""


def test_the_first_page_says_how_many_orders_there_are_where_each_line_counts_as_one():
    figure = "there are no order ids, so each line counts as an order: 7 orders"
    table = pd.DataFrame({"check": ["missing_order_ids"], "result": ["ok"], "figure": [figure]})
    lines = {"orders_from": "lines"}
    said = "There are no order ids, so each line counts as an order: 7 orders."
    assert front_page.describe_order_ids(table, lines) == said
    assert front_page.describe_order_ids(table.assign(result="warn"), lines) == ""
    assert front_page.describe_order_ids(table, {"orders_from": "order_id"}) == ""
    assert front_page.describe_order_ids(None, lines) == ""


@pytest.mark.parametrize(
    "latex", [r"\begin{aligned} a &= b \\ c &= d \end{aligned}", r"\text{<script>x</script>}", "x_"]
)
def test_formulas_are_safe_whatever_they_hold(latex):
    html = notebook_page.render_markdown(f"$${latex}$$")
    assert "<script" not in html
    assert "&=" not in html
    assert "<math" in html or "<code>" in html


def executed(*counts: int | None, error: bool = False) -> list[dict]:
    outputs = [{"output_type": "error", "ename": "E", "evalue": "no", "traceback": []}]
    return [
        {
            "cell_type": "code",
            "execution_count": count,
            "metadata": {"papermill": {"start_time": count and "then"}},
            "outputs": outputs if error and count == 2 else [],
            "source": f"step({number})",
        }
        for number, count in enumerate(counts, start=1)
    ]


@pytest.mark.parametrize(
    ("cells", "result", "ok", "reason", "cell"),
    [
        (executed(1, 2), "01_rfm", True, None, None),
        (executed(1, None), "01_rfm", True, "the kernel ended", 1),
        (executed(1, 2, 3, error=True), "01_rfm", True, "a cell raised an error", 2),
        (executed(1, 2), None, True, "the last cell saved no result", 2),
        (executed(1, 2), "02_abc", True, "it saved its result as '02_abc'", 2),
        (executed(1, 2), "01_rfm", False, "the worker failed", 2),
        ([], "01_rfm", True, "the notebook did not start", None),
    ],
)
def test_a_run_is_judged_by_all_its_signs(tmp_path, cells, result, ok, reason, cell):
    (tmp_path / "notebook.ipynb").write_text(json.dumps({"cells": cells}))
    if result:
        (tmp_path / "result.json").write_text(json.dumps({"page": result}))
    failure = check_run(tmp_path, "01_rfm", ok=ok)
    if reason is None:
        assert failure is None
    else:
        assert reason in failure.reason
        assert failure.cell == cell


@pytest.mark.parametrize("preview", [False, True])
def test_a_swap_that_was_cut_short_is_put_right(preview, tmp_path, monkeypatch):
    """Killed after each step of publishing: the last good report, or the new one, is there."""
    monkeypatch.setenv("LTVKIT_REPORTS", str(tmp_path))
    place = publish.Place("stub", "1998-06", preview)
    place.target.mkdir(parents=True)
    (place.target / "index.html").write_text("old")
    (publish.stage(place) / "index.html").write_text("new")
    place.target.rename(place.work("old"))  # killed here, between the two renames
    publish.recover_all()
    assert files(place.target) == {"index.html": b"old"}
    (publish.stage(place) / "index.html").write_text("new")
    publish.swap(place)
    shutil.copytree(place.target, place.work("old"))  # killed here, before the old one is dropped
    publish.recover_all()
    assert files(place.target) == {"index.html": b"new"}
    assert [p.suffix for p in tmp_path.rglob(".work/*")] == [".lock"]


def test_the_environment_of_kernels_is_the_runners(root, monkeypatch):
    from ltvkit.report.runner.worker import environment as of_kernels

    for name, value in environment(root, MPLBACKEND="Agg").items():
        monkeypatch.setenv(name, value)
    found = of_kernels(jobs=2)
    assert found["LTVKIT_REPORTS"] == str((root / "reports").resolve())
    assert found["PYTHONHASHSEED"] == "0"
    assert "MPLBACKEND" not in found


def test_a_register_is_an_input_of_the_page_that_reads_it(tmp_path):
    """A changed hypothesis runs that notebook again, and no other; the manifest names it."""
    root = make(tmp_path)
    parameters = PARAMETERS + '\nregister: str = ""  # the folder of the hypotheses'
    write_notebook(root, "02_hypotheses", parameters=parameters)
    before = report(root)
    assert before.returncode == 0, before.stderr
    target = root / "reports" / "stub" / "1998-06"
    assert len(json.loads(text_of(target, "manifest.json"))["inputs"]) == 1
    stub_register.write(root / "params" / "hypotheses" / "stub")
    again = report(root)
    assert "02_hypotheses: finished" in again.stderr
    assert again.stderr.count("reused") == 2
    _orders, kept = json.loads(text_of(target, "manifest.json"))["inputs"]
    assert kept["register"] == "stub"
    assert len(kept["sha256"]) == 64
    assert "Nothing changed" in report(root).stdout


def test_the_name_of_a_run_ends_with_it(root, monkeypatch):
    monkeypatch.setenv("LTVKIT_ROOT", str(root))
    monkeypatch.setenv("LTVKIT_REPORTS", str(root / "reports"))
    build([root / "params" / "stub.yaml"], months=Months("1998-06"))
    assert RUN not in os.environ

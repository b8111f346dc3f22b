"""The PDF of a report, printed by the browser and read back, and when it goes."""

from __future__ import annotations

import json
import os
import re

import pypdf
import pytest
import stub_browser
from stub_project import files, make, report, write_notebook, write_params

JUNE = ("params/stub.yaml", "--month", "1998-06")
LONG = """
from IPython.display import HTML, display
head = "".join(f"<th>{name}</th>" for name in ("Customer band", "Amount"))
body = "".join(f"<tr><td>band {n}</td><td>{n * 1001}</td></tr>" for n in range(150))
display(HTML(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"))
cells = "".join(f"<td class='ltv-number'>{n}23,456,789</td>" for n in range(10, 40))
display(HTML(f"<table><tr>{cells}</tr></table>"))
"""
FINDING = "Revenue of part {n} rose by {n}.5% to {n},321 USD, more than ever before."


@pytest.fixture(scope="module")
def root(tmp_path_factory, browser):
    """A project with a published report and its PDF."""
    root = make(tmp_path_factory.mktemp("printed"))
    write_notebook(root, "02_abc", LONG, findings=[FINDING.format(n=n) for n in range(20, 80)])
    done = report(root, *JUNE, "--pdf")
    assert done.returncode == 0, done.stderr
    assert "PDF: reports/stub/1998-06/report.pdf" in done.stdout
    return root


@pytest.fixture(scope="module")
def folder(root):
    return root / "reports" / "stub" / "1998-06"


@pytest.fixture(scope="module")
def sheets(folder):
    return pypdf.PdfReader(folder / "report.pdf").pages


def test_the_front_page_is_on_one_sheet_with_every_figure(browser, folder, sheets):
    shown = browser.open(folder / "index.html", policy=True).text.partition("\nFiles\n")[0]
    figures = set(re.findall(r"\d[\d,.]*\d%?", shown.partition("What we found")[2]))
    figures |= {"1,234", "5.2%", "1.2", "25.0%"}
    assert len(figures) > 100
    text = sheets[0].extract_text()
    assert {figure for figure in figures if figure not in text} == set()
    assert "What we found" in text
    assert "What we found" not in sheets[1].extract_text()
    assert "What does 00_overview say?" in sheets[1].extract_text()


def test_sheets_are_numbered_and_repeat_the_head_of_a_long_table(sheets):
    texts = [sheet.extract_text() for sheet in sheets]
    for number, text in enumerate(texts, start=1):
        assert f"{number} / {len(texts)}" in text
    long = [text for text in texts if re.search(r"\bband \d", text)]
    assert len(long) >= 3
    assert all(text.count("Customer band") == 1 for text in long)
    assert "149149" in long[-1]


def test_nothing_is_cut(sheets):
    places = []

    def note(text, drawn, written, _font, _size):
        if text.strip():
            places.append((text, drawn[0] * written[4] + drawn[2] * written[5] + drawn[4]))

    text = "".join(sheet.extract_text(visitor_text=note) for sheet in sheets)
    assert re.findall(r"\d\d23,456,789", text) == [f"{n}23,456,789" for n in range(10, 40)]
    assert len(places) > 300
    margin, width = 12 / 25.4 * 72, float(sheets[0].mediabox.width)
    assert [each for each in places if not margin - 1 < each[1] < width - margin] == []


def test_the_pdf_names_no_folder_of_this_machine(root, folder):
    content = (folder / "report.pdf").read_bytes()
    assert b"file:" not in content
    assert root.name.encode() not in content


def test_the_pdf_is_never_of_other_figures_than_the_pages(root, folder):
    """It stays while they are the same, and goes with them; one that was put there goes, too."""
    file = folder / "report.pdf"
    made = file.read_bytes()
    assert "report.pdf" not in json.loads((folder / "manifest.json").read_text("utf-8"))["files"]
    assert "Nothing changed" in report(root, *JUNE).stdout
    assert file.read_bytes() == made
    assert 'href="stub/1998-06/report.pdf"' in (root / "reports/index.html").read_text("utf-8")

    file.write_bytes(made + b" ")
    assert "Nothing changed" in report(root, *JUNE).stdout
    assert not file.exists()
    assert "Nothing changed" in report(root, *JUNE, "--pdf").stdout
    assert file.exists()

    write_params(root, title="Renamed")
    assert "Published" in report(root, *JUNE).stdout
    assert not file.exists()
    assert "report.pdf" not in (root / "reports" / "index.html").read_text("utf-8")


def test_without_a_browser_nothing_is_begun(tmp_path):
    root = make(tmp_path)
    before = files(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(tmp_path / "empty"))
        done = report(root, *JUNE, "--pdf")
    assert done.returncode == 2
    assert "--pdf needs Chromium, Google Chrome or Microsoft Edge" in done.stderr
    assert files(root) == before
    assert done.stdout == ""


def test_a_browser_that_fails_leaves_the_report_published(tmp_path):
    root = make(tmp_path / "project")
    broken = tmp_path / "bin" / "chromium"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho no display >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{broken.parent}{os.pathsep}{os.environ['PATH']}")
        done = report(root, *JUNE, "--pdf")
    assert done.returncode == 1
    assert "chromium could not print the report" in done.stderr
    assert "Published: reports/stub/1998-06/index.html" in done.stdout
    assert not (root / "reports" / "stub" / "1998-06" / "report.pdf").exists()


def test_the_browsers_that_print_are_those_that_the_tests_find():
    from ltvkit.report.pages.pdf import BROWSERS

    assert set(stub_browser.NAMES) <= set(BROWSERS)

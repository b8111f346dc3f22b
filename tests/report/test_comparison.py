"""`ltvkit compare`: a page beside the months, which stay as they are."""

from __future__ import annotations

import html

import pytest
from click.testing import CliRunner
from nbformat.v4 import new_markdown_cell
from stub_project import PARAMETERS, enter, files, write_notebook, write_params

from ltvkit.cli.main import main

COMPARED = """
against: str = "previous"  # a
where: dict = {}  # w
other: dict = {}  # o"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    root = enter(tmp_path, monkeypatch)
    lines = (root / "orders.csv").read_text("utf-8").splitlines()
    named = [f"{line},{('tv', 'web')[n % 2]}" for n, line in enumerate(lines[1:])]
    (root / "orders.csv").write_text("\n".join([f"{lines[0]},channel", *named, ""]), "utf-8")
    write_notebook(
        root,
        "07_drivers",
        "lesson = 'is left out'",
        new_markdown_cell("## 1. What changed"),
        "print('with', month, against, where, other.get('shop'))",
        tables={"drivers_previous": "leaf\ndays\n"},
        findings=("Revenue rose.", "More."),
        parameters=PARAMETERS + COMPARED,
    )
    return root


def call(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ("compare", *arguments))
    assert "Traceback" not in result.output
    return result.exit_code, result.output


def test_the_page_lies_beside_the_months(root):
    published = root / "reports" / "stub" / "1998-05" / "index.html"
    published.parent.mkdir(parents=True)
    published.write_text("a month", "utf-8")
    before = files(published.parent)
    status, said = call("params/stub.yaml", "1998-02", "1998-05", "--where", "channel=tv")
    assert (status, said.split()[0]) == (0, "Compared:")
    [folder] = (root / "reports" / "stub" / "compare").iterdir()
    assert folder.name.startswith("1998-02_1998-05_channel-tv")
    page = (folder / "index.html").read_text("utf-8")
    assert "May 1998 against February 1998, channel = tv" in page
    assert '<p class="headline">Revenue rose.</p>' in page
    assert "with 1998-05 1998-02 {'channel': 'tv'} None" in html.unescape(page)
    assert "is left out" not in page
    assert (folder / "tables" / "drivers_previous.csv").is_file()
    assert files(published.parent) == before
    index = (root / "reports" / "index.html").read_text("utf-8")
    assert f'href="stub/compare/{folder.name}/index.html"' in index


def test_two_shops_count_in_one_currency(root):
    write_params(root, "twin", currency="USD")
    status, _said = call("params/stub.yaml", "params/twin.yaml", "--month", "1998-05")
    assert status == 0
    [folder] = (root / "reports" / "stub" / "compare").iterdir()
    page = (folder / "index.html").read_text("utf-8")
    assert folder.name == "twin_1998-05"
    assert "May 1998 against Stub twin" in page
    assert "with 1998-05 previous {} twin" in page
    write_params(root, "twin", currency="EUR")
    status, said = call("params/stub.yaml", "params/twin.yaml", "--month", "1998-05")
    assert status == 2
    assert "Stub twin counts in EUR, and the other shop in USD" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("params/stub.yaml", "1998-05", "1998-02"), "1998-05 is not before 1998-02"),
        (("params/stub.yaml", "1998-13", "1998-14"), "'1998-13' is not a month"),
        (("params/stub.yaml", "1998-05"), "Give one params file and two months"),
        (("params/stub.yaml", "1998-02", "1998-05", "--where", "channel=teve"), "channel=teve"),
        (("params/stub.yaml", "1998-02", "1998-05", "--where", "brand=a"), "no column 'brand'"),
        (("params/stab.yaml", "1998-02", "1998-05"), "Did you mean 'params/stub.yaml'?"),
    ],
)
def test_what_cannot_be_compared_is_one_message_and_status_2(root, arguments, words):
    status, said = call(*arguments)
    assert status == 2
    assert words in said
    assert not (root / "reports" / "stub").exists()

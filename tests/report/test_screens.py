"""How pages look on a phone and on a desk, in a browser, with the texts of a shop of the sample's
size: what matters most comes first, and nothing is cut without saying so."""

from __future__ import annotations

from pathlib import Path

import pytest
from stub_browser import audit

from ltvkit.config.notebooks import Notebook
from ltvkit.report.pages import front_page, notebook_page, sparklines, templates

PHONE, DESK = (390, 844), (1280, 800)  # width and height of a screen
MONTHS = [f"2024-{n:02d}" for n in range(1, 10)]
LINE = sparklines.draw(range(9), MONTHS, measure="revenue", currency="JPY")
KPIS = [
    {
        "label": label,
        "value": "3,142,636 JPY",
        "line": LINE,
        "previous": {"text": "\N{MINUS SIGN}14.9%", "direction": "down"},
        "last_year": {"text": "+66.2%", "direction": "up"},
    }
    for label in ("Revenue", "Orders", "Active customers", "New customers", "Repeat rate",
                  "Average order value", "Revenue per customer")
]  # fmt: skip
TASKS = [
    "Decide on Leaflet in the parcel, which ended on 30 June 2024 (inconclusive).",
    "Find out why: fewer customers a day came back after a long silence (\N{MINUS SIGN}319,948 JPY "
    "since last month).",
    "Win back the customers who became overdue in the last 30 days (233): 379,000 JPY is still "
    "expected of them in 12 months, 1,630 JPY each.",
    "Write to the customers who will be overdue by the end of next month (194): without an order, "
    "42,000 JPY less is expected of them in 12 months, 218 JPY each.",
    "Call the best of 183 good customers who have gone quiet (paid so far: 5,208,304 JPY).",
]
HEADLINE = (
    "Revenue rose by 228,085 JPY (+7.8%) from August 2024 to September 2024, to 3,142,636 JPY. "
    "Clear reasons, the largest first: more items per order, 4.38 to 5.55 (+719,069 JPY). Against "
    "it: fewer customers a day came back after a long silence, 4.26 to 2.47 (\N{MINUS SIGN}319,948 "
    "JPY), fewer days, 31 to 30 (\N{MINUS SIGN}99,945 JPY). All other parts together: "
    "\N{MINUS SIGN}71,091 JPY."
)
NAMED = {
    "title": "Sample mail-order shop", "shop": "shop", "month": "2024-09", "preview": False,
    "month_name": "September 2024", "last_month": "Aug 2024", "last_year": "Sept 2023",
    "last_day": "30 September 2024", "left_out": [], "checks": [], "partial": False,
    "headline": HEADLINE, "measures": "Ended: Coupon for all of the summer (31 August 2024, stop).",
    "kpis": KPIS, "quality": "", "amounts": "", "orders": "",
    "tasks": [
        {"text": text, "owner": "customer relations", "page": "05_ltv_forecast", "list": "overdue"}
        for text in TASKS
    ],
}  # fmt: skip
CELL = "<td class='ltv-number'>1,234,567</td>"
WIDE = f"<table>{'<tr>' + CELL * 20 + '</tr>'}</table>"
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
    "rkJggg=="
)
CARD = (
    f'<div class="ltv-card"><div class="ltv-card-scroll">{WIDE}</div>'
    f'<figure><img alt="c" src="data:image/png;base64,{PIXEL}"></figure></div>'
)
PROSE = f"""# A question
$$\\text{{{"a long formula " * 20}}} = 1$$

|{"a column|" * 30}
|{"---|" * 30}
|{"1234567|" * 30}
"""
# The words beside what scrolls come with an animation: they are there once it has been drawn.
DRAWN = """new Promise(done => {
  requestAnimationFrame(() => requestAnimationFrame(() => done(0)));
  setTimeout(() => done(1), 2000);
})"""
# What is wider than its place: (what, whether its keys scroll it, whether words say so).
LOOK = """(() => {
  const wide = [...document.querySelectorAll("main *, header, nav")].filter(e =>
    e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === "auto");
  return {
    page: document.documentElement.scrollWidth,
    wide: wide.map(e => [e.getAttribute("aria-label"), e.tabIndex, e.getAttribute("role"),
      parseFloat(getComputedStyle(e, "::before").height) > 10]),
    bottom: Object.fromEntries([".headline", ".tasks", ".kpis"].map(name =>
      [name, document.querySelector(name)?.getBoundingClientRect().bottom])),
    beside: [...document.querySelectorAll(".kpi")].slice(1, 3).map(e =>
      e.getBoundingClientRect().top),
  }
})()"""


def look(browser, page: Path, screen: tuple[int, int]) -> dict:
    return browser.evaluate(page, DRAWN, LOOK, width=screen[0])


@pytest.fixture
def front(tmp_path) -> Path:
    path = tmp_path / "index.html"
    path.write_text(
        templates.render("index.html.j2", **NAMED, pages=[], linker=front_page.make_linker(KPIS)),
        "utf-8",
    )
    return path


@pytest.fixture
def notebook(tmp_path) -> Path:
    """A page with all that can be too wide."""
    outputs = [{"text/html": WIDE}, {"text/html": CARD}, {"image/png": PIXEL}]
    code = {"cell_type": "code", "source": "show()", "metadata": {}}
    code["outputs"] = [
        {"output_type": "display_data", "data": data, "metadata": {}} for data in outputs
    ]
    cells = [{"cell_type": "markdown", "source": PROSE, "metadata": {}}, code]
    body = notebook_page.render_cells({"cells": cells})
    book = Notebook(Path(), "01_rfm", "", "RFM", (), "")
    page = {"notebook": book, "body": body, "tables": [], "pages": []}
    page["linker"] = front_page.make_linker([])
    path = tmp_path / "01_rfm.html"
    path.write_text(templates.render("page.html.j2", **NAMED, **page), "utf-8")
    return path


def test_what_matters_most_is_on_two_screens_of_a_phone(browser, front):
    seen = look(browser, front, PHONE)
    bottom = seen["bottom"]
    assert bottom[".headline"] < bottom[".tasks"] < bottom[".kpis"] <= 2 * PHONE[1]
    assert seen["beside"][0] == seen["beside"][1]  # two in a row
    assert seen["page"] == PHONE[0]


def test_what_matters_most_is_on_one_screen_of_a_desk(browser, front):
    seen = look(browser, front, DESK)
    assert max(seen["bottom"].values()) <= DESK[1]
    assert seen["page"] <= DESK[0]


def test_nothing_is_cut_on_a_phone_without_saying_so(browser, notebook):
    seen = look(browser, notebook, PHONE)
    assert seen["page"] == PHONE[0]
    assert seen["wide"] == [
        ["Formula", 0, "group", True],
        ["Table 1", 0, "region", True],
        ["Table 2", 0, "region", True],
        ["Table 3", 0, "region", True],
        ["Chart 4", 0, "region", True],
        ["Chart 5", 0, "region", True],
    ]
    text = notebook.read_text("utf-8")
    bare = text.replace('class="scroll"', "").replace("</main>", f"{WIDE}</main>")
    notebook.write_text(bare, "utf-8")
    assert look(browser, notebook, PHONE)["page"] > PHONE[0]


@pytest.mark.parametrize("dark", [False, True])
def test_everybody_can_read_what_matters_most(browser, front, notebook, dark):
    for page in (front, notebook):
        assert audit(browser, page, width=PHONE[0], dark=dark) == {}

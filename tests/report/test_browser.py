"""A shop whose data attack: its whole report, as files and as a browser opens it.

Nothing that a page holds runs, nothing is fetched, and nobody is named. The probe is shown to see
what it looks for.
"""

from __future__ import annotations

import csv
import html
import itertools
import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import openpyxl
import pytest
from nbformat.v4 import new_code_cell
from stub_browser import audit
from stub_project import HOME, report

from ltvkit.core import csv_injection
from ltvkit.report.pages import all_reports, templates
from ltvkit.report.publishing import publish
from ltvkit.report.runner.outcome import Failure

OUTSIDE = "http://attack.invalid"
ATTACKS = [
    "<script>document.title = 'ran'</script>",
    "<img src=x onerror=\"document.title='ran'\">",
    "<svg onload=alert(1)>",
    f'"><iframe src={OUTSIDE}/frame></iframe>',
    "</title></style></script><script>alert(2)</script>",
    f"<style>@import url({OUTSIDE}/style.css)</style>",
    f"<meta http-equiv=refresh content='0;url={OUTSIDE}/'>",
    f"<base href={OUTSIDE}/><link rel=stylesheet href={OUTSIDE}/l.css>",
    "<a href='javascript:alert(3)'>here</a>",
    f"[x](javascript:alert(4)) ![x]({OUTSIDE}/picture.png)",
    "<!-- <p",
    "{{7*7}}{% raw %}",
    "javascript:alert(5)",
    "$x^$ $\\frac{$",
    "a_b^c\\",
    "=cmd|'/c calc'!A0",
    "+1+cmd",
    "@SUM(A1)",
    "\uff1d1+1",
    "\u202egnp.exe",
    "\x1b[2J`x`\n# y",
    "x" * 10_000,
]
LOOKS = [(390, False), (1280, True)]  # width and whether it is dark
BARRIERS = """<img src="data:image/png;base64,"><a href="index.html"></a>
<p style="color: #333">dark grey, whatever the page's ground</p>"""
SECRET = "s3cr3t-of-this-machine"
SHOW = """
from IPython.display import Markdown
display(tables.show(abc_classes.leaders(classed, lines, by=main, n=99), currency=currency))
names = lines.df()["product"].unique()
display(*map(Markdown, names))
print(*names)
"""
PARAMS = """
shop: tea
title: {title}
currency: {currency}
source: orders.csv
columns: {{product_id: Item, product: Item, category: {header}}}
abc_by: [product_id, category, customer_id]
cohort_by: channel
policies: {{max_quarantined: 1.0}}
"""


def write_orders(path: Path) -> None:
    """Eight months of orders by 66 customers, who are called ZZ..., some by their e-mail."""
    header = ["customer_id", "order_id", "order_date", "amount", "Item", ATTACKS[1], "channel"]
    rows = [[*header, "Name", "E-mail"]]
    for n in range(400):
        who, what = n % 66, ATTACKS[n % len(ATTACKS)]
        customer = f"zz{who}@example.org" if who % 3 == 0 else f"ZZID{who:05d}"
        if n % 90 == 5:
            customer = ""
        day = f"2024-{1 + n % 8:02d}-{1 + n % 28:02d}"
        amount = f"{1000 + n if n % 9 else -50 - n}"
        kind, channel = ATTACKS[-1 - n % 9], ATTACKS[who % len(ATTACKS)]
        person = ["ZZNAME Hanako", f"zz{who}@example.org"]
        rows.append([customer, f"O{n}", day, amount, what, kind, channel, *person])
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def write_project(root: Path) -> None:
    """The kit's own notebooks; the one of products shows them in all ways there are."""
    for folder in ("notebooks", "params"):
        (root / folder).mkdir()
    for page in ("00_overview", "03_abc", "04_cohort_ltv"):
        content = nbformat.read(HOME / "notebooks" / f"{page}.ipynb", as_version=4)
        content.cells = [c for c in content.cells if "plots.kpi_series" not in c.source]
        if page == "03_abc":
            content.cells.insert(-1, new_code_cell(SHOW))
        nbformat.write(content, root / "notebooks" / f"{page}.ipynb")
    write_orders(root / "orders.csv")
    words = {"title": ATTACKS[4], "currency": "<b>$x^$", "header": ATTACKS[1]}
    quoted = {name: json.dumps(word) for name, word in words.items()}
    (root / "params" / "tea.yaml").write_text(PARAMS.format(**quoted), "utf-8")


def fail(reports: Path) -> None:
    """A later run that failed, with attacks for a reason; the list of reports shows it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LTVKIT_REPORTS", str(reports))
        failure = Failure("03_abc", ATTACKS[0], 3, ATTACKS[1], ATTACKS[7])
        place = publish.Place("tea", "2024-07")
        publish.record_failure(place, ATTACKS[2], [(failure, "{}")])
        all_reports.refresh()


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    root = tmp_path_factory.mktemp("attacked")
    write_project(root)
    secrets = {"PGPASSWORD": SECRET, "AWS_SECRET_ACCESS_KEY": f"{SECRET}/+="}
    done = report(root, "params/tea.yaml", "--month", "2024-08", **secrets)
    assert done.returncode == 0, done.stderr
    assert "\x1b[2J" not in done.stdout + done.stderr
    fail(root / "reports")
    return root / "reports"


def shown(reports: Path) -> list[Path]:
    """All that a reader gets, but the lists of customers."""
    files = [p for p in reports.rglob("*") if p.is_file() and ".cache" not in p.parts]
    return [p for p in files if "lists" not in p.parts]


def content(path: Path) -> str:
    if path.suffix != ".xlsx":
        return path.read_text("utf-8")
    sheets = openpyxl.load_workbook(path).worksheets
    return "\n".join(str(c.value) for sheet in sheets for row in sheet.iter_rows() for c in row)


def test_nobody_is_named(reports):
    """Ids stand in the lists and nowhere else; names of columns that are not mapped nowhere."""
    for path in shown(reports):
        assert not re.findall(r"ZZID\d+|ZZNAME|zz\d+@example", content(path)), path
    for path in (reports / "tea" / "2024-08" / "lists").iterdir():
        assert not re.findall(r"ZZNAME|zz\d+@example", path.read_text("utf-8-sig")), path


def test_no_secret_of_the_environment_is_written_down(reports):
    for path in [p for p in reports.rglob("*") if p.is_file()]:
        assert SECRET.encode() not in path.read_bytes(), path


def test_no_csv_holds_a_formula(reports):
    tables = list((reports / "tea" / "2024-08").glob("*/*.csv"))
    assert len(tables) >= 10
    cells = []
    for path in tables:
        with path.open(encoding="utf-8-sig", newline="") as file:
            cells += [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if csv_injection.is_armed(cell) and cell[0] != "'"]
    assert {"'=cmd|'/c calc'!A0", "'@SUM(A1)", "'\uff1d1+1"} <= set(cells)


def test_the_summary_links_nowhere(reports):
    text = (reports / "tea" / "2024-08" / "summary.md").read_text("utf-8")
    assert not re.search(r"(?<!\\)[<>\[\]`]", text)
    assert not re.search(r"\w:/|\w\.[a-z]|[@#]\w|www\.", text)
    page = (reports / "tea" / "2024-08" / "summary.html").read_text("utf-8")
    assert len(page.encode()) < 100_000
    assert set(re.findall(r"<(\w+)", page.partition("<body")[2])) <= {
        "b", "br", "div", "h1", "h2", "h3", "li", "ol", "p", "span", "table", "td", "tr", "ul",
    }  # fmt: skip
    shown = html.unescape(re.sub(r"<head>.*?</head>|<[^>]*>", " ", page, flags=re.S))
    assert not re.search(r"\w:/|\w\.[a-z]|[@#]\w|www\.", shown.replace("index.html", ""))


SEEN = {  # attack -> whether it runs, whether it fetches; where nothing is escaped
    "<script>document.title = 'ran'</script>": (True, False),
    "<img src=x onerror=\"document.title='ran'\">": (True, True),
    "<svg onload=alert(1)>": (True, False),
    f"<iframe src={OUTSIDE}/frame></iframe>": (False, True),
    f"<style>@import url({OUTSIDE}/style.css)</style>": (False, True),
    f"<meta http-equiv=refresh content='0;url={OUTSIDE}/'>": (False, True),
}


def test_pages_run_nothing_and_fetch_nothing(reports, browser, tmp_path):
    pages = sorted(p for p in reports.rglob("*.html") if ".cache" not in p.parts)
    assert len(pages) == 7
    for path in pages:
        # Escaped as they are, without the help of the page's own policy.
        seen = browser.open(path, policy=False)
        assert (seen.scripts, seen.fetched) == ([], []), path
        assert len(seen.text) > 100
        for address in (a for a in seen.named if not a.startswith("data:image/")):
            parts = urlsplit(address)
            assert parts.scheme == "file", address
            assert Path(unquote(parts.path)).resolve().is_relative_to(reports), address
        assert "$x^$" in seen.text or path.parent == reports or path.name == "glossary.html"
        if path.stem == "03_abc":
            assert ATTACKS[0] in seen.text

    # The probe sees each of them on a page that escapes nothing.
    for attack, (runs, fetches) in SEEN.items():
        page = tmp_path / "hole.html"
        page.write_text(f"<!doctype html><body>{attack}", "utf-8")
        seen = browser.open(page, policy=False, seconds=1)
        assert bool(seen.scripts) >= runs, attack
        assert bool(seen.fetched) >= fetches, attack

    # And were there a hole in the escaping, the policy of the pages would hold them back.
    text = templates.render("archive.html.j2", shops=[])
    page.write_text(text.replace("</main>", "".join(list(SEEN)[:-1]) + "</main>"), "utf-8")
    seen = browser.open(page, policy=True)
    assert (seen.scripts, seen.fetched) == ([], [])
    assert browser.open(page, policy=False).scripts


def test_everybody_can_read_every_page(reports, browser, tmp_path):
    """axe finds nothing, on a phone in light and on a desk in dark; it is shown to find."""
    pages = sorted(p for p in reports.rglob("*.html") if ".cache" not in p.parts)
    found = {
        path.name: faults
        for path, (width, dark) in zip(pages, itertools.cycle(LOOKS), strict=False)
        if (faults := audit(browser, path, width=width, dark=dark))
    }
    assert found == {"03_abc.html": {"image-alt": ["<img>"]}}  # an attack, its address taken out

    hole = tmp_path / "hole.html"
    hole.write_text(pages[0].read_text("utf-8").replace("</main>", f"{BARRIERS}</main>"), "utf-8")
    light, dark = (audit(browser, hole, width=w, dark=d) for w, d in LOOKS)
    assert {*light} == {"image-alt", "link-name"}
    assert {*dark} == {"image-alt", "link-name", "color-contrast"}

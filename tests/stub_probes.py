"""People and secrets, planted wherever a customer, a marketplace or a library could put them."""

from __future__ import annotations

import gzip
import html
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import openpyxl
from stub_project import report, write_notebook, write_params

MAIL, TELEPHONE, NAME, ID = "taro.zz@example.jp", "090-8765-4321", "山田花子", "ZZQ00017"
SECRET = "zq9"  # of three letters
PEOPLE = (MAIL, TELEPHONE, NAME, ID)
TYPED = f"{MAIL} {TELEPHONE} {SECRET}"  # in names of things, where a name cannot be told from one
PRIVATE = ("lists", ".cache", ".work")  # for those who may see customers (SECURITY.md)
HEADER = "customer_id,order_id,order_date,amount"

# The kit's own steps on whatever is mapped, as the real notebooks take them.
STEPS = """\
from ltvkit import abc_classes, cohorts, orders, quality
from ltvkit.display import plots, tables
from ltvkit.report import results
book = orders.read(source, columns=columns, policies=policies)
as_of = book.as_of(month)
checks = quality.check(book, as_of=as_of, policies=policies)
display(tables.show(checks), tables.show(quality.summarize(book, as_of=as_of)))
print(quality.origin(book), *quality.describe(checks))
found = {"data_checks": checks}"""
BY_COLUMN = """\
classed = abc_classes.classify(book.lines, by={0!r})
leading = abc_classes.leaders(classed, book.lines, by={0!r})
display(tables.show(leading))
plots.leaders(leading, currency="USD", about="all")
found |= {{"abc_{0}": leading, "cohorts_{0}": cohorts.build(book.lines, as_of=as_of, by={0!r})}}"""
SAVE = """\
lists = {"quarantine": quality.list_quarantined(book), "duplicates": quality.list_duplicates(book)}
said = ["All is well.", *quality.describe(checks)]
results.save(out, page="00_overview", tables=found, findings=said, lists=lists)"""


def write_orders(path: Path, *, people: bool = True) -> dict[str, str]:
    """Orders of 25 customers who came back, with a column of each kind of person -> their names."""
    made: dict[str, Callable[[int], str]] = {
        "channel": lambda c: f"{NAME}{c}",
        "category": lambda c: f"{c}{MAIL}",
        "product": lambda c: f"{TELEPHONE[:-2]}{c:02d}",
        "product_id": lambda c: f"{ID}{c}",
        "gift": lambda c: f"{NAME} {c} 様",
        "region": lambda c: f"region {c % 3}",
    }
    made = made if people else {"region": made["region"]}
    rows = [",".join([HEADER, *(f"col_{name}" for name in made), "remark"])]
    for n in range(75):
        c = n % 25
        values = ",".join(make(c) for make in made.values())
        day = f"1998-{1 + n // 13:02d}-{1 + n % 13:02d}"
        rows.append(f"{ID}{c},O{n},{day},{10 + n}.50,{values},{NAME}")
    for broken in (f"{ID},O,{MAIL},1", f"{ID},O,1998-01-05,{NAME}", f"{NAME},O,,{TELEPHONE}"):
        rows.append(",".join([broken, *[NAME] * (len(made) - 1), "region 1", NAME]))
    rows.append(f'"{NAME},{MAIL}')
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return {name: f"col_{name}" for name in made}


def prepare(root: Path, **keys: object) -> None:
    """A project with one notebook of the kit's own steps; its params have further `keys`."""
    for folder in ("notebooks", "params"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    write_notebook(root, "00_overview", "fine = 1")
    write_params(root, **keys)


def write_steps(root: Path, columns: dict[str, str]) -> None:
    """The notebook of all steps, by each of the columns."""
    each = [BY_COLUMN.format(name) for name in columns]
    write_notebook(root, "00_overview", STEPS, *each, SAVE, saves=False)


# Files that a reader complains of: each writes one, and returns the params of its source.


def no_headers(root: Path) -> dict[str, str]:
    (root / "a.csv").write_text(f"{ID},{NAME},{MAIL},1998-01-05,100\n" * 3, "utf-8")
    return {"source": "a.csv"}


def typed_headers(root: Path) -> dict[str, str]:
    (root / "a.csv").write_text(f"who,{TYPED},b,c\n1,2,3,4\n", "utf-8")
    return {"source": "a.csv"}


def named_file(root: Path) -> dict[str, str]:
    (root / f"{MAIL}.csv").write_text("a,b\n1,2\n", "utf-8")
    return {"source": f'"{MAIL}.csv"'}


def named_sheets(root: Path) -> dict[str, str]:
    book = openpyxl.Workbook()
    book.active.title = MAIL
    book.active.append(["a", "b"])
    book.save(root / "a.xlsx")
    return {"source": "a.xlsx", "policies": "{sheet: other}"}


def named_members(root: Path) -> dict[str, str]:
    with zipfile.ZipFile(root / "a.zip", "w") as packed:
        packed.writestr(f"{MAIL}.csv", f"{HEADER}\n{ID},1,1998-01-05,5\n")
        packed.writestr(f"{TELEPHONE}.csv", "a,b\n1,2\n")
    return {"source": "a.zip"}


def broken_archive(root: Path) -> dict[str, str]:
    data = gzip.compress(f"{HEADER}\n{ID},1,1998-01-05,5\n".encode() * 99)
    (root / "a.csv.gz").write_bytes(data[: len(data) // 2] + PEOPLE[2].encode())
    return {"source": "a.csv.gz"}


def no_parquet(root: Path) -> dict[str, str]:
    (root / f"{TELEPHONE}.parquet").write_text(f"{NAME} {MAIL}", "utf-8")
    return {"source": f"{TELEPHONE}.parquet"}


def view_that_fails(root: Path) -> dict[str, str]:
    with duckdb.connect(str(root / "a.duckdb")) as shop:
        shop.execute(f"create table t as select '{NAME} {MAIL} {ID}' as who")
        shop.execute("create view v as select who::int as amount, who as customer_id from t")
    return {"source": "duckdb:///a.duckdb", "policies": "{table: v}"}


def text_of_another_encoding(root: Path) -> dict[str, str]:
    with sqlite3.connect(root / "a.db") as shop:
        shop.execute("create table t (customer_id, order_date, amount)")
        text = f"cast(x'{(NAME + MAIL).encode('cp932').hex()}' as text)"
        shop.execute(f"insert into t values ({text}, '1998-01-05', 1)")
    return {"source": "sqlite:///a.db"}


def currencies_that_are_none(root: Path) -> dict[str, str]:
    rows = [f"{ID},{n},1998-01-05,5,{c}" for n, c in enumerate(["JPY", NAME, MAIL])]
    (root / "a.csv").write_text("\n".join([f"{HEADER},currency", *rows, ""]), "utf-8")
    return {"source": "a.csv"}


def amounts_that_are_none(root: Path) -> dict[str, str]:
    rows = [f"{ID},{n},1998-01-05,{who}" for n, who in enumerate(PEOPLE)]
    (root / "a.csv").write_text("\n".join([HEADER, *rows, ""]), "utf-8")
    return {"source": "a.csv"}


def rates_that_are_none(root: Path) -> dict[str, str]:
    (root / "a.csv").write_text(f"{HEADER},currency\n{ID},1,1998-01-05,5,JPY\n", "utf-8")
    (root / "r.csv").write_text(f"date,currency,rate\n{NAME},{MAIL},{TELEPHONE}\n", "utf-8")
    return {"source": "a.csv", "policies": "{rates: r.csv}"}


def file_outside(root: Path) -> dict[str, str]:
    return {"source": f'"{Path.home() / "exports" / SECRET / "missing.csv"}"'}


REFUSED = (
    no_headers, typed_headers, named_file, named_sheets, named_members, broken_archive, no_parquet,
    view_that_fails, text_of_another_encoding, currencies_that_are_none, amounts_that_are_none,
    rates_that_are_none, file_outside,
)  # fmt: skip


def run(root: Path) -> str:
    """`ltvkit report` with a secret of three letters -> all that it said."""
    done = report(root, PGPASSWORD=SECRET)
    return f"{done.stdout}{done.stderr}"


def find_named(root: Path, said: str) -> list[str]:
    """Who and what is named where everybody may look: in files, in their names, and in `said`."""
    folder, texts = root / "reports", {"the output": said}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        place = path.relative_to(folder)
        if not {*PRIVATE} & {*place.parts}:
            texts[f"{place}"] = f"{place}\n{_read(path)}"
    hidden = (*PEOPLE, SECRET, str(Path.home()), str(root))
    return [f"{one} in {name}" for name, text in texts.items() for one in hidden if one in text]


def _read(path: Path) -> str:
    if path.suffix != ".xlsx":
        return html.unescape(path.read_bytes().decode("utf-8", "replace"))
    with zipfile.ZipFile(path) as book:
        return "".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())

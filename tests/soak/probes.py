"""Names, e-mails and secrets that are planted where a report must not show them."""

from __future__ import annotations

import html
import os
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import stub_probes
from stub_project import write_notebook

from soak import shop
from soak.judge import Verdict, wait_for_end
from soak.shop import Room

NAMES = ("taro.yamada", "Grizelda Quonk", "山田太郎", "quonk")
# Where only those look who may see customers (SECURITY.md).
PRIVATE = ("lists", ".cache", ".work", "quarantine.csv")
SECRETS = ("PGPASSWORD", "MYSQL_PWD", "LTVKIT_LIST_KEY", "AWS_SECRET_ACCESS_KEY", "MY_API_TOKEN")
# A cell that says what it should not. `word` is read from a file, as if from the data, since what
# stands in the code itself is shown; the variable of a secret stands for NAME.
WORD = """import os, pathlib
word = pathlib.Path(os.environ["LTVKIT_ROOT"], "word.txt").read_text("utf-8")"""
CELLS = (
    "raise KeyError(word)",
    "float(word)",
    "print(word, file=__import__('sys').stderr)",
    "import duckdb\nduckdb.sql('select cast(' + repr(word) + ' as int)').fetchall()",
    """from ltvkit.errors import DataError
try:
    float(word)
except ValueError as error:
    raise DataError(f"the amounts cannot be read: {error}")""",
    "print(word.replace(' ', '.') + '@example.org')",
    "raise RuntimeError('cannot log in with ' + os.environ['NAME'])",
    "print(os.environ['NAME'])",
)
HEADER = "customer_id,order_id,order_date,amount"


def attempt(room: Room, rng: random.Random) -> Verdict:
    """Plant one word in one place, run, and look for it in all that was published or said."""
    root = room.root
    shutil.rmtree(root, ignore_errors=True)
    if rng.random() < 0.4:
        return _attempt_source(root, rng.choice(stub_probes.REFUSED))
    shop.make(root)
    for page in (root / "notebooks").glob("*.ipynb"):
        page.unlink()
    word, secret, place = rng.choice(NAMES), rng.choice(SECRETS), rng.choice(PLACES)
    value = {"LTVKIT_LIST_KEY": "k7" * 16}.get(
        secret, rng.choice(("z!7", "Xq9!", "hunter2-hunter2"))
    )
    mail = f"{word.replace(' ', '.')}@example.org"
    lines = [
        f"C{n % 7:03d},O{n:03d},1998-{1 + n % 6:02d}-{28 - n % 9:02d},{10 + n}.50"
        for n in range(60)
    ]
    cell, hidden = "fine = 1", {word, mail, mail.partition("@")[0], value}
    header = HEADER
    if place == "a column":
        header += ",remark"
        lines = [f"{line},{word}" for line in lines]
    elif place == "a header":
        header += f",{mail}"
        lines = [f"{line},1" for line in lines]
    elif place == "ids":
        lines = [f"{mail}{line[4:]}" if n % 7 == 0 else line for n, line in enumerate(lines)]
    elif place == "a broken amount":
        lines[5] = f"C005,O005,1998-01-05,{word}"
    elif place == "a broken date":
        lines[5] = f"C005,O005,{word},5"
    elif place == "many broken amounts":
        lines = [f"{line.rpartition(',')[0]},{word} {n}" for n, line in enumerate(lines)]
    elif place == "a line of another form":
        lines[5] = f'"{word}'
    else:
        (root / "word.txt").write_text(word, "utf-8")
        cell = f"{WORD}\n{rng.choice(CELLS).replace('NAME', secret)}"
        place = f"{place}: {cell.removeprefix(WORD)!r}"
    (root / "orders.csv").write_text("\n".join([header, *lines, ""]), "utf-8")
    write_notebook(root, "00_overview", cell, tables={"kpis_month": shop.KPIS})
    said = shop.run(root, **{secret: value})
    verdict = Verdict(f"{word!r} and {secret}={value!r} in {place}")
    verdict.ended = "right" if said.status == 0 else "refused"
    wait_for_end(root, verdict)
    verdict.check_text(said)
    if said.status not in (0, 1, 2):
        verdict.add("wrong", f"status {said.status}: {said.text[-1000:]}")
    for name, text in list_public(root, said.text):
        for one in sorted(hidden):
            if (at := text.find(one)) >= 0:
                verdict.add("named", f"{one!r} in {name}: ...{text[max(0, at - 80) : at + 60]!r}")
    return verdict


def _attempt_source(root: Path, plant: Callable[[Path], dict[str, str]]) -> Verdict:
    """People and secrets in a source that cannot be read."""
    root.mkdir()
    with mock.patch.dict(os.environ, HOME=str(root / "home")):
        stub_probes.prepare(root, **plant(root))
        asked = ("report", "params/stub.yaml", "--month", shop.MONTH)
        said = shop.run(root, *asked, PGPASSWORD=stub_probes.SECRET)
        named = stub_probes.find_named(root, said.text)
    verdict = Verdict(f"a source with {plant.__name__.replace('_', ' ')}", "refused")
    verdict.check_text(said)
    if said.status == 0:
        verdict.add("wrong", f"it was read: {said.text}")
    if named:
        verdict.add("named", f"{named}: {said.text[-1000:]}")
    return verdict


PLACES = (
    *("a column", "a header", "ids", "a broken amount", "a broken date", "many broken amounts"),
    *("a line of another form", *["a cell"] * 7),
)


def list_public(root: Path, said: str) -> list[tuple[str, str]]:
    """What everybody may see: the files outside private folders, their names, and what was said."""
    reports = root / "reports"
    found = [
        p for p in sorted(reports.rglob("*")) if not {*PRIVATE} & {*p.relative_to(reports).parts}
    ]
    texts = [(str(p.relative_to(root)), read(p)) for p in found if p.is_file()]
    shown = [(name, html.unescape(data.decode("utf-8", "replace"))) for name, data in texts]
    return [("the output", said), ("the names of files", "\n".join(map(str, found))), *shown]


def read(path: Path) -> bytes:
    """What a file holds; of a workbook, what it has packed."""
    if path.suffix != ".xlsx":
        return path.read_bytes()
    with zipfile.ZipFile(path) as book:
        return b"\n".join(book.read(name) for name in book.namelist())

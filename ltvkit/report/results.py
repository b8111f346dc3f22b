"""Save a notebook's results for the report: tables, findings, figures, customer lists."""

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from ltvkit.core import csv_injection, files, people, pseudonyms, redaction
from ltvkit.core.i18n import N_, _
from ltvkit.display import formats, texts
from ltvkit.engines import frames
from ltvkit.errors import ReportError

__all__ = ["Result", "add_findings", "load", "mask", "save", "save_list", "tell_nothing"]

__dir__ = __all__.copy

csv.field_size_limit(1 << 24)  # a text may be as long as in an export (ingest.readers)
FINISHED = "result.json"
README = "README.txt"
ABOUT_LISTS = N_("""\
These lists are for people who may see customer data: publish a report without them.

Customers have their ids, or pseudonyms where LTVKIT_LIST_KEY was set. An id that is a name, an
e-mail address or a telephone number is masked: person- and the first 12 digits of its SHA-256, the
same in all lists (policies: {shown: [customer_id]} in the params file writes it as it is).

quarantine.csv has the lines that were left out, with the reason, and of the columns that are mapped
what the export says; names in them are masked. "text" is a line that was no row: its digits, with
the words masked. policies: {shown: [quarantine]} writes every column as it is.
events_left_out.csv and enquiries_left_out.csv have the rows of events and of enquiries that were
left out, in the same way, but nothing that customers wrote.
duplicates.csv has the lines that stand in the export more than once.
folded_ids.csv has the ids that were written in several ways.""")
CHUNK = 100_000  # rows of a list that are in memory at once
# Digits beyond these depend on the order in which an engine adds.
_DIGITS = "%.12g"
# Columns of a page's tables in which the kit writes, and by which it finds their rows.
_OWN_CELLS = ("check", "result", "period")
_FIGURE = re.compile(r"-?(\d{1,7}|\d+\.\d+)(e[-+]?\d+)?|-?inf|True|False|\d{4}-\d\d(-\d\d)?")
_NAME = re.compile(r"\w[\w '&+-]{0,99}")
_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Result:
    """The saved results of a page: `tables` by name, `findings`, `metrics`, names of `lists`.

    `elsewhere`: the lists that are too long for a CSV file and stay on a cluster.
    """

    page: str
    findings: list[str]
    metrics: dict[str, float]
    tables: dict[str, pd.DataFrame]
    lists: list[str]
    elsewhere: list[str] = field(default_factory=list)


def save(
    out: str,
    *,
    page: str,
    tables: Mapping[str, pd.DataFrame],
    findings: Sequence[str] = (),
    metrics: Mapping[str, float] | pd.Series = _NONE,
    lists: Mapping[str, Any] = _NONE,
) -> None:
    """Save a page's results in the folder `out`; with out="" (exploring) save nothing.

    `tables` go to tables/<name>.csv, `lists` (frames of any engine, with customer ids) to
    lists/<name>.csv, both UTF-8 with BOM, so that a spreadsheet reads them. No text becomes a
    formula there (see `core.csv_injection`). Lists get pseudonyms where a key is set (see
    `core.pseudonyms`), and names and e-mails in them are masked (see `core.people`). A long list
    on a cluster stays there, and lists/<name>.txt says where.
    result.json is written last: it shows that the notebook reached its end. Raises
    `ReportError` for a name that cannot name a file.
    """
    if out:
        folder = Path(out)
        for name, table in tables.items():
            _csv([table], _file(folder, "tables", name))
        files_of = {n: save_list(frame, _file(folder, "lists", n)) for n, frame in lists.items()}
        kept = {
            "page": page,
            "findings": list(dict.fromkeys(filter(None, findings))),
            "metrics": {name: float(_DIGITS % value) for name, value in dict(metrics).items()},
            "tables": list(tables),
            "texts": {name: _texts(table) for name, table in tables.items()},
            "lists": list(lists),
            "elsewhere": [n for n, file in files_of.items() if file.suffix == ".txt"],
        }
        files.write_json(folder / FINISHED, kept)
    print(_("finished: {page}").format(page=page))


def add_findings(out: str, findings: Sequence[str], *, page: str) -> None:
    """Add findings to a page's results; a page that saved none has these alone."""
    path = Path(out, FINISHED)
    if not path.is_file():
        save(out, page=page, tables={}, findings=findings)
        return
    kept = json.loads(path.read_text("utf-8"))
    kept["findings"] += [text for text in findings if text not in kept["findings"]]
    files.write_json(path, kept)


def mask(folder: Path) -> None:
    """Mask secrets, people and folders of this machine in what a notebook saved for pages."""
    kept = json.loads((folder / FINISHED).read_text("utf-8"))
    masked = kept | {"findings": redaction.mask_deep(kept["findings"])}
    if masked != kept:
        files.write_json(folder / FINISHED, masked)
    for path in sorted((folder / "tables").glob("*.csv")):
        written = path.read_bytes().decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(written, newline="")))
        if (text := _mask_rows(rows)) != rows:
            said = io.StringIO(newline="")
            csv.writer(said, lineterminator="\r\n").writerows(text)
            path.write_bytes(said.getvalue().encode("utf-8-sig"))


def _mask_rows(rows: list[list[str]]) -> list[list[str]]:
    """The cells of a table, masked one by one: figures, and the words of the kit's own, stay.

    A word that stands in every report would be told by its gap.
    """
    first = rows[0] if rows else []
    head = [name if name in formats.LABELS else redaction.mask_figures(name) for name in first]
    kept = {n for n, name in enumerate(first) if name in _OWN_CELLS}
    return [head] * bool(rows) + [
        [
            x if n in kept or _FIGURE.fullmatch(x) else redaction.mask_figures(x)
            for n, x in enumerate(row)
        ]
        for row in rows[1:]
    ]


def save_list(frame: Any, path: Path, *, shown: Iterable[str] | None = None) -> Path:
    """Write a list, a frame of any engine, as CSV for a spreadsheet, with pseudonyms where set.

    People are masked, except in the columns `shown`; None: those that the run's params declare. A
    README.txt beside the list says what such files hold.
    Returns the file: `path`, or beside it a .txt file that names a folder on the cluster, where
    the list is too long to be copied here.
    """
    opened = frames.lazy(frame)
    if frames.is_spark(opened):
        from ltvkit.engines.spark import lists

        if note := lists.write_long_list(opened.to_native(), path):
            return note
    if shown is None:
        shown = os.environ.get(people.VARIABLE, "").split(",")
    declared = set(shown)
    parts = (pseudonyms.apply(part) for part in frames.chunks(opened, rows=CHUNK))
    _csv((people.mask(part, shown=declared) for part in parts), path)
    files.write(path.with_name(README), f"{_(ABOUT_LISTS)}\n")
    return path


def tell_nothing(*, of: str = "orders") -> str:
    """What a page says that has no finding, of "orders" or "enquiries".

    >>> tell_nothing()
    'These orders tell nothing yet: each step says why.'
    """
    return texts.fill(f"{of}_tell_nothing")


def load(out: str | Path) -> Result:
    """Read the results that `save` wrote to `out`."""
    folder = Path(out)
    kept = json.loads((folder / FINISHED).read_text("utf-8"))
    texts = kept.pop("texts", {})
    tables = {name: _read(folder, name, texts.get(name, [])) for name in kept["tables"]}
    return Result(**{**kept, "tables": tables})


def _texts(table: pd.DataFrame) -> list[str]:
    """Columns to read back as text: "001" is not a number, "NA" is not missing."""
    return [str(c) for c in table if not pd.api.types.is_numeric_dtype(table[c])]


def _read(folder: Path, name: str, texts: list[str]) -> pd.DataFrame:
    kinds = dict.fromkeys(map(csv_injection.escape, texts), str)
    path = _file(folder, "tables", name)
    return csv_injection.unescape_table(
        pd.read_csv(path, dtype=kinds, keep_default_na=False, na_values=[""])
    )


def _file(folder: Path, kind: str, name: str) -> Path:
    """The file of a table or list; raises `ReportError` for a name that cannot name a file."""
    if not _NAME.fullmatch(name):
        raise ReportError(
            f"{kind}: {name[:100]!r} cannot name a file: use up to 100 letters, digits, spaces "
            "and - _ ' & +, as in rfm_segments."
        )
    return folder / kind / f"{name}.csv"


def _csv(parts: Iterable[pd.DataFrame], path: Path) -> None:
    """Write tables with the same columns one below the other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        for number, part in enumerate(parts):
            csv_injection.escape_table(part).to_csv(
                file,
                header=not number,
                index=False,
                float_format=_DIGITS,
                date_format="%Y-%m-%d",
                lineterminator="\r\n",  # as RFC 4180 has it; then a lone CR in a text is quoted too
            )

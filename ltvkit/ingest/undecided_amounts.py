"""Amounts whose mark may be the decimal one or may group, as 25.500, where no policy says which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ltvkit.engines.connection import ask
from ltvkit.errors import ParamsError
from ltvkit.ingest.amounts import PARTS
from ltvkit.ingest.parse import decimal_marks, signs, values
from ltvkit.ingest.parse.decimal_marks import Marks
from ltvkit.ingest.schema import FILE, LINE

if TYPE_CHECKING:
    from ltvkit.ingest.policies import Policies
    from ltvkit.ingest.readers import Raw
    from ltvkit.ingest.readers.part import Part

MONEY = ("amount", "unit_price", "margin", *(p for p in PARTS if p != "refunded_quantity"))
HEAD = 1000  # lines of a file that are looked at first


def list_written(part: Part, mapped: Mapping[str, str]) -> list[str]:
    """The headers of a part's columns of money that are texts, and were no numbers before."""
    headers = dict.fromkeys(mapped[n] for n in MONEY if n in mapped)
    texts = (h for h in headers if part.columns.get(h) == "VARCHAR" and h not in part.numeric)
    return [] if "database" in part.facts else list(texts)


def sum_both(relation: Any, mapped: Mapping[str, str]) -> tuple[float, float]:
    """What a DuckDB relation of lines adds up to with a decimal point, and with a decimal comma."""
    bases = (["amount"], ["quantity", "unit_price"], ["order_total"])
    names = next(base for base in bases if mapped.keys() >= set(base))
    kinds = dict(zip(relation.columns, map(str, relation.types), strict=True))
    read = [
        [f"({values.parse_number(mapped[n], kinds[mapped[n]], decimal=d)})" for n in names]
        for d in ".,"
    ]
    sums = ", ".join(f"coalesce(sum({' * '.join(r)}), 0)" for r in read)
    return relation.query("lines", f"select {sums} from lines").fetchall()[0]


def find_undecided(
    raw: Raw, mapped: Sequence[Mapping[str, str]], rules: Policies
) -> dict[str, Any]:
    """An opened source -> `example`, `lines` and `sums` of such amounts; empty where all tell.

    All lines are read only where the first ones leave it open.
    """
    pairs = [(p, m) for p, m in zip(raw.parts, mapped, strict=True) if list_written(p, m)]
    if rules.decimal or not pairs:
        return {}
    if _count(raw, pairs, _select_head).point_is_sure:
        return {}
    marks = _count(raw, pairs, lambda _raw, part: part.sql)
    if marks.point_is_sure or (raw.japanese and "," in marks.example):
        return {}
    sums = [sum_both(raw.connection.sql(part.sql), names) for part, names in pairs]
    both = [sum(some) for some in zip(*sums, strict=True)]
    return {"undecided": {"example": marks.example, "lines": marks.open, "sums": both}}


def check_undecided(currency: str, facts: Mapping[str, Any], *, rated: bool) -> None:
    """Raise `ParamsError` where the shop's currency does not tell how its amounts are read.

    `rated`: the amounts are in several currencies.

    >>> facts = {"undecided": {"example": "25.500", "lines": 3, "sums": [76.5, 76500.0]}}
    >>> check_undecided("KWD", facts, rated=False)
    >>> check_undecided("EUR", facts, rated=False)
    Traceback (most recent call last):
    ltvkit.errors.ParamsError: policies: decimal: amounts are written as 25.500 (3 lines), ...
    """
    if not (found := facts.get("undecided")):
        return
    mark = "," if "," in found["example"] else "."
    meant = decimal_marks.decide(mark, [] if rated else signs.list_codes(currency))
    if meant == ("decimal" if mark == "." else "group"):
        return
    fraction, whole = decimal_marks.read_both(found["example"])
    point, comma = (f"{s:,.2f}" for s in found["sums"])
    raise ParamsError(
        f"policies: decimal: amounts are written as {found['example']} ({found['lines']:,} lines), "
        f"which can be read as {fraction} or as {whole}, and no other amount tells which. With "
        f'`decimal: "."` all add up to {point}, with `decimal: ","` to {comma}: write one of them.'
    )


def _count(
    raw: Raw, pairs: Iterable[tuple[Part, Mapping[str, str]]], select: Callable[[Raw, Part], str]
) -> Marks:
    """The marks of what SQL of `select` gives of each part."""
    return decimal_marks.add(
        decimal_marks.count_marks(
            partial(ask, raw.connection, select(raw, part)), list_written(part, mapped)
        )
        for part, mapped in pairs
    )


def _select_head(raw: Raw, part: Part) -> str:
    """SQL for the first rows of a part, or of each of its files."""
    import pyarrow as pa

    if FILE in part.working:  # of several files
        return f"select * from ({part.sql}) where {LINE} < {part.first + HEAD}"
    if part.head is None:
        return f"select * from ({part.sql}) limit {HEAD}"
    width = len(part.columns)
    rows = [(row + [None] * width)[:width] for row in part.head(HEAD)]
    texts = pa.schema([(name, pa.string()) for name in part.columns])
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    raw.connection.register("head", pa.table(columns, texts) if rows else texts.empty_table())
    return "select * from head"

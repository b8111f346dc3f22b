"""Propose how money is written: its decimal mark and its currency; ask what only the shop knows.

Each function takes the opened source, canonical name -> header, and the shop system; it reads all
lines, since one amount can tell what a thousand leave open.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ltvkit.core.i18n import _, n_
from ltvkit.display import formats, joining
from ltvkit.engines.sql import literal, quoted
from ltvkit.ingest.parse import currencies, decimal_marks, signs, values
from ltvkit.ingest.parse.decimal_marks import Marks
from ltvkit.ingest.undecided_amounts import MONEY, list_written, sum_both

_ROUNDED = r"[-+]?\d(?:[.,]\d{1,5})?[eE]\+\d+"
MOST = 20  # currencies and signs that a question lists


def propose_decimal(
    raw: Any, columns: Mapping[str, str], texts: Mapping, system: Any
) -> tuple[dict[str, Any], dict[str, str]]:
    """The decimal comma where amounts show one -> policies, and a question where none tells.

    A mark that is only seen before three digits, as in 25.500, is decided by the currency: one
    without decimals, or one of a country that groups by the comma.
    """
    headers = dict.fromkeys(h for part in raw.parts for h in list_written(part, columns))
    marks = decimal_marks.count_marks(raw.ask, list(headers))
    if marks.comma and marks.point:
        return {"decimal": "," if marks.comma > marks.point else "."}, _ask_both(marks)
    if marks.comma:
        return {"decimal": ","}, {}
    if not (mark := marks.undecided):
        return {}, {}
    codes = _list_codes(raw, columns, system)
    meant = decimal_marks.decide(mark, codes)
    if meant == "group" and mark == ".":
        return {"decimal": ","}, _say_grouped(raw, columns, marks, codes)
    return {}, {} if meant else _ask_mark(raw, columns, marks)


def propose_currency(
    raw: Any, columns: Mapping[str, str], system: Any
) -> tuple[str, dict[str, str]]:
    """The currency that a column, the shop system or signs name; a question where none does."""
    stated = _list_stated(raw, columns)
    if len(stated) > 1:
        question = _("The orders are in {currencies}: name a file of rates under policies.")
        return stated[0], {"currency": question.format(currencies=_join(stated))}
    if stated:
        return stated[0].upper(), {}
    if system and system.currency:
        return system.currency, {}
    if found := _list_signs(raw, columns):
        return _choose_by_signs(found)
    if raw.japanese:
        return "JPY", {"currency": _("Not stated in the file; assumed from its language.")}
    return "USD", {"currency": _("Not stated in the file: USD is a placeholder.")}


def find_questions(raw: Any, columns: Mapping[str, str], decimal: str) -> dict[str, str]:
    """Questions about amounts that are read, and may be meant otherwise."""
    return _ask_both_below(raw, columns, decimal) | _ask_rounded(raw, columns)


def _ask_both_below(raw: Any, columns: Mapping[str, str], decimal: str) -> dict[str, str]:
    """A question where quantity and price are both below zero, and the amount is to be computed."""
    if "amount" in columns or not {"quantity", "unit_price"} <= set(columns):
        return {}
    quantity, price = (
        values.parse_number(columns[n], raw.columns[columns[n]], decimal=decimal)
        for n in ("quantity", "unit_price")
    )
    sql = f"select {quantity} q, {price} p from raw"
    [(lines, amount)] = raw.ask(f"select count(*), sum(q * p) from ({sql}) where q < 0 and p < 0")
    question = n_(
        "On {lines} line both {quantity} and {price} are below zero. It counts as a return, and "
        "lowers revenue by {amount}. Is that right?",
        "On {lines} lines both {quantity} and {price} are below zero. They count as returns, and "
        "lower revenue by {amount}. Is that right?",
        lines,
    )
    named = {"quantity": repr(columns["quantity"]), "price": repr(columns["unit_price"])}
    said = formats.fill(question, lines=lines, amount=formats.money(amount or 0), **named)
    return {"columns.unit_price": said} if lines else {}


def _ask_rounded(raw: Any, columns: Mapping[str, str]) -> dict[str, str]:
    """A question where amounts are powers of ten, as spreadsheets show large numbers rounded."""
    name = next((n for n in ("amount", "unit_price", "order_total") if n in columns), None)
    if name is None or raw.columns[columns[name]] != "VARCHAR":
        return {}
    text = values.strip_blanks(quoted(columns[name]))
    sql = f"select {text} v from raw where contains({quoted(columns[name])}, '+')"
    [(lines, amount, example)] = raw.ask(
        "select count(*), sum(try_cast(v as double)), min(v) "
        f"from ({sql}) where regexp_full_match(v, {literal(_ROUNDED)})"
    )
    question = n_(
        "{lines} amount is written as {example} ({amount}), as a spreadsheet shows large numbers: "
        "digits may be lost. Export it anew as a plain number.",
        "{lines} amounts are written as {example} ({amount} in all), as a spreadsheet shows large "
        "numbers: digits may be lost. Export them anew as plain numbers.",
        lines,
    )
    said = formats.fill(question, lines=lines, amount=formats.money(amount or 0), example=example)
    return {f"columns.{name}": said} if lines else {}


def _choose_by_signs(found: list[str]) -> tuple[str, dict[str, str]]:
    first = signs.SIGNS[found[0]][0]
    if len(found) > 1:
        question = _("The amounts are written with {signs}: several currencies.")
        return first, {"currency": question.format(signs=_join(found))}
    if found[0] not in signs.SHARED:
        return first, {}
    question = _("{sign} is written for {currencies}: choose one.")
    listed = _(" or ").join(c for c in signs.SIGNS[found[0]] if c in signs.CODES)
    return first, {"currency": question.format(sign=repr(found[0]), currencies=listed)}


def _ask_both(marks: Marks) -> dict[str, str]:
    question = _(
        "{comma} amounts are written with a decimal comma, and {point} with a decimal point. Only "
        "those with the mark named here can be read: write all of them alike."
    )
    return {"policies.decimal": formats.fill(question, comma=marks.comma, point=marks.point)}


def _ask_mark(raw: Any, columns: Mapping[str, str], marks: Marks) -> dict[str, str]:
    question = n_(
        "{example} can be read as {fraction} or as {whole}; {lines} amount is written so.",
        "{example} can be read as {fraction} or as {whole}; {lines} amounts are written so.",
        marks.open,
    )
    more = _('With "." all add up to {point}, with "," to {comma}: choose one.')
    question = joining.sentences([question, more])
    return {"policies.decimal": _fill(question, raw, columns, marks)}


def _say_grouped(
    raw: Any, columns: Mapping[str, str], marks: Marks, codes: Collection[str]
) -> dict[str, str]:
    question = n_(
        "{example} is read as {whole}, since {currency} has no decimals; {lines} amount is written "
        "so.",
        "{example} is read as {whole}, since {currency} has no decimals; {lines} amounts are "
        "written so.",
        marks.open,
    )
    more = _('All add up to {comma}; with "." they would add up to {point}.')
    question = joining.sentences([question, more])
    said = _fill(question, raw, columns, marks, currency=_(" or ").join(codes))
    return {"policies.decimal": said}


def _fill(question: str, raw: Any, columns: Mapping[str, str], marks: Marks, **texts: str) -> str:
    fraction, whole = decimal_marks.read_both(marks.example)
    point, comma = (formats.money(s) for s in sum_both(raw.frame, columns))
    texts |= {"example": marks.example, "fraction": fraction, "whole": whole}
    return formats.fill(question, lines=marks.open, point=point, comma=comma, **texts)


def _list_codes(raw: Any, columns: Mapping[str, str], system: Any) -> list[str]:
    """The currencies that the amounts may be in, the likeliest first."""
    named = [system.currency] if system and system.currency else []
    known = _list_stated(raw, columns) or named or _list_signs(raw, columns)
    known = known or ["JPY"] * raw.japanese
    return list(dict.fromkeys(code for text in known for code in signs.list_codes(text)))


def _list_signs(raw: Any, columns: Mapping[str, str]) -> list[str]:
    """The signs beside amounts, the most frequent first."""
    priced = dict.fromkeys(columns[n] for n in MONEY if n in columns)
    headers = [h for h in priced if raw.columns[h] == "VARCHAR"]
    texts = [f"select {currencies.detect_sign(h)} v from raw" for h in headers]
    return _list_frequent(raw, " union all ".join(texts)) if texts else []


def _list_stated(raw: Any, columns: Mapping[str, str]) -> list[str]:
    """The values of a column of currencies, the most frequent first."""
    if "currency" not in columns:
        return []
    text = values.parse_text(columns["currency"], raw.columns[columns["currency"]])
    return _list_frequent(raw, f"select {text} v from raw")


def _list_frequent(raw: Any, sql: str) -> list[str]:
    sql = f"select v from ({sql}) where v is not null group by v order by count(*) desc, v"
    return [v for (v,) in raw.ask(f"{sql} limit {MOST}")]


def _join(texts: Iterable[str]) -> str:
    return joining.items(map(repr, texts))

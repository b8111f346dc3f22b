"""Which rows are no sale: cancelled and failed orders, tests, shipping; by statuses and flags.

Each choice is asked about with the orders and money that hang on it.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ltvkit.core.i18n import _
from ltvkit.core.personal_data import header_key, is_personal
from ltvkit.display import joining
from ltvkit.ingest.money_columns import read_base
from ltvkit.ingest.schema import ANY
from ltvkit.ingest.status_words import (
    WORDS,
    find_no_sale,
    find_returns,
    is_cancel_date,
    is_cancelled,
)
from ltvkit.ingest.systems import System
from ltvkit.inspection.stakes import Ask

Policies = dict[str, Any]


def find_below_zero(head: Any, columns: Mapping[str, str]) -> list[str]:
    """The values of `status` whose rows are all below zero: they take money back that the sale, on
    a row of its own, has brought. To leave them out would count the sale as kept."""
    money = read_base(head, columns)
    if money is None or "status" not in columns:
        return []
    status = head[columns["status"]].astype("string").str.strip()
    highest = money.groupby(status).max()
    return [str(value) for value in highest.index[highest < 0]]


def propose_statuses(
    known: Mapping[str, str], system: System | None, *, below_zero: Collection[str] = ()
) -> tuple[Policies, list[Ask]]:
    """The values of `status`, each with its orders -> which mean a cancelled line, and what is not
    sure of it. Of an unknown system those `below_zero` are returns (see `find_below_zero`)."""
    listed = [*system.policies.get("cancelled_status", ())] if system else []
    settled = {*listed, *(system.statuses.get("status", ()) if system else ())}
    new = [v for v in known if v not in settled]
    gone = [v for v in new if is_cancelled(v) and v not in below_zero]
    meant = list(dict.fromkeys((*listed, *gone)))
    policies = {"cancelled_status": meant} if meant else {}
    unsure = [v for v in new if is_cancelled(v) or not WORDS["settled"].search(header_key(v))]
    if not unsure or not known:
        return policies, []
    yes, no = ([v for v in known if (v in meant) == is_so] for is_so in (True, False))
    question = _("No status counts as cancelled ({no}). Is that right?")
    if yes and no:
        question = _("Status {yes} counts as cancelled, {no} does not. Is that right?")
    elif yes:
        question = _("Every status counts as cancelled ({yes}). Is that right?")
    yes, no = (joining.items(f"{v!r} ({known[v]})" for v in values) for values in (yes, no))
    said = question.format(yes=yes, no=no)
    # The other reading: nothing is cancelled, or all that is rarer than the most frequent status.
    rarer = [v for v in list(known)[1:] if v in unsure]
    otherwise = {"policies": {"cancelled_status": [] if meant else rarer}}
    return policies, [Ask("policies.cancelled_status", said, otherwise)]


def propose_exclusions(
    values: Mapping[str, Collection[str]], columns: Mapping[str, str], system: System | None
) -> tuple[dict[str, str], Policies, list[Ask]]:
    """Values of columns with few of them -> columns and `exclude` for rows that are no sale.

    Of a known system only the statuses it does not know are asked about.
    """
    named, excluded, asks = {}, {}, []
    if system:
        return {}, {}, _ask_unknown(values, columns, system)
    for header, written in values.items():
        if header in columns.values() or is_personal(header):
            continue
        if is_cancel_date(header) and {"status", "order_id"} <= set(columns):
            continue  # the status says so: where they differ, `questions` asks
        meant = find_no_sale(header, written)
        if meant:
            name = make_name(header, {*columns, *named})
            named[name], excluded[name] = header, meant
    for name, meant in excluded.items():
        rest = {n: v for n, v in excluded.items() if n != name}
        asks.append(_ask_excluded(named[name], meant, rest))
    return named, {"exclude": excluded} if excluded else {}, asks


def propose_returns(
    values: Mapping[str, Collection[str]], head: Any, columns: Mapping[str, str]
) -> tuple[dict[str, str | None], Policies, list[Ask]]:
    """A column of kinds of rows, sales and returns -> it and `return_rows` for those above zero.

    Returns below zero count as they are written. Cancelled kinds are left out. A column that is
    mapped as the status is one of kinds instead.
    """
    money = read_base(head, columns)
    taken = {h for n, h in columns.items() if n != "status"}
    for header, written in values.items():
        back = find_returns(written)
        if not back or money is None or header in taken:
            continue
        name = make_name(header, columns)
        named = {name: header} | ({"status": None} if columns.get("status") == header else {})
        policies, asks = {}, []
        if gone := [v for v in written if is_cancelled(v) and v not in back]:
            policies["exclude"] = {name: gone}
            asks.append(_ask_excluded(header, gone, {}))
        rows = money[head[header].astype("string").str.strip().isin(back)].dropna()
        if (rows > 0).any():
            policies["return_rows"] = {name: back}
            said = _("Rows whose {header} is {values} are above zero. They are taken off.")
            asked = said.format(header=repr(header), values=_join(back))
            ask = Ask("policies.return_rows", asked, {"policies": {"return_rows": {}}})
            asks.append(ask)
        return named, policies, asks
    return {}, {}, []


def _ask_excluded(header: str, meant: list[str], rest: Mapping[str, Any]) -> Ask:
    said = _("Rows whose {header} is {values} count as no sale. Is that right?")
    if meant == [ANY]:
        said = _("Rows with a {header} count as no sale. Is that right?")
    text = said.format(header=repr(header), values=_join(meant))
    return Ask("policies.exclude", text, {"policies": {"exclude": rest}})


def ask_no_goods(
    values: Collection[str], policies: Mapping[str, Any], column: str = "product"
) -> list[Ask]:
    """Values of a column of products: whether rows of shipping, fees and gift cards count."""
    meant = [v for v in values if WORDS["no_goods"].search(header_key(v))]
    if not meant:
        return []
    question = _("Rows of the product {values} count as sales. Goods alone are without them.")
    exclude = dict(policies.get("exclude", {})) | {column: meant}
    otherwise = {"policies": {"exclude": exclude}}
    return [Ask("policies.exclude", question.format(values=_join(meant)), otherwise)]


def make_name(header: str, taken: Collection[str]) -> str:
    """A header as the name of a column.

    >>> make_name("Is Cancelled?", []), make_name("取消 区分", []), make_name("2nd", [])
    ('is_cancelled', '取消_区分', 'flag')
    """
    name = re.sub(r"\W+", "_", header_key(header)).strip("_")
    name = name if name.isidentifier() and name not in ("line", "reason") else "flag"
    return name if name not in taken else f"{name}_2"


def _ask_unknown(
    values: Mapping[str, Collection[str]], columns: Mapping[str, str], system: System
) -> list[Ask]:
    asks, excluded = [], dict(system.policies.get("exclude", {}))
    for name, known in system.statuses.items():
        header = columns.get(name)
        if name == "status" or header not in values:
            continue
        seen = {header_key(v) for v in (*known, *excluded.get(name, ()))}
        if unknown := [v for v in values[header] if header_key(v) not in seen]:
            question = _("{header} {values} is not known, and counts.")
            said = question.format(header=header, values=_join(unknown))
            changed = excluded | {name: [*excluded.get(name, ()), *unknown]}
            asks.append(Ask("policies.exclude", said, {"policies": {"exclude": changed}}))
    return asks


def _join(texts: Iterable[str]) -> str:
    return joining.items(map(repr, texts))

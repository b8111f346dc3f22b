"""Choose the column that tells customers apart, and the one that tells orders apart.

Customers are told apart by the shop's own number, else by e-mail address, else by telephone number.
A column without values is never chosen, and a name is no key.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ltvkit.core.i18n import _, n_
from ltvkit.core.personal_data import header_key
from ltvkit.display import formats, joining
from ltvkit.inspection.fill_down import is_filled, iterate_texts
from ltvkit.inspection.stakes import Ask
from ltvkit.quality.customer_ids import PLACEHOLDERS

_MAIL = re.compile(r"メール|mail")
_PHONE = re.compile(r"電話|phone|\btel\b|携帯番号")
# What such a header says beside an address: of the buyer, or of somebody else.
_NO_ADDRESS = re.compile(
    r"キャリア|差込|マガジン|配信|希望|送信|可否|marketing|mailing|consent|区分"
)
_BUYER = re.compile(
    r"注文者|購入者|請求|受注|顧客|会員|お客|メイン|bill|buyer|customer|contact|^mail|^e"
)
_OTHERS = re.compile(r"配送|送付|届け|発送|店舗|サブ|モバイル|ship|recipient|seller|store|gift")
_LOW = 0.9  # of the lines: a key that fewer have is held against the next one


def find_empty(head: Any) -> set[str]:
    """The columns of a frame that have no value."""
    return {c for c in head.columns if len(head) and not any(iterate_texts(head[c]))}


def list_mails(found: Iterable[str]) -> list[str]:
    """The headers of buyers' e-mail addresses, before those that do not say whose."""
    return _rank(found, _MAIL)


def list_phones(found: Iterable[str]) -> list[str]:
    """The headers of buyers' telephone numbers, before those that do not say whose."""
    return _rank(found, _PHONE)


def choose_alike(head: Any, fits: list[str]) -> str | None:
    """Of columns that fit equally well, the first, where all tell the same rows apart."""
    first = head[fits[0]].astype("string")
    for header in fits[1:]:
        other = head[header].astype("string")
        pairs = first.fillna("").str.cat(other.fillna(""), sep="\0")
        if not first.nunique() == other.nunique() == pairs[pairs != "\0"].nunique():
            return None
    return fits[0] if first.nunique() > 1 else None


def propose_customer(
    head: Any, columns: Mapping[str, str], *, unsaid: bool = False
) -> tuple[dict[str, str], list[Ask], list[str]]:
    """The head of an export and what is mapped -> the customer's column, what to ask, to know.

    `unsaid`: the system's exports do not say who bought, so only what names the buyer is taken.
    """
    found = list(head.columns)
    further = [*list_mails(found), *list_phones(found)]
    further = [h for h in further if not unsaid or _BUYER.search(header_key(h))]
    chosen = columns.get("customer_id") or next(iter(further), None)
    if chosen is None:
        return {}, [], []
    key = {"customer_id": chosen}
    notes = _describe_key(chosen)
    better = next(
        (h for h in further if h != chosen and _share(head, h) > _share(head, chosen)), None
    )
    if chosen in further or better is None or _share(head, chosen) >= _LOW:
        return key, [], notes
    question = _(
        "{key} is empty on {share} of the lines, which are left out. {other} would tell more "
        "customers apart."
    )
    said = question.format(
        key=repr(chosen), share=formats.share(1 - _share(head, chosen)), other=repr(better)
    )
    return key, [Ask("columns.customer_id", said, {"columns": {"customer_id": better}})], notes


def propose_guests(
    head: Any, columns: Mapping[str, str], policies: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Ask]]:
    """Ids that usually mean nobody -> `guest_ids`, to be confirmed."""
    header = columns.get("customer_id")
    if header is None or "guest_ids" in policies:
        return {}, []
    written = head[header].dropna().astype(str).str.strip()
    # One id of many orders, not of one: 0 can be a customer like 1 and 2.
    many = written.str.casefold().isin(PLACEHOLDERS) & (written.map(written.value_counts()) > 1)
    nobody = sorted(set(written[many]))
    if not nobody:
        return {}, []
    question = n_(
        "The customer id {ids} is taken as nobody's (guests).",
        "The customer ids {ids} are taken as nobody's (guests).",
        len(nobody),
    )
    said = question.format(ids=joining.items(map(repr, nobody)))
    return {"guest_ids": nobody}, [Ask("policies.guest_ids", said, {"policies": {"guest_ids": []}})]


def ask_orders(columns: Mapping[str, str], head: Any) -> list[Ask]:
    """Where no column tells orders apart: which one is it?"""
    if "order_id" in columns or not {"customer_id", "order_date"} <= set(columns):
        return []
    question = _("No column of order numbers was found, so each line counts as an order.")
    if likely := _list_repeated(head, columns):
        more = _("{headers} may be one.").format(headers=joining.items(map(repr, likely)))
        question = joining.sentences([question, more])
    other = (
        {"columns": {"order_id": likely[0]}} if likely else {"policies": {"same_day": "one_order"}}
    )
    return [Ask("columns.order_id", question, other)]


def _list_repeated(head: Any, columns: Mapping[str, str]) -> list[str]:
    """Columns whose values repeat within one customer and day only, as order numbers do."""
    by = [columns["customer_id"], columns["order_date"]]
    free = [c for c in head.columns if c not in columns.values()]
    likely = []
    for column in free:
        filled = is_filled(head[column])
        distinct = head[column].astype("string").str.strip()[filled].nunique()
        if filled.mean() < _LOW or not len(head) / 20 < distinct < filled.sum():
            continue
        groups = head[filled].groupby(column)[by].nunique().max()
        if (groups <= 1).all():
            likely.append(column)
    return likely[:3]


def _describe_key(chosen: str) -> list[str]:
    key = header_key(chosen)
    if _MAIL.search(key):
        return [
            _(
                "Customers are told apart by {header}. An e-mail address is personal data: better "
                "export a customer number, and map that."
            ).format(header=repr(chosen))
        ]
    if _PHONE.search(key):
        return [
            _(
                "Customers are told apart by {header}. A telephone number is personal data, and "
                "families share it: better export a customer number, and map that."
            ).format(header=repr(chosen))
        ]
    return []


def _rank(found: Iterable[str], kind: re.Pattern) -> list[str]:
    """Headers of a kind, the buyer's before those that do not say whose; no one else's."""
    keyed = {h: header_key(h) for h in found}
    fitting = [h for h, key in keyed.items() if kind.search(key) and not _NO_ADDRESS.search(key)]
    own = [h for h in fitting if _BUYER.search(keyed[h]) or not _OTHERS.search(keyed[h])]
    return sorted(own, key=lambda h: not _BUYER.search(keyed[h]))


def _share(head: Any, column: str) -> float:
    return float(is_filled(head[column]).mean()) if len(head) else 0.0


def keep_filled(found: Collection[str], empty: Collection[str]) -> list[str]:
    """Headers without the ones of keys that have no value."""
    likely = {*list_mails(found), *list_phones(found)} | {
        h for h in found if _ID.search(header_key(h))
    }
    return [h for h in found if h not in empty or h not in likely]


_ID = re.compile(r"id$|番号|コード|no\.?$|number|code|customer|buyer|顧客|会員")

"""Which canonical column a header means: headers.yaml has the names that exports give theirs.

Money without tax goes before money with it: the tax is passed on, the costs that LTV is held
against come without it, and years across a change of its rate stay comparable.
"""

import re
from collections.abc import Iterable
from functools import cache
from itertools import chain

from ltvkit.core import files, personal_data
from ltvkit.core.personal_data import header_key

# Canonical column -> tiers of headers.
ALIASES = files.read_yaml(__name__, "headers.yaml")

# The tier of `amount` whose values stand on every line of an order.
ORDER_TOTALS = 2

_TAX = {
    "excluded": r"税抜き?|税別|外税|本体|\bht\b|netto|(?:exkl|zzgl)\w*\.? mwst\.?"
    r"|excl?\w*\.? (?:of )?tax|tax excl\w*|w/o tax|without tax",
    "included": r"税込み?|内税|\bttc\b|brutto|inkl\w*\.? mwst\.?"
    r"|incl?\w*\.? (?:of )?tax|tax incl\w*|with tax|inc\.? tax",
}
_UNIT = r"円|yen|jpy|¥|\$|usd|€|eur|個|点"
_BRACKETS = r"[(\[【<]\s*(?:{})?\s*[)\]】>]"


# What no header is: a day, and a number that is no year.
_DAY = re.compile(r"\d{2,4}[-/.年]\d{1,2}[-/.月]\d{1,4}日?\b.*|\d{8}")
_NUMBER = re.compile(r"(?!(?:19|20)\d\d$)[-+¥$]?\d[\d,.]*円?")


def list_found(found: Iterable[str]) -> str:
    """The headers of an export for a message; what is no line of headers is not quoted.

    >>> list_found(["Kunde", "Betrag"])
    'Kunde, Betrag'
    >>> list_found(["Taro", "2024-01-05", "100"])
    'no headers, as its first line looks like data; policies: header_line says which line names the
    columns'
    """
    named = drop_data(found)
    if not named:
        return (
            "no headers, as its first line looks like data; policies: header_line says which line "
            "names the columns"
        )
    return ", ".join(named)


def drop_data(found: Iterable[str]) -> list[str]:
    """The headers, without people in them; none where they are a line of data."""
    headers = [str(header) for header in found]
    shown = list(map(personal_data.hide, headers))
    days = any(_DAY.fullmatch(header.strip()) for header in headers)
    numbers = sum(bool(_NUMBER.fullmatch(header.strip())) for header in headers)
    return [] if days or numbers > 1 else shown


def match_header(wanted: str, found: Iterable[str]) -> str | None:
    """The header that `wanted` names: the same text, else the only one of the same key.

    >>> match_header("order date", ["Order_Date", "Total"]), match_header("a b", ["A B", "a-b"])
    ('Order_Date', None)
    """
    found = list(found)
    alike = [h for h in found if h == wanted] or [
        h for h in found if header_key(h) == header_key(wanted)
    ]
    return alike[0] if len(alike) == 1 else None


def match_columns(found: Iterable[str]) -> dict[str, str]:
    """Headers -> canonical name: header, for each that is certain, in the order of `ALIASES`.

    >>> match_columns(["会員番号", "受注日", "税抜金額", "税込金額", "備考"])
    {'customer_id': '会員番号', 'order_date': '受注日', 'amount': '税抜金額'}
    """
    return {name: fits[0] for name, fits in _find_candidates(found).items() if len(fits) == 1}


def find_ambiguous(found: Iterable[str]) -> dict[str, list[str]]:
    """Headers -> canonical name: the headers that fit it equally well.

    >>> find_ambiguous(["会員番号", "顧客番号", "受注日"])
    {'customer_id': ['会員番号', '顧客番号']}
    """
    return {name: fits for name, fits in _find_candidates(found).items() if len(fits) > 1}


def find_tax_basis(header: str) -> str:
    """Whether an amount's header says that tax is "included" or "excluded"; "": it says neither.

    >>> find_tax_basis("売上（税込）"), find_tax_basis("Line (w/o tax)"), find_tax_basis("売上")
    ('included', 'excluded', '')
    """
    found = [basis for basis, words in _TAX.items() if re.search(words, header_key(header))]
    return found[0] if found else ""


def is_order_total(header: str) -> bool:
    """Whether an amount's header is that of a whole order.

    >>> is_order_total("合計金額"), is_order_total("Line Total"), is_order_total("Amount")
    (True, False, False)
    """
    bare = _normalize(header)
    return bare in set(map(_normalize, ALIASES["amount"][ORDER_TOTALS]))


def _find_candidates(found: Iterable[str]) -> dict[str, list[str]]:
    known = {header: _normalize(header) for header in found}
    fitting: dict[str, list[str]] = {}
    for name, tiers in ALIASES.items():
        if name == "amount" and _is_priced(known):
            tiers = tiers[:ORDER_TOTALS]
        for tier in tiers:
            names = set(map(_normalize, tier))
            if fits := [h for h, bare in known.items() if bare in names]:
                fitting[name] = _prefer_untaxed(fits, known)
                break
    return fitting


def _is_priced(known: dict[str, str]) -> bool:
    """Whether quantity and unit price are there, which then make the amount."""
    there = set(known.values())
    return all(
        there & {_normalize(alias) for alias in chain(*ALIASES[name])}
        for name in ("quantity", "unit_price")
    )


def _prefer_untaxed(fits: list[str], known: dict[str, str]) -> list[str]:
    """Of headers that differ only in tax, the one without it."""
    if len({known[h] for h in fits}) > 1:
        return fits
    for basis in ("excluded", "", "included"):
        if alike := [h for h in fits if find_tax_basis(h) == basis]:
            return alike
    return fits


@cache
def _normalize(header: str) -> str:
    """A header bare of tax, unit, honorific and blanks: ご注文金額(円) is 注文金額."""
    bare = re.sub("|".join(_TAX.values()), "", header_key(header))
    bare = re.sub(_BRACKETS.format(_UNIT), "", bare)
    bare = re.sub(r"^[ごお御](?=[^ぁ-ん])|\.(?= *$)", "", bare)
    bare = re.sub(r"#$|n°|no\.(?= )", "no", bare)
    return bare.replace(" ", "") or header_key(header)

"""How currencies are written beside amounts: their signs and codes, and what these tell."""

import re

from ltvkit.core import files

_FACTS = files.read_yaml(__name__, "currencies.yaml")
CODES = frozenset(_FACTS["codes"].split())
NO_DECIMALS = frozenset(_FACTS["no_decimals"].split())
THREE_DECIMALS = frozenset(_FACTS["three_decimals"].split())
COMMA_GROUPS = frozenset(_FACTS["comma_groups"].split())


def _list_signs() -> dict[str, list[str]]:
    """Sign -> the currencies that use it, of signs and of codes that are written under none."""
    known = {sign: one["currencies"] for sign, one in _FACTS["signs"].items()}
    return known | {code: [code] for code in sorted(CODES - set(_list_tokens()))}


def _list_tokens() -> dict[str, str]:
    """What may be written beside an amount -> its sign."""
    return {text: sign for sign, one in _FACTS["signs"].items() for text in one["written"]}


SIGNS = _list_signs()
TOKENS = _list_tokens() | {code: code for code in SIGNS if code in CODES}
# Signs that several currencies use, none of them likelier than the others.
SHARED = frozenset(sign for sign, one in _FACTS["signs"].items() if one.get("shared"))
# A regular expression for any token, the longest first.
TOKEN = "(?:" + "|".join(re.escape(t) for t in sorted(TOKENS, key=lambda t: (-len(t), t))) + ")"


def list_codes(written: str) -> list[str]:
    """The currencies that a code or a sign stands for, the likeliest first; none if it is unknown.

    >>> list_codes("¥"), list_codes("EUR")
    (['JPY', 'CNY'], ['EUR'])
    """
    if written in CODES:
        return [written]
    used = (code for known in SIGNS.values() if written in known for code in known)
    return list(dict.fromkeys(code for code in used if code in CODES))

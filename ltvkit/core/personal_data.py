"""Recognise personal data: columns by headers, e-mails and telephone numbers by their form."""

import re
import unicodedata
from functools import lru_cache

from ltvkit.core import files

_QUOTES = "\"'“”‘’「」"
_HEADERS = files.read_yaml(__name__, "personal_data.yaml")
_REFUSED, _HIDDEN = (re.compile("|".join(_HEADERS[part])) for part in ("refused", "hidden"))
# What stands for more in the patterns of forms: engines disagree on \d, and hyphens are many.
_CLASSES = {r"\d": "[0-9０-９]", "~": r"\-‐-―−－ーｰ"}


def _read_forms() -> dict[str, list[str]]:
    """Kind -> patterns without what only Python reads, as DuckDB searches by them, too."""
    forms: dict[str, list[str]] = files.read_yaml(__name__, "personal_forms.yaml")
    for short, full in _CLASSES.items():
        forms = {kind: [form.replace(short, full) for form in forms[kind]] for kind in forms}
    return forms


FORMS = _read_forms()


@lru_cache(100_000)  # each header is compared with hundreds of known ones
def header_key(text: str) -> str:
    """A header in the form in which headers are compared: width, case and blanks do not count.

    >>> header_key(' "Ｏｒｄｅｒ＿ Date"'), header_key("顧客ＩＤ")
    ('order date', '顧客id')
    """
    plain = unicodedata.normalize("NFKC", str(text)).replace("\ufeff", "")
    return re.sub(r"[\s_\-]+", " ", plain.strip().strip(_QUOTES)).strip().casefold()


def is_personal(header: str) -> bool:
    """Whether a header looks like that of names, addresses or other personal data.

    >>> is_personal("お名前(姓)"), is_personal("Email (Billing)"), is_personal("商品名")
    (True, True, False)
    """
    key = header_key(header)
    return bool(_REFUSED.search(key) or _HIDDEN.search(key))


def is_refused(header: str) -> bool:
    """Whether a header is of nothing but people, so that its column is not mapped at all.

    >>> is_refused("お名前(姓)"), is_refused("Recipient")
    (True, False)
    """
    return bool(_REFUSED.search(header_key(header)))


def is_contact(header: str) -> bool:
    """Whether a header looks like that of people and of nothing else.

    What is called a name alone can be a product's.

    >>> [is_contact(header) for header in ("お届け先", "Recipient", "Name", "商品の名前")]
    [True, True, False, False]
    """
    return is_personal(header) and not _NAME_OF_ANYTHING.search(header_key(header))


_NAME_OF_ANYTHING = re.compile(r"^((full|first|last) ?)?name$|^名(\W|$)|名前|company|会社名|カナ")
_NAME = re.compile(
    r"氏|名前|お名|^名(\W|$)|フリガナ|ふりがな|(お客様|顧客|会員|購入者|会社)名|注文者(名|氏名)?$|宛名|"
    r"^((user|sur|first|last|full|customer|billing|shipping|buyer) ?)?name$"
)


def is_name(header: str) -> bool:
    """Whether a header looks like that of people's names, which do not tell people apart.

    >>> is_name("購入者名"), is_name("Customer Name"), is_name("顧客ID"), is_name("Email")
    (True, True, False, False)
    """
    return bool(_NAME.search(header_key(header)))


def hide(text: str, *, strict: bool = True) -> str:
    """A text without e-mails and telephone numbers; `strict`: those that can be nothing else.

    >>> hide("ask a.b@example.org, 03-1234-5678 by 2024-01-05"), hide("555-123-4567")
    ('ask ***, *** by 2024-01-05', '555-123-4567')
    """
    return _FORMS[strict].sub("***", text)


def _compile(kinds: tuple[str, ...]) -> re.Pattern[str]:
    forms = "|".join(form for kind in kinds for form in FORMS[kind])
    # Japanese is written without blanks: 電話03-1234-5678まで
    return re.compile(rf"(?<![A-Za-z\d_.+%-])(?:{forms})(?![A-Za-z\d_-])")


_SURE = ("mail", "telephone")
_FORMS = {True: _compile(_SURE), False: _compile((*_SURE, "telephone_or_code"))}

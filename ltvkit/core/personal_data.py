"""Recognise columns of personal data by their headers."""

import re
import unicodedata

from ltvkit.core import files

_QUOTES = "\"'“”‘’「」"
_PERSONAL = re.compile("|".join(files.read_yaml(__name__, "personal_data.yaml")))


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
    return bool(_PERSONAL.search(header_key(header)))


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

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

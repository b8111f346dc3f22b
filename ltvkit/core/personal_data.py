"""Recognise columns of personal data by their headers."""

import re
import unicodedata

_QUOTES = "\"'“”‘’「」"
_PERSONAL = re.compile(
    r"氏|名前|お名|姓|^名(\W|$)|フリガナ|ふりがな|カナ(?!ダ)|メール(?!便)|電話|携帯|\btel\b|phone|"
    r"mobile|fax|e ?mail|^mail|住所|番地|届け?先|郵便番号|address|street|\bzip\b|postal|postcode|"
    r"誕生|生年月日|birth|^((user|sur|first|last|full|customer|billing|shipping) ?)?name$|"
    r"(first|last|full|customer) name|(お客様|顧客|会員|購入者|会社)名|注文者|company|宛名"
)


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

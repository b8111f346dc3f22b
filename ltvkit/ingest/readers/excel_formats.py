"""What a cell's number format shows beside its number: the currency's sign, and zeros in front."""

import re
from functools import lru_cache
from typing import NamedTuple

from ltvkit.ingest.parse.signs import TOKENS

# A piece of a format: text in quotes, an escaped character, the sign of a currency with its locale,
# a colour or a condition, a blank as wide as a character or a filling one, any other character.
_PIECE = re.compile(r'"([^"]*)"|\\(.)|\[\$([^\]-]*)(?:-[^\]]*)?\]|\[[^\]]*\]|[_*].|(.)', re.DOTALL)
_NUMBER = "#0?.,%/eE"


class Format(NamedTuple):
    """`sign` beside the number, "" without one; `template` of an id, as 000-0000, "" where the
    format is another.
    """

    sign: str
    template: str


@lru_cache(maxsize=4096)
def parse_format(code: str) -> Format:
    """A number format of Excel -> what it shows, of its part for numbers above zero.

    >>> parse_format('[$€-407] #,##0.00'), parse_format('000"-"0000')
    (Format(sign='€', template=''), Format(sign='', template='000-0000'))
    """
    from openpyxl.styles.numbers import BUILTIN_FORMATS

    literal, template, plain = "", "", True
    for quoted, escaped, sign, other in _PIECE.findall(code):
        if other == ";":
            break
        said = quoted or escaped or sign
        literal += said or (other if other not in _NUMBER else "")
        template += said or other
        plain = plain and (other in ("", "0", "-"))
    token = literal.strip(" -+()\u00a0")
    # The currencies of Excel's own formats are those of the machine's language.
    known = token in TOKENS and code not in BUILTIN_FORMATS.values()
    padded = plain and template.endswith("0") and template.count("0") > 1
    return Format(token if known else "", template if padded and not known else "")


def write_number(value: float, code: str, *, decimal: str) -> str:
    """A cell's number and format -> its text: a whole number without a point, with what it shows.

    >>> write_number(17, "00000", decimal="."), write_number(1234567, "000-0000", decimal=".")
    ('00017', '123-4567')
    >>> write_number(-12.5, '"¥"#,##0', decimal=","), write_number(3.0, "General", decimal=".")
    ('¥-12,5', '3')
    """
    whole = float(value).is_integer() and abs(value) < 1e15
    text = str(int(value)) if whole else str(value).replace(".", decimal)
    shown = parse_format(code)
    if shown.template and whole and value >= 0:
        return _fill(shown.template, text)
    return shown.sign + text


def _fill(template: str, digits: str) -> str:
    """Digits in place of the zeros of a template, from the right; more of them before the first."""
    zeros = template.count("0")
    spare, rest = digits[: max(0, len(digits) - zeros)], iter(digits[-zeros:].zfill(zeros))
    text = "".join(next(rest) if c == "0" else c for c in template)
    first = template.index("0")
    return text[:first] + spare + text[first:]

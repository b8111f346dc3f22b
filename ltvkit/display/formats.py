"""Labels and numbers as people read them: the one place where anything is rounded.

`money`, `share`, `count`, `change` ... give strings, for sentences, axes and the cells of `tables`.
What a column holds is known by its name.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from datetime import date as Day
from fnmatch import fnmatchcase
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from ltvkit.core import files
from ltvkit.core.i18n import _
from ltvkit.display import joining

__all__ = [
    "MANY", "cell", "change", "count", "date", "day", "difference", "distinct_decimals",
    "fill", "grain", "is_missing", "kind", "label", "label_inside", "line", "money",
    "money_decimals", "month", "number", "period", "points", "rough_money", "rough_sum",
    "round_to", "share", "tick", "unit_of", "value", "width",
]  # fmt: skip

__dir__ = __all__.copy

MISSING, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
WHOLE_CURRENCIES = ("JPY", "円", "¥", "\N{FULLWIDTH YEN SIGN}", "KRW", "₩", "VND", "₫")

_WORDS = files.read_yaml(__name__, "labels.yaml")
LABELS, PATTERNS, MONTHS = _WORDS["labels"], _WORDS["patterns"], _WORDS["months"]
FORMATS = files.read_yaml(__name__, "formats.yaml")

LOWEST_SCORE = -10  # below it, how far is of no use
SMALLEST = 0.001  # p-value that is told as it is
PLACES = {"mean": 2, "score": 3, "chance": 3}
TINY, MOST_DECIMALS = 1e-10, 10
MANY = 20  # a growth so large is told as how many times, not in percent
GRAINS = {
    "year": r"(19|20)\d\d",
    "quarter": r"\d{4}-Q\d",
    "month": r"\d{4}-\d\d",
    "week": r"\d{4}-W\d\d",
    "day": r"\d{4}-\d\d-\d\d",
}


def is_missing(x: Any) -> bool:
    """Whether there is no figure to show: not known, or divided by zero.

    >>> is_missing(None), is_missing(float("-inf")), is_missing("inf"), is_missing(0.0)
    (True, True, False, False)
    """
    return bool(pd.isna(x)) or (isinstance(x, Real) and math.isinf(x))


def money(x: float, currency: str = "", *, decimals: int | None = None) -> str:
    """An amount of money. Decimals: none for yen and the like, none from 1,000 on, else two.

    >>> money(45.678, "USD"), money(45678.9, "£"), money(45678.9, "円")
    ('45.68 USD', '£45,679', '45,679円')
    """
    if is_missing(x):
        return MISSING
    places = money_decimals([x], currency) if decimals is None else decimals
    return _add_currency(number(x, decimals=places), currency)


def rough_money(*amounts: float, spread: float, currency: str = "") -> str:
    """An amount of money, or a range, of which only the first digits are known: off by `spread`.

    >>> rough_money(24_187_654, spread=4_000_000, currency="JPY"), rough_money(1832, spread=310)
    ('24.2 million JPY', '1,830')
    >>> rough_money(22_187_654, 26_187_654, spread=4_000_000, currency="JPY")
    '22.2 to 26.2 million JPY'
    >>> rough_money(0.64, spread=0.2, currency="JPY"), rough_money(0.6414, spread=0.001)
    ('1 JPY', '0.64')
    """
    if not 0 < spread < math.inf or any(map(is_missing, amounts)):
        return joining.span(money(x, currency) for x in amounts)
    # No digit below the smallest one that money has: a hundredth, or one yen.
    spread = max(spread, 10.0 ** (1 - money_decimals(amounts, currency)))
    step = _find_step(spread)
    known = [round_to(x, spread=spread) for x in amounts]
    most = max(abs(x) for x in known)
    units = [each for each in joining.rules()["amounts"] if most >= each[0]]
    places, power, word = next(
        (
            (places, power, word)
            for _least, power, word, decimals in units
            if (places := _count_places(power, step)) <= decimals
        ),
        (_count_places(1.0, step), 1.0, "{x}"),
    )
    text = joining.span(number(x / power, decimals=places) for x in known)
    return _add_currency(word.format(x=text), currency)


def rough_sum(amount: float, *, of: int, currency: str = "") -> str:
    """An amount expected of so many customers together, to the digits that are known: what each of
    them brings is spread about as widely as its mean, so that 95% of such sums lie within
    4 / sqrt(n) of their amount.

    >>> rough_sum(42_263.04, of=194, currency="JPY")
    '42,000 JPY'
    """
    return rough_money(amount, spread=4 * abs(amount) / math.sqrt(of), currency=currency)


def round_to(x: float, *, spread: float) -> float:
    """A number that may be off by `spread`, with the digits that are known.

    >>> round_to(24_187_654, spread=4_000_000)
    24200000.0
    """
    step = _find_step(spread)
    return round(x / step) * step


def _count_places(power: float, step: float) -> int:
    return max(0, round(math.log10(power / step)))


def _find_step(spread: float) -> float:
    return 10.0 ** (math.floor(math.log10(spread)) - 1)


def _add_currency(text: str, currency: str) -> str:
    if currency and unicodedata.category(unit_of(currency)[-1]) == "Sc":
        sign = MINUS * text.startswith(MINUS)
        return f"{sign}{currency}{text.removeprefix(MINUS)}"
    unit = unit_of(currency)
    return f"{text} {unit}" if unit and unit.isascii() else text + unit


def unit_of(currency: str) -> str:
    """The word that amounts in a currency take; its code, where the language has none for it.

    >>> unit_of("JPY")
    'JPY'
    """
    return joining.rules()["units"].get(currency, currency)


def money_decimals(values: Iterable[Any], currency: str = "") -> int:
    """How many decimals amounts shown together take: one decision, so that their points line up.

    >>> money_decimals([1.5, 2.25]), money_decimals([1.5, 2000]), money_decimals([1.5], "JPY")
    (2, 0, 0)
    """
    large = any(abs(x) >= 999.995 for x in values if not is_missing(x))
    return 0 if large or currency in WHOLE_CURRENCIES else 2


def share(x: float, *, decimals: int = 1) -> str:
    """A part of a whole, in percent.

    >>> share(0.1234), share(float("nan")) == MISSING
    ('12.3%', True)
    """
    return MISSING if is_missing(x) else number(100 * x, decimals=decimals) + "%"


def count(x: float) -> str:
    """How many.

    >>> count(23570)
    '23,570'
    """
    return number(x, decimals=0)


def distinct_decimals(values: Iterable[Any], marks: Iterable[float], *, least: int) -> int:
    """The fewest decimals, `least` or more, at which no value reads like a mark it is not.

    So a range of 0.004 to 3.1 does not begin at zero, and 0.0496 is not 0.05. What is not known,
    or nearer to a mark than a computer counts, does not matter.

    >>> distinct_decimals([0.004, 3.1], [0], least=1), distinct_decimals([0.4], [0], least=1)
    (3, 1)
    """
    values = [float(x) for x in values if pd.notna(x)]
    pairs = [(x, m) for x in values for m in marks if not math.isclose(x, m, abs_tol=TINY)]
    apart = (
        d
        for d in range(least, MOST_DECIMALS)
        if all(number(x, decimals=d) != number(m, decimals=d) for x, m in pairs)
    )
    return next(apart, MOST_DECIMALS)


def change(x: float, *, decimals: int = 1) -> str:
    """A relative change, signed; from twenty on, how many times as much.

    >>> change(0.052), change(0.0), change(-0.031) == MINUS + "3.1%", change(279.82)[1:]
    ('+5.2%', '0.0%', True, '281')
    >>> change(-0.9996) == MINUS + "99.96%", change(-1.0) == MINUS + "100.0%"
    (True, True)
    """
    if is_missing(x) or x < MANY:
        left = [100 * x] if -1 < x < 0 else []  # something is, which -100% would deny
        exact = distinct_decimals(left, [-100.0], least=decimals)
        return _signed(x, share(x, decimals=exact))
    return _("\N{MULTIPLICATION SIGN}{n}").format(n=count(1 + x))


def points(x: float, *, decimals: int = 1) -> str:
    """A difference of two shares, in percentage points.

    >>> points(0.012)
    '+1.2 pp'
    """
    if is_missing(x):
        return MISSING
    return joining.rules()["points"].format(x=_signed(x, number(100 * x, decimals=decimals)))


def difference(x: float, column: str, currency: str = "", *, decimals: int | None = None) -> str:
    """A difference of two values of `column`, signed; of two shares, in percentage points.

    >>> difference(0.012, "repeat_rate"), difference(4.5, "revenue", "USD")
    ('+1.2 pp', '+4.50 USD')
    """
    known = kind(column) or "number"
    if known == "share":
        return points(x, decimals=1 if decimals is None else decimals)
    if known == "money":
        return _signed(x, money(x, currency, decimals=decimals))
    places = PLACES.get(known) if decimals is None else decimals
    return _signed(x, number(x, decimals=places))


def number(x: float, *, decimals: int | None = None) -> str:
    """Any other number: with `decimals` places, else four significant digits, integers whole.

    >>> number(0.24259), number(1882), number(12345.6)
    ('0.2426', '1,882', '12,346')
    """
    if is_missing(x):
        return MISSING
    x = float(f"{x:.12g}")  # so that a figure reads the same before and after it was kept
    if decimals is None:
        text = f"{x:,.4g}" if abs(x) < 999.95 else f"{x:,.0f}"
    else:
        text = f"{x:,.{decimals}f}"
    return text.replace("-", MINUS if _visible(text) else "")


def date(x: Any) -> str:
    """A day as year-month-day.

    >>> date(pd.Timestamp("2024-09-30"))
    '2024-09-30'
    """
    return MISSING if pd.isna(x) else _in_words(f"{x:%Y-%m-%d}", "periods")


def month(name: str, *, short: bool = False) -> str:
    """A month in words.

    >>> month("2024-09"), month("2024-09", short=True)
    ('September 2024', 'Sept 2024')
    """
    if (said := _in_words(name, "periods")) != name:
        return said
    year, number = name.split("-")
    named = _(MONTHS["short" if short else "long"][int(number) - 1])
    return _("{month} {year}").format(month=named, year=year)


def period(name: str) -> str:
    """A period's name as it is told: a month in words, others as they are.

    >>> period("2024-09"), period("2024-W36")
    ('September 2024', '2024-W36')
    """
    is_month = re.fullmatch(GRAINS["month"], name)
    return month(name) if is_month else _in_words(name, "periods")


def tick(name: str) -> str:
    """A period's name where space is short, as beside an axis; any other text stays as it is.

    >>> tick("2024-09"), tick("mug")
    ('2024-09', 'mug')
    """
    return _in_words(name, "ticks")


def _in_words(name: str, forms: str) -> str:
    """A period's name as languages.yaml has it; as it is, where there is nothing about it."""
    if not (known := joining.rules().get(forms)):
        return name
    grain = next((g for g, pattern in GRAINS.items() if re.fullmatch(pattern, name)), "")
    if grain not in known:
        return name
    year, *rest = (int(part.strip("QW")) for part in name.split("-"))
    return known[grain].format(year, *rest, short=year % 100)


def day(x: Any) -> str:
    """A day in words.

    >>> day("2024-09-30")
    '30 September 2024'
    """
    text = f"{x}"[:10]
    if (said := _in_words(text, "periods")) != text:
        return said
    return _("{day} {month}").format(day=int(text[8:]), month=month(text[:7]))


def fill(text: str, **figures: Any) -> str:
    """A sentence with its figures: whole numbers are counts, others shares. Days; texts stay.

    >>> fill("{n} of {lines} lines ({share})", n=12, lines=1200, share=0.01)
    '12 of 1,200 lines (1.0%)'
    """
    forms = {Integral: count, Real: share, Day: date, str: _in_sentence}

    def show(x: Any) -> Any:
        return next((form(x) for kind, form in forms.items() if isinstance(x, kind)), x)

    return text.format(**{name: show(x) for name, x in figures.items()})


def _in_sentence(text: str) -> str:
    """A text of a sentence or a cell: the name of a period in words, but not a bare year."""
    return text if text.isdecimal() else _in_words(text, "periods")


def label(column: Any, currency: str = "") -> str:
    """A column's name as a reader sees it, with its unit; unknown names stay as they are.

    >>> label("revenue", "USD"), label("revenue_vs_previous", "USD"), label("ltv_12m", "USD")
    ('Revenue (USD)', 'Revenue vs previous', 'LTV in 12 months (USD)')
    """
    name = str(column)
    text = _worded(name)
    return joining.aside(text, unit_of(currency)) if kind(name) == "money" else text


def label_inside(column: Any) -> str:
    """A column's name within a sentence: without its unit, and small but for abbreviations.

    >>> label_inside("revenue_per_customer"), label_inside("ltv_so_far"), label_inside("region")
    ('revenue per customer', 'LTV so far', 'region')
    """
    text = _worded(str(column))
    if not joining.rules()["small_letters"]:
        return text
    return " ".join(word if word.isupper() else word.lower() for word in text.split(" "))


def _worded(name: str) -> str:
    for pattern, words in PATTERNS.items():
        if fnmatchcase(name, pattern):
            start, end = pattern.split("*")
            return _(words).format(name=_worded(name.removeprefix(start).removesuffix(end)))
    return _word(name if name in LABELS else name.replace("_", " "))


def value(x: Any, column: str, currency: str = "") -> str:
    """One value as `column` would show it.

    >>> value(0.4, "repeat_rate"), value(45.5, "revenue", "USD"), value(0.05, "orders_vs_previous")
    ('40.0%', '45.50 USD', '+5.0%')
    """
    return cell(x, kind(column) or "number", currency=currency)


def kind(column: Any) -> str | None:
    """Which format a column takes by its name; None where the name does not say.

    >>> kind("revenue_share"), kind("weight")
    ('share', None)
    """
    known = (k for k, names in FORMATS.items() if any(fnmatchcase(str(column), n) for n in names))
    return next(known, None)


def cell(x: Any, kind: str, *, currency: str = "", decimals: int | None = None) -> str:
    """One value in a format of `FORMATS`; "number" and "text" go by the type of the value.

    >>> cell(0.25, "share"), cell(12.0, "bound"), cell(True, "text"), cell(None, "text")
    ('25.0%', '12', 'yes', '')
    """
    if isinstance(x, str):
        if kind == "stage":
            return _word(f"stage_{x}") if f"stage_{x}" in LABELS else x
        if kind == "plain":
            return _(x) if x else x
        return _word(x) if kind == "word" else _in_sentence(x)
    if pd.isna(x):
        return "" if kind in ("text", "word", "stage", "plain", "bound") else MISSING
    if isinstance(x, bool | np.bool_):
        return _("yes") if x else _("no")
    if isinstance(x, Day):
        return date(x)
    if kind == "bound":
        return number(x, decimals=0 if x == round(x) else 2) if math.isfinite(x) else ""
    if kind == "money":
        return money(x, currency, decimals=decimals)
    if kind == "score" and LOWEST_SCORE > x > -math.inf:
        return _("below {x}").format(x=count(LOWEST_SCORE))
    if kind == "chance" and 0 <= x < SMALLEST / 2:  # no p-value is zero
        return _("< {x}").format(x=number(SMALLEST, decimals=PLACES[kind]))
    if kind in PLACES:
        return number(x, decimals=PLACES[kind])
    plain = {"share": share, "change": change, "points": points, "count": count}
    return plain.get(kind, number if isinstance(x, Real) else str)(x)


def grain(names: Iterable[Any]) -> str:
    """What kind of period all `names` are: "day" ... "year"; "month" where they are no periods.

    >>> grain(["1998-W26", "1998-W27"]), grain(["shop", "web"])
    ('week', 'month')
    """
    names = list(map(str, names))
    fitting = [g for g, p in GRAINS.items() if all(re.fullmatch(p, name) for name in names)]
    return fitting[0] if names and fitting else "month"


def line(text: Any) -> str:
    """A text on one line, without what cannot be seen: it could move or hide what stands around it.

    >>> line("a \\N{RIGHT-TO-LEFT OVERRIDE}b   c")
    'a b c'
    """
    return "".join(c for c in " ".join(str(text).split()) if c.isprintable())


def width(text: str) -> int:
    """Columns a text takes in a fixed-width font: Japanese characters take two.

    >>> width("mug"), width("手拭い")
    (3, 6)
    """
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def _word(name: str) -> str:
    return _(LABELS.get(name, name)) if name else ""  # gettext answers "" with its own header


def _signed(x: float, text: str) -> str:
    return "+" + text if x > 0 and _visible(text) else text


def _visible(text: str) -> bool:
    """Whether anything is left after rounding: a rounded nothing takes no sign."""
    return any(digit in text for digit in "123456789")

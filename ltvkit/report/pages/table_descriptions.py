"""What each table of a report is, for people who open its workbook."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, NamedTuple

from ltvkit.core import files
from ltvkit.core.i18n import _
from ltvkit.display import formats


class About(NamedTuple):
    """What a table is: the name of its sheet, a sentence, and the format of columns of ages."""

    title: str
    text: str
    numbers: str


def describe(name: str, *, of: str = "revenue") -> About:
    """What the table `name` is; one that the kit does not know keeps its name. `of`: whether the
    reasons of a change are those of "revenue" or "margin".

    >>> describe("abc_products").title, describe("mine").title
    ('ABC of products', 'mine')
    """
    for pattern, known in _read_known().items():
        if fnmatchcase(name, pattern):
            known = {**known, **known.get(of, {})}
            start, _star, end = pattern.partition("*")
            part = formats.label(name.removeprefix(start).removesuffix(end))
            part = part[:1].lower() + part[1:]
            title = _(known["title"]).format(name=part)
            return About(title, _(known["about"]), known.get("numbers", ""))
    return About(name, "", "")


@cache
def _read_known() -> Mapping[str, Mapping[str, Any]]:
    return files.read_yaml(__name__, "tables.yaml")

"""`python -m ltvkit compare`: what its arguments ask for."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

_MONTH = re.compile(r"\d{4}-\d{2}")


def find_options(
    names: Sequence[str], *, month: str | None, where: Sequence[str]
) -> tuple[list[Path], dict[str, Any]]:
    """The arguments -> params files, and the options of `report.comparison.compare`.

    >>> find_options(["params/shop.yaml", "2024-08", "2024-09"], month=None, where=["channel=tv"])
    ([PosixPath('params/shop.yaml')],
     {'where': {'channel': 'tv'}, 'month': '2024-09', 'against': '2024-08'})
    """
    from ltvkit.config.params import check_month

    months = [name for name in names if _MONTH.fullmatch(name)]
    files = [Path(name) for name in names if name not in months]
    for each in [*months, *([month] if month else [])]:
        check_month(each)
    options: dict[str, Any] = {"where": _read_where(where)}
    if len(files) == 1 and len(months) == 2 and not month:
        return files, options | {"month": months[1], "against": months[0]}
    if len(files) == 2 and not months:
        return files, options | {"month": month or "last"}
    raise click.UsageError(
        "Give one params file and two months, as in params/shop.yaml 2024-08 2024-09, or two "
        "params files, as in params/a.yaml params/b.yaml --month 2024-09."
    )


def _read_where(where: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in where:
        column, sign, value = text.partition("=")
        if not (column and sign and value) or column in found:
            raise click.UsageError(f"--where {text}: give COLUMN=VALUE, each column once.")
        found[column] = value
    return found

"""`python -m ltvkit check`: read, reconcile and check the orders, without a report."""

import textwrap
from collections.abc import Iterable
from pathlib import Path

import click
import pandas as pd

from ltvkit import quality
from ltvkit.cli.messages import make_printable
from ltvkit.config import open_questions, params, shop
from ltvkit.core import redaction
from ltvkit.core.i18n import _, speaking
from ltvkit.display import formats, joining, tables, wrapping
from ltvkit.errors import LtvkitError
from ltvkit.quality import records

STOPPED, WRONG = 1, 2
LONGEST = 52  # characters of a reason; with it, the table is as wide as a terminal


def check_orders(files: Iterable[Path], *, month: str | None, engine: str | None) -> int:
    """Print the reconciliation and the checks of each shop; returns the worst exit status.

    All params are checked before the first orders are read, and all that is wrong with them told.
    """
    shops, statuses = [], [0]
    for file in files:
        try:
            given = params.load(file, engine=engine)
        except LtvkitError as error:
            click.echo(f"Error: {make_printable(str(error))}", err=True)
            statuses.append(WRONG)
            continue
        if missing := shop.find_missing_files(given):
            click.echo(f"Error: {make_printable(' '.join(missing))}", err=True)
            statuses.append(WRONG)
        else:
            shops.append(given)
    for given in shops:
        with speaking(given.language):
            statuses.append(_check_shop(given, month=month))
    return max(statuses)


def _check_shop(given: params.Params, *, month: str | None) -> int:
    try:
        book = shop.read_orders(given)
        as_of = book.as_of(month or given.values.get("month", "last"))
        found = quality.summarize(book, as_of=as_of)
        policies = shop.reading(given).get("policies")
        checks = quality.check(book, as_of=as_of, policies=policies, reconciled=found)
        beside = shop.read_records(given)
    except Exception as error:  # whatever a file can do to its reader
        click.echo(f"Error: {' '.join(redaction.describe_error(error).split())}", err=True)
        return WRONG
    click.echo(_("{shop}: orders to {day}").format(shop=given.shop, day=formats.day(as_of)))
    shown = tables.show(found, currency=given.values.get("currency", ""))
    click.echo(f"\n{shown.text(cell=LONGEST)}\n")
    click.echo(f"{quality.finding(found)}\n")
    click.echo(redaction.mask_figures(_describe(checks)))
    click.echo(f"\n{quality.check_finding(checks)}")
    for read in beside.values():
        click.echo(f"\n{tables.show(records.label(read)).text(cell=LONGEST)}\n")
        click.echo(redaction.mask_figures(records.describe(read)))
        if places := records.locate(read):
            click.echo(_("Left out:") + "\n" + textwrap.indent(places, "  "))
    if asked := open_questions.remind(given.path):
        click.echo(asked)
    return STOPPED if (checks["result"] == "stop").any() else 0


def _describe(checks: pd.DataFrame) -> str:
    """Each check with its result, figure and meaning, wrapped to the terminal."""
    names = checks["check"].str.len().max()
    lines = []
    for row in checks.itertuples():
        head = f"{row.result:<4}  {row.check:<{names}}  "
        text = joining.sentences([joining.stop(row.figure), row.meaning])
        text = text if row.meaning else row.figure
        beside = {"first": head, "rest": " " * len(head)}
        lines += wrapping.wrap(text or "-", tables.TEXT_WIDTH, hyphens=False, **beside)
    return "\n".join(lines)

"""`ltvkit hypothesis`: write, check, register and decide hypotheses from the command line."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ltvkit.core.i18n import _

if TYPE_CHECKING:
    from ltvkit.config.params import Params
    from ltvkit.hypotheses.hypothesis import Hypothesis, Record
    from ltvkit.ingest.book import Orders

RUN = "python -m ltvkit hypothesis"
PARAMS = click.argument("params", type=click.Path(path_type=Path))
ID = click.argument("id")
BY = click.option("--by", default="", metavar="NAME", help="Who says so.")


@click.group()
def hypothesis() -> None:
    """Say beforehand what you will do and expect, and judge it afterwards.

    PARAMS is a shop's params file, such as params/shop.yaml; ID names one hypothesis.
    """


@hypothesis.command()
@PARAMS
@ID
def new(params: Path, id: str) -> None:
    """Write a file for a new hypothesis, to be filled in."""
    from ltvkit.hypotheses.registry import store

    path = os.path.relpath(store.new(_folder(params), id))
    click.echo(f"Fill in {path}, then run:\n  {RUN} check {params} {id}")


@hypothesis.command()
@PARAMS
@click.argument("id", required=False)
def check(params: Path, id: str | None) -> None:
    """Check all hypotheses of a shop and their ledger, or the one named ID."""
    from ltvkit.errors import ParamsError
    from ltvkit.hypotheses.registry import store

    folder = _folder(params)
    if id:
        known = store.read(folder, id).record
        then = "" if known.registered else f" Register it with:\n  {RUN} register {params} {id}"
        click.echo(f"{id} is fine.{_doubt(known)}{then}")
        return
    found = store.load(folder)
    for tried in found.hypotheses:
        if doubt := _doubt(tried.record):
            click.echo(f"{tried.id}:{doubt}", err=True)
    for file, problem in found.problems.itertuples(index=False):
        click.echo(f"{file}: {problem}")
    if n := len(found.problems):
        raise ParamsError(f"{n} problem{'s' * (n > 1)} in {os.path.relpath(folder)}.")
    n = len(found.hypotheses)
    click.echo(f"{n} {'hypothesis' if n == 1 else 'hypotheses'} and the ledger are fine.")


@hypothesis.command("list")
@PARAMS
def list_(params: Path) -> None:
    """List the hypotheses of a shop, and how they stand."""
    from ltvkit.hypotheses.registry import store

    found = store.load(_folder(params))
    if found.hypotheses:
        click.echo(_aligned(_listed(found.hypotheses)))
    elif found.problems.empty:
        click.echo(f"There is none yet. Write one with:\n  {RUN} new {params} ID")
    if n := len(found.problems):
        click.echo(f"Left out or doubtful: {n}. See: {RUN} check {params}", err=True)


@hypothesis.command("register")
@PARAMS
@ID
@BY
def register_(params: Path, id: str, by: str) -> None:
    """Put on record what the file of a hypothesis says. Do so before its first day."""
    from ltvkit.hypotheses.registry import store

    record = store.register(_folder(params), id, by=by).record
    click.echo(f"{id} is registered. The registration that counts: {_registered(record)}.")


@hypothesis.command()
@PARAMS
@ID
@click.argument("decision", metavar="adopt|drop|extend")
@click.option("--reason", required=True, metavar="TEXT", help="Why, in a sentence.")
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The new end, as 2024-06-30, of one that is extended.",
)
@BY
def decide(params, id, decision, reason, until, by) -> None:
    """Put on record what was decided about a hypothesis."""
    from ltvkit.hypotheses.registry import store

    day = until.date() if until else None
    store.decide(_folder(params), id, decision, reason=reason, by=by, until=day)
    click.echo(f"On record: {id}, {decision}{f' until {day}' if day else ''}.")
    click.echo("Reports show it from the one on that reaches to today.")


@hypothesis.command()
@PARAMS
@ID
def plan(params: Path, id: str) -> None:
    """Say what a hypothesis can show, by its length: power, smallest effect, customers needed."""
    from ltvkit.display import tables
    from ltvkit.hypotheses.design import power_analysis
    from ltvkit.hypotheses.effects import customer_days
    from ltvkit.hypotheses.registry import store

    given, folder = _given(params)
    known = store.read_plan(folder, id)
    book = _orders(given)
    until = book.facts["until"]
    known_ = customer_days.build(book.lines, as_of=until, **_cuts(given))
    table = power_analysis.power(known, known_, as_of=until)
    said = power_analysis.finding(table, known, currency=given.values.get("currency", ""))
    click.echo(" ".join(filter(None, [said, known_.note])))
    click.echo(repr(tables.show(table.drop(columns=["error", "planned"]))))


@hypothesis.command()
@PARAMS
@ID
@click.option("--seed", type=int, default=1, show_default=True, help="Of the drawing; keep it.")
def assign(params: Path, id: str, seed: int) -> None:
    """Draw who is treated, at random within RFM segments, and write the list."""
    from ltvkit.hypotheses.design import assignment

    given, folder = _given(params)
    book = _orders(given)
    more = {"seed": seed, "until": book.facts["until"], **_cuts(given)}
    path = assignment.draw(folder, id, book.lines, **more)
    click.echo(f"Drawn with seed {seed}: {os.path.relpath(path)}. Treat the group 'treated' alone.")


def _given(params: Path) -> tuple[Params, Path]:
    """A shop's params, and its register."""
    from ltvkit.config import params as files
    from ltvkit.hypotheses.registry import store

    given = files.load(params)
    return given, store.folder(given.shop, given.values.get("register", ""))


def _folder(params: Path) -> Path:
    return _given(params)[1]


def _cuts(given: Params) -> dict[str, Any]:
    """The edges of segments and classes that the params hold fixed."""
    return {name: given.values[name] for name in ("rfm_cuts", "abc_cuts") if name in given.values}


def _orders(given: Params) -> Orders:
    from ltvkit.config import shop

    return shop.read_orders(given)


def _listed(hypotheses: Iterable[Hypothesis]) -> list[tuple[str, ...]]:
    """Rows of text, a header first."""
    head = (_("Id"), _("Title"), _("Period"), _("Comparison"), _("Registered"), _("Decided"))
    rows = [
        (
            h.id,
            h.title,
            _("{start} to {end}").format(start=h.start, end=h.until),
            h.comparison,
            _registered(h.record),
            _(h.record.decisions[-1].decision) if h.record.decisions else _("no"),
        )
        for h in hypotheses
    ]
    return [head, *rows]


def _doubt(record: Record) -> str:
    """What the page will say of it, though the file can be used."""
    late = " It was registered too late: not before its first day." * record.late
    return late + " It was edited after it was registered." * record.edited


def _registered(record: Record) -> str:
    if not record.registered:
        return _("no")
    said = [str(record.registered)]
    said += [_("too late")] * record.late + [_("edited since")] * record.edited
    return ", ".join(said)


def _aligned(rows: list[tuple[str, ...]]) -> str:
    """All columns in full, whatever their width: what stands last matters most."""
    from ltvkit.display.formats import width

    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell + " " * (w - width(cell)) for cell, w in zip(row, widths, strict=True))
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)

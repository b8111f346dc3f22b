"""`ltvkit hypothesis`: write, check, register and decide hypotheses from the command line."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import ltvkit
from ltvkit.core.i18n import _, n_, speaking

if TYPE_CHECKING:
    from ltvkit.config.params import Params
    from ltvkit.hypotheses.hypothesis import Hypothesis, Record

RUN = "python -m ltvkit hypothesis"
PARAMS = click.argument("params", type=click.Path(path_type=Path))
ID = click.argument("id")
BY = click.option("--by", default="", metavar="NAME", help="Who registers or decides.")


@click.group()
def hypothesis() -> None:
    """Write down what you will do and expect, and see afterwards whether it worked.

    PARAMS is a shop's params file, such as params/shop.yaml; ID names one hypothesis.
    """


@hypothesis.command()
@PARAMS
@ID
def new(params: Path, id: str) -> None:
    """Write a file for a new hypothesis, to be filled in."""
    path = os.path.relpath(ltvkit.hypotheses.new(_load(params)[1], id))
    click.echo(f"Fill in {path}, then run:\n  {RUN} check {params} {id}")


@hypothesis.command()
@PARAMS
@click.argument("id", required=False)
def check(params: Path, id: str | None) -> None:
    """Check all hypotheses of a shop and their ledger, or the one named ID.

    In a git repository the ledger is also held against the last commit.
    """
    from ltvkit.core import redaction
    from ltvkit.errors import ParamsError
    from ltvkit.hypotheses.registry import committed, ledger, store

    folder = _load(params)[1]
    if id:
        record = store.read(folder, id).record
        then = "" if record.registered else f" Register it with:\n  {RUN} register {params} {id}"
        click.echo(f"{id} is fine.{_describe_doubt(record)}{then}")
        return
    register = store.load(folder)
    for plan in register.hypotheses:
        if doubt := _describe_doubt(plan.record):
            click.echo(f"{plan.id}:{doubt}", err=True)
    since = committed.compare(folder)
    for note in since.notes:
        click.echo(redaction.mask(note), err=True)
    problems = [*register.problems.itertuples(index=False), *since.problems]
    ahead = ledger.list_ahead(folder, now=dt.datetime.now(dt.UTC))
    problems += [(ledger.NAME, said) for said in ahead]
    for file, problem in problems:
        click.echo(redaction.mask(f"{file}: {problem}"))
    if n := len(problems):
        count = n_("{n} problem", "{n} problems", n).format(n=n)
        raise ParamsError(f"{count} in {os.path.relpath(folder)}.")
    n = len(register.hypotheses)
    count = n_("{n} hypothesis", "{n} hypotheses", n).format(n=n)
    click.echo(f"{count} and the ledger are fine.")


@hypothesis.command("list")
@PARAMS
def list_(params: Path) -> None:
    """List the hypotheses of a shop, and whether they are registered and decided."""
    register = ltvkit.hypotheses.load(_load(params)[1])
    if register.hypotheses:
        click.echo(_tabulate(register.hypotheses))
    elif register.problems.empty:
        click.echo(f"There is none yet. Write one with:\n  {RUN} new {params} ID")
    if n := len(register.problems):
        count = n_("{n} problem", "{n} problems", n).format(n=n)
        click.echo(f"{count} in the register. See: {RUN} check {params}", err=True)


@hypothesis.command("register")
@PARAMS
@ID
@BY
def register_(params: Path, id: str, by: str) -> None:
    """Put on record what the file of a hypothesis says. Do so before its first day."""
    from ltvkit.core import git
    from ltvkit.hypotheses.registry import ledger

    folder = _load(params)[1]
    record = ltvkit.hypotheses.register(folder, id, by=by).record
    click.echo(f"{id} is registered. The registration that counts: {_registration(record)}.")
    if not git.holds(folder) and len(ledger.read(folder)) == 1:
        click.echo(
            "The register is in no git repository, so nobody could tell whether the last lines of "
            "its ledger were cut off. Keep the project in one, and commit the ledger.",
            err=True,
        )


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
    day = until.date() if until else None
    ltvkit.hypotheses.decide(_load(params)[1], id, decision, reason=reason, by=by, until=day)
    click.echo(f"On record: {id}, {decision}{f' until {day}' if day else ''}.")
    click.echo("Reports show it once their last day is today or later.")


@hypothesis.command()
@PARAMS
@ID
def plan(params: Path, id: str) -> None:
    """Say what a hypothesis can show, by its length: power, smallest effect, customers needed."""
    from ltvkit.config import shop
    from ltvkit.display import joining, tables
    from ltvkit.hypotheses.design import power_analysis
    from ltvkit.hypotheses.effects import customer_days
    from ltvkit.hypotheses.registry import store

    known, folder = _load(params)
    hypothesis = store.read_plan(folder, id)
    book = shop.read_orders(known)
    until = book.facts["until"]
    histories = customer_days.build(book.lines, as_of=until, **_cuts(known))
    table = power_analysis.power(hypothesis, histories, as_of=until)
    currency = known.values.get("currency", "")
    text = power_analysis.finding(table, hypothesis, currency=currency)
    click.echo(joining.sentences([text, histories.note]))
    click.echo(repr(tables.show(table.drop(columns=["error", "planned"]))))


@hypothesis.command()
@PARAMS
@ID
@click.option("--seed", type=int, default=1, show_default=True, help="Of the drawing; keep it.")
def assign(params: Path, id: str, seed: int) -> None:
    """Draw who is treated, at random within RFM segments, and write the list."""
    from ltvkit.config import shop
    from ltvkit.hypotheses.design import assignment

    known, folder = _load(params)
    book = shop.read_orders(known)
    more = {"seed": seed, "until": book.facts["until"], **_cuts(known)}
    path = assignment.draw(folder, id, book.lines, **more)
    click.echo(f"Drawn with seed {seed}: {os.path.relpath(path)}. Treat only the group 'treated'.")


def _load(params: Path) -> tuple[Params, Path]:
    """A shop's params, and the folder of its register. The command goes on in its language."""
    from ltvkit.config import params as files
    from ltvkit.hypotheses.registry import store

    known = files.load(params)
    click.get_current_context().with_resource(speaking(known.language))
    return known, store.folder(known.shop, known.values.get("register", ""))


def _cuts(params: Params) -> dict[str, Any]:
    """The edges of segments and classes that the params hold fixed."""
    return {n: params.values[n] for n in ("rfm_cuts", "abc_cuts") if n in params.values}


def _tabulate(hypotheses: Iterable[Hypothesis]) -> str:
    """One line per hypothesis, with all columns in full: the last ones matter most."""
    from ltvkit.display.tables import Display

    head = (_("Id"), _("Title"), _("Period"), _("Comparison"), _("Registered"), _("Decided"))
    rows = [
        (
            h.id,
            h.title,
            _("{start} to {end}").format(start=h.start, end=h.until),
            h.comparison,
            _registration(h.record),
            _(h.record.decisions[-1].decision) if h.record.decisions else _("no"),
        )
        for h in hypotheses
    ]
    return Display("", head, tuple(rows), (False,) * len(head), 0, ()).text(whole=True)


def _describe_doubt(record: Record) -> str:
    """What the page will say about it, though the file can be used."""
    late = " It was registered too late: not before its first day." * record.late
    return late + " It was edited after it was registered." * record.edited


def _registration(record: Record) -> str:
    from ltvkit.display import joining

    if not record.registered:
        return _("no")
    marks = [_("too late")] * record.late + [_("edited since")] * record.edited
    return joining.items([str(record.registered), *marks])

"""`ltvkit offer`: from a type of customers to a list, a hold-out and a planned test in one step."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

import click

from ltvkit.core.i18n import _, speaking

RUN = "python -m ltvkit hypothesis"
WEEK, OLD = 7, 31  # days
DAY = dt.timedelta(days=1)


@click.command()
@click.argument("params", type=click.Path(path_type=Path))
@click.argument("type_", metavar="TYPE")
@click.option("--hypothesis", "id", required=True, metavar="ID", help="Its id, as spring-offer.")
@click.option("--offer", prompt="What do they get", metavar="TEXT", help="What customers get.")
@click.option("--owner", prompt="Who answers for it", metavar="NAME", help="Who answers for it.")
@click.option("--department", default="CRM", show_default=True, metavar="NAME", help="Who acts.")
@click.option(
    "--start",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The first day that counts.  [default: a week after the last day of the orders, but not "
    "before tomorrow]",
)
@click.option(
    "--weeks", type=click.IntRange(1, 52), default=8, show_default=True, help="How long it runs."
)
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.5,
    show_default=True,
    help="Of the customers, who get the offer; the others are the hold-out.",
)
@click.option(
    "--smallest-effect",
    type=click.FloatRange(0, min_open=True),
    metavar="MONEY",
    help="The smallest effect per customer that matters.  [default: what the test can find]",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the drawing; keep it.")
@click.option("--all", "everybody", is_flag=True, help="All customers of the type, not the active.")
def offer(params, type_, id, offer, owner, department, start, weeks, share, everybody, **options):
    """Write the list of a TYPE of customers, draw a hold-out, and plan the test of an offer.

    PARAMS is a shop's params file; TYPE one of the types of notebook 09, as long_relationship. The
    hold-out is drawn at random within RFM segments, and gets nothing: without it nobody could tell
    what the offer brought. What is written can be edited until it is registered.
    """
    from ltvkit.config import params as files
    from ltvkit.config import shop
    from ltvkit.hypotheses.registry import store
    from ltvkit.offers import plans

    known = files.load(params)
    click.get_current_context().with_resource(speaking(known.language))
    folder = store.folder(known.shop, known.values.get("register", ""))
    book = shop.read_orders(known)
    until = book.facts["until"]
    today = dt.datetime.now(dt.UTC).date()
    first = start.date() if start else max(_last(until) + dt.timedelta(days=WEEK), today + DAY)
    plan = plans.plan_test(
        folder,
        id,
        book,
        archetype=type_,
        active=not everybody,
        given={"measure": offer, "owner": owner, "department": department},
        start=first,
        days=WEEK * weeks,
        share=share,
        seed=options["seed"],
        smallest_effect=options["smallest_effect"] or 0.0,
        of=known.values.get("ltv_of", "revenue"),
        cuts=_cuts(known),
        currency=known.values.get("currency", ""),
    )
    click.echo(plan.text)
    click.echo(
        f"Send the offer to group 'treated' of {os.path.relpath(plan.list)}, to nobody else."
    )
    if first <= today:
        late = "{day} is over: registered now, the test would count as registered too late."
        click.echo(_(late).format(day=first), err=True)
    if (first - _last(until)).days > OLD:
        old = "The orders end on {day}: draw again from a newer export, as types may have changed."
        click.echo(_(old).format(day=_last(until)), err=True)
    click.echo(f"Look at {os.path.relpath(plan.file)}, then put it on record before {first}:")
    click.echo(f"  {RUN} register {params} {id}")


def _last(until: Any) -> dt.date:
    return dt.date.fromisoformat(str(until)[:10])


def _cuts(known: Any) -> dict[str, Any]:
    """The edges of segments that the params hold fixed."""
    return {n: known.values[n] for n in ("rfm_cuts", "abc_cuts") if n in known.values}

"""The stages of the funnel, before the first order and after it, and the steps between them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ltvkit.core import files
from ltvkit.display import formats
from ltvkit.errors import ParamsError

FACTS: dict[str, dict[str, Any]] = files.read_yaml(__name__, "stages.yaml")
FIRST_HALF = tuple(name for name, facts in FACTS.items() if facts["half"] == "first")
SECOND_HALF = tuple(name for name, facts in FACTS.items() if facts["half"] == "second")
PURCHASE, QUIET, INTRODUCING, ADVOCATING = "purchase", "quiet", "introducing", "advocating"
FIXED = (*SECOND_HALF, PURCHASE, QUIET)
OF_EVENTS = tuple(name for name in SECOND_HALF if FACTS[name]["from"] == "events")


class Step(NamedTuple):
    """From one stage to the next; `later`: the stages that say that the next one was reached."""

    stage: str
    next_stage: str
    later: tuple[str, ...]

    @property
    def by_events(self) -> bool:
        """Whether somebody can only be seen to take it while events are recorded."""
        return self.next_stage not in SECOND_HALF or self.next_stage in OF_EVENTS


def name_stages(given: Mapping[str, str | None]) -> tuple[str, ...]:
    """The `stages` of the parameter `events` (name of an event: its stage) -> the first half.

    The kit's own four; but where one of the names is the shop's own, those that are named, in the
    order of the mapping, and the first order last. Raises `ParamsError` for a name that is nearly
    one of the kit's, or the label that pages show of it: else a typing error would replace them.

    >>> name_stages({"page_view": "seen", "cart": "chosen", "review": "advocating"})
    ('seen', 'chosen', 'purchase')
    >>> name_stages({"wishlist_add": "interest"})
    ('attention', 'interest', 'comparison', 'purchase')
    >>> name_stages({"wishlist_add": "intrest"})
    Traceback (most recent call last):
    ltvkit.errors.ParamsError: stages: wishlist_add: 'intrest' is nearly 'interest'. ...
    """
    for event, name in given.items():
        if near := _find_meant(name or ""):
            raise ParamsError(
                f"stages: {event}: '{name}' is nearly '{near}'. Write '{near}', or give a stage of "
                "your own another name."
            )
    own = dict.fromkeys(name for name in given.values() if name and name not in FIXED)
    return (*own, PURCHASE) if {*own} - {*FIRST_HALF} else FIRST_HALF


def _find_meant(name: str) -> str:
    """The stage of the kit that is meant by another writing, or by its label; "": none."""
    if not name or name in FACTS:
        return ""
    labels = {formats.cell(stage, "stage").casefold(): stage for stage in FACTS}
    folded = name.strip().casefold().replace(" ", "_")
    close = difflib.get_close_matches(folded, FACTS, n=1, cutoff=0.85)
    return labels.get(name.strip().casefold()) or (close[0] if close else "")


def list_steps(first_half: Iterable[str]) -> list[Step]:
    """The stages of the first half, in order -> all steps of both halves.

    A stage of the first half that was skipped counts as passed: who bought was interested.

    >>> [step[:2] for step in list_steps(("interest", "purchase"))][:2]
    [('interest', 'purchase'), ('purchase', 'second_order')]
    """
    names = tuple(first_half)
    if not names or names[-1] != PURCHASE or len(set(names)) < len(names):
        raise ParamsError(f"stages={names}: give each stage once, and '{PURCHASE}' last.")
    steps = [Step(name, names[n], names[n:]) for n, name in enumerate(names[:-1], start=1)]
    return steps + [Step(FACTS[name]["after"], name, (name,)) for name in SECOND_HALF]


def list_leaves(stage: str) -> tuple[str, ...]:
    """The leaves of the KPI tree that a stage belongs to; a stage of the shop's own: to winning
    customers."""
    return tuple(FACTS.get(stage, FACTS[PURCHASE])["leaves"])

"""The RFM segments as data: which R and F scores make one, and what to do for it.

Every pair of scores from 1 to 5 belongs to exactly one segment; a test holds the table to that.
"""

from __future__ import annotations

from typing import NamedTuple


class Segment(NamedTuple):
    """One segment: its name, the R and F scores it spans (both ends included), its action."""

    name: str
    r: tuple[int, int]
    f: tuple[int, int]
    action: str


# The best first; the order of every table and plot.
SEGMENTS = (
    Segment(
        "champions", (5, 5), (4, 5), "Thank them, show them new things first, ask for a review."
    ),
    Segment("loyal", (3, 4), (4, 5), "Offer what goes with what they buy, and a loyalty scheme."),
    Segment(
        "potential loyalist", (4, 5), (2, 3), "Lead them to the next order: a set, a subscription."
    ),
    Segment("new", (5, 5), (1, 1), "Welcome them and explain the product; win the second order."),
    Segment(
        "promising", (4, 4), (1, 1), "Remind them while they remember: a small reason to return."
    ),
    Segment(
        "need attention", (3, 3), (3, 3), "Make a timely offer based on what they last bought."
    ),
    Segment(
        "about to sleep", (3, 3), (1, 2), "Recommend best sellers, renew contact before they lapse."
    ),
    Segment("at risk", (1, 2), (3, 4), "Write personally, ask what went wrong, offer a way back."),
    Segment(
        "can't lose", (1, 2), (5, 5), "Call or write by hand; win them back before a rival does."
    ),
    Segment(
        "hibernating", (2, 2), (1, 2), "Contact rarely and cheaply, with a reason to look again."
    ),
    Segment("lost", (1, 1), (1, 2), "One last offer, then stop spending on them."),
)

NAMES = tuple(s.name for s in SEGMENTS)

# Those who bought more often than most, and no longer come.
QUIET = ("at risk", "can't lose")

"""Whether the export begins in the middle of the shop's life (see `ingest.truncation`)."""

from __future__ import annotations

from ltvkit.core.i18n import _, n_
from ltvkit.display import formats
from ltvkit.ingest.truncation import FEW, LEAST, SPAN, Beginning, describe
from ltvkit.periods import Day, day

FEWEST = 30  # customers; of fewer nothing is said of how later ones compare with the first


def check_beginning(
    began: Beginning | None, *, days: int, customers: int, as_of: Day
) -> tuple[bool, str]:
    """Whether old customers look new at first, and how many; `days` are those before `as_of`."""
    found = describe(began) if began else None
    if found is None and days < LEAST * SPAN:
        return False, _("too short a history to tell")
    if found is None and customers < FEWEST:
        return False, _("too few customers to tell")
    if found is None and began and began.new[len(began.new) // 2 :].sum() < FEW:
        text = _("customers who look new at first cannot be compared: hardly anybody came later")
        return False, text
    if found is None:
        return False, _("customers who look new at first are as many, or buy, like later ones")
    text = n_(
        "{n} customer looks new in the {days} days from {begins} on, and {share} of them had "
        "probably bought before",
        "{n} customers look new in the {days} days from {begins} on, and {share} of them had "
        "probably bought before",
        found.new,
    )
    until = _(". Who is new is known from {day} on")
    if found.known_from > day(as_of):
        until = _(". In none of these months can it be told who is new")
    share = found.old / max(found.new, 1)
    figures = {"n": found.new, "days": found.days, "begins": found.begins, "share": share}
    return True, formats.fill(text + until, day=found.known_from, **figures)

"""All hypotheses of a register together: what is tried, what worked, what was learned."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ltvkit.core.i18n import _
from ltvkit.display import formats
from ltvkit.errors import LtvkitError
from ltvkit.hypotheses import evaluation as ev
from ltvkit.hypotheses import figures, findings, verdicts
from ltvkit.hypotheses.effects import comparisons, customer_days, validity
from ltvkit.hypotheses.effects.customer_days import Histories, day
from ltvkit.hypotheses.effects.validity import Check
from ltvkit.hypotheses.evaluation import Evaluation
from ltvkit.hypotheses.hypothesis import Hypothesis
from ltvkit.hypotheses.registry.registry import Register

JUDGED = (ev.ENDED, ev.DECIDED)
TOUCHED = 0.05  # share of the treated from which on another measure is mentioned
RECENT = 365  # days for which a finding is news


@dataclass(frozen=True)
class Board:
    """What the orders say of a register: `evaluations` (see `evaluation.Evaluation`), the
    `problems` (file, problem) of what could not be read or evaluated, and the `histories` that
    timelines are drawn from."""

    folder: Path
    evaluations: tuple[Evaluation, ...]
    problems: pd.DataFrame
    histories: Histories

    @property
    def table(self) -> pd.DataFrame:
        """One row per hypothesis, the latest first: who, what, how, effect, verdict, return."""
        rows = [_row(e) for e in reversed(self.evaluations)]
        return pd.DataFrame(rows, columns=list(_COLUMNS))

    @property
    def learned(self) -> pd.DataFrame:
        """What was decided: day, title, verdict, decision, reason; the latest first."""
        rows = [
            (d.day, e.hypothesis.title, e.verdict, d.decision, d.reason)
            for e in self.evaluations
            for d in e.hypothesis.standing.decisions
        ]
        table = pd.DataFrame(rows, columns=["day", "title", "verdict", "decision", "reason"])
        return table.sort_values("day", ascending=False, ignore_index=True, kind="stable")

    @property
    def win_rate(self) -> float:
        """The share of those that came to their end whose verdict is to adopt; NaN: none did."""
        won = [e.verdict == verdicts.ADOPT for e in self.evaluations if _counts(e)]
        return float(np.mean(won)) if won else np.nan

    @property
    def metrics(self) -> dict[str, float]:
        """How many there are by status, and the win rate."""
        counts = pd.Series([e.status for e in self.evaluations]).value_counts()
        named = {s: float(counts.get(s, 0)) for s in (ev.DRAFT, ev.RUNNING, *JUDGED)}
        return {f"hypotheses_{s}": n for s, n in named.items()} | {"win_rate": self.win_rate}

    @property
    def text(self) -> str:
        """The register in a sentence or two."""
        if not self.evaluations:
            return _("No hypothesis is registered yet.")
        said = _("Hypotheses: {n} ({by}).").format(n=len(self.evaluations), by=self._counted())
        if len(self.problems):
            said += " " + _("Left out or doubtful: {n}.").format(n=len(self.problems))
        said = " ".join([said, *sorted({e.sampled for e in self.evaluations if e.sampled})])
        if np.isnan(self.win_rate):
            return said
        judged = [e for e in self.evaluations if _counts(e)]
        text = _(
            "Of {n} that were on record before they began and came to their end, {won} worked by "
            "their own rule (win rate {rate})."
        )
        won = sum(e.verdict == verdicts.ADOPT for e in judged)
        rate = formats.share(self.win_rate, decimals=0)
        return f"{said} {text.format(n=len(judged), won=won, rate=rate)}"

    @property
    def totals(self) -> pd.DataFrame:
        """One row: customers, orders and revenue of the orders that all this rests on."""
        return self.histories.totals

    @property
    def figures(self) -> pd.DataFrame:
        """The rows of all tables of figures, with the `id` of their hypothesis."""
        return self._stacked("table", figures.COLUMNS)

    @property
    def checks(self) -> pd.DataFrame:
        """The rows of all checks, with the `id` of their hypothesis."""
        return self._stacked("checks", list(Check._fields))

    def finding(self, *, currency: str = "") -> list[str]:
        """The register, then each hypothesis that runs, waits for a decision, or ended of late."""
        recent = [e for e in self.evaluations if _recent(e)]
        told = [findings.headline(e, currency=currency) for e in recent]
        return [self.text, *told]

    def _stacked(self, name: str, columns: list[str]) -> pd.DataFrame:
        made = [getattr(e, name).assign(id=e.hypothesis.id) for e in self.evaluations]
        return pd.concat([pd.DataFrame(columns=["id", *columns]), *[m for m in made if len(m)]])[
            ["id", *columns]
        ]

    def _counted(self) -> str:
        counts = pd.Series([e.status for e in self.evaluations]).value_counts()
        known = [s for s in (ev.DRAFT, ev.RUNNING, *JUDGED) if s in counts]
        return ", ".join(f"{counts[s]} {_(s)}" for s in known)


def evaluate_all(register: Register, lines: Any, *, as_of: Any, **cuts: Any) -> Board:
    """A register and the order lines -> what they say of each hypothesis on the day `as_of`.

    What cannot be evaluated is a problem with its reason, and all others still are. Where several
    came to their end, their p are corrected together (Benjamini & Hochberg 1995, Journal of the
    Royal Statistical Society B 57(1), 289-300: `q`, the false discovery rate), and one that does
    not stand among them is not adopted. Replays leave out the time of the other measures; who
    was treated by another at the same time is told. `cuts`: those of `histories.build`.
    """
    known = customer_days.build(lines, as_of=as_of, **cuts)
    with ThreadPoolExecutor(int(os.environ.get("LTVKIT_THREADS") or os.cpu_count() or 1)) as pool:
        made = list(pool.map(partial(_tried, register, known, as_of), register.hypotheses))
    found = [one for one in made if isinstance(one, Evaluation)]
    rows = [one for one in made if not isinstance(one, Evaluation)]
    problems = pd.concat(
        [register.problems, pd.DataFrame(rows, columns=["file", "problem"], dtype=str)],
        ignore_index=True,
    )
    told = [_with_others(one, found) for one in found]
    return Board(register.folder, _together(told), problems, known)


def _judged(found: Evaluation) -> bool:
    """Whether it came to its end; one that was dropped before it began did not."""
    return found.status in JUDGED and len(found.table) > 0


def _counts(found: Evaluation) -> bool:
    """Whether it counts in the win rate: only what was on record before it began."""
    return _judged(found) and found.hypothesis.standing.in_time


def _recent(found: Evaluation) -> bool:
    ago = day(found.as_of) - day(found.hypothesis.until)
    return found.status in (ev.RUNNING, ev.ENDED) or (found.status == ev.DECIDED and ago <= RECENT)


def _tried(
    register: Register, known: Histories, as_of: Any, hypothesis: Hypothesis
) -> Evaluation | tuple[str, str]:
    """Its evaluation, or its file and what is wrong."""
    try:
        busy = _busy(register, hypothesis, known)
        return ev.evaluate(hypothesis, known, as_of=as_of, busy=busy)
    except LtvkitError as error:
        return f"{hypothesis.id}.yaml", str(error)


def _with_others(found: Evaluation, every: list[Evaluation]) -> Evaluation:
    """The same with a check, where customers were treated by another measure in these days."""
    if found.window is None:
        return found
    rows = []
    for other in (o for o in every if o is not found and o.window and found.window.meets(o.window)):
        share = np.isin(found.groups.treated, other.groups.treated).mean()
        if share > TOUCHED:
            text = _("{share} of the treated were also treated by: {title}")
            said = text.format(share=formats.share(share), title=other.hypothesis.title)
            rows.append(Check(validity.OTHERS, found.grade == "A", said))
    more = pd.DataFrame(rows, columns=list(Check._fields))
    return (
        replace(found, checks=pd.concat([found.checks, more], ignore_index=True)) if rows else found
    )


def _busy(register: Register, mine: Hypothesis, known: Histories) -> list[comparisons.Window]:
    others = [h for h in register.hypotheses if h.id != mine.id and h.start < mine.start]
    return [comparisons.window(h, known) for h in others]


def _together(found: list[Evaluation]) -> tuple[Evaluation, ...]:
    """Benjamini-Hochberg over all that came to their end."""
    from statsmodels.stats.multitest import multipletests

    judged = [e for e in found if _judged(e) and not np.isnan(e.primary["p"])]
    if not judged:
        return tuple(found)
    corrected = multipletests([e.primary["p"] for e in judged], method="fdr_bh")[1]
    q = {e.hypothesis.id: float(x) for e, x in zip(judged, corrected, strict=True)}
    return tuple(_corrected(e, q.get(e.hypothesis.id)) for e in found)


def _corrected(found: Evaluation, q: float | None) -> Evaluation:
    if q is None:
        return found
    return replace(found, q=q, verdict=verdicts.verdict(found.hypothesis, found.table, q=q))


_COLUMNS = (
    "id", "title", "owner", "department", "start", "until", "status", "comparison", "grade",
    "metric", "customers", "effect", "lowest", "highest",
    "relative_effect", "relative_lowest", "relative_highest", "p", "q", "verdict", "decision",
    "cost", "net", "net_lowest", "net_highest", "roi",
)  # fmt: skip


def _row(found: Evaluation) -> dict[str, Any]:
    known = found.hypothesis
    decisions = known.standing.decisions
    row = {name: getattr(known, name) for name in ("id", "title", "owner", "department", "start")}
    row |= {"until": known.until, "comparison": known.comparison, "metric": known.metric}
    row |= {"status": found.status, "grade": found.grade, "verdict": found.verdict}
    row |= {"decision": decisions[-1].decision if decisions else "", "cost": known.cost}
    row |= {"q": found.q, "customers": found.extras.get("treated", np.nan)}
    # While it runs, the whole cost stands against a part of the effect.
    money = {} if found.status == ev.RUNNING else found.returns
    row |= {n: money.get(n, np.nan) for n in ("net", "net_lowest", "net_highest", "roi")}
    return row | (_effects(found.primary) if len(found.table) else {})


def _effects(primary: pd.Series) -> dict[str, float]:
    row = {name: primary[name] for name in ("effect", "lowest", "highest", "p")}
    relative = primary["relative_effect"]
    row["relative_effect"] = relative
    unit = relative / primary["effect"] if primary["effect"] else np.nan
    for end in ("lowest", "highest"):
        row[f"relative_{end}"] = primary[end] * unit
    return row

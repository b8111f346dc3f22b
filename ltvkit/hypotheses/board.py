"""All hypotheses of a register together: what is tried, what worked, what was learned."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.display import formats, joining
from ltvkit.engines.frames import Frame
from ltvkit.errors import LtvkitError
from ltvkit.hypotheses import evaluation as ev
from ltvkit.hypotheses import figures, findings, overlaps, verdicts
from ltvkit.hypotheses.effects import comparisons, customer_days
from ltvkit.hypotheses.effects.customer_days import Histories
from ltvkit.hypotheses.effects.validity import Check
from ltvkit.hypotheses.evaluation import Evaluation
from ltvkit.hypotheses.hypothesis import Hypothesis
from ltvkit.hypotheses.registry.store import Registry
from ltvkit.hypotheses.texts import fill
from ltvkit.periods import Day

FINISHED = (ev.ENDED, ev.DECIDED)
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
            for d in e.hypothesis.record.decisions
        ]
        table = pd.DataFrame(rows, columns=["day", "title", "verdict", "decision", "reason"])
        return table.sort_values("day", ascending=False, ignore_index=True, kind="stable")

    @property
    def figures(self) -> pd.DataFrame:
        """The rows of all tables of figures, with the `id` of their hypothesis."""
        return self._stacked("table", figures.COLUMNS)

    @property
    def checks(self) -> pd.DataFrame:
        """The rows of all checks, with the `id` of their hypothesis."""
        return self._stacked("checks", list(Check._fields))

    @property
    def totals(self) -> pd.DataFrame:
        """One row: customers, orders and revenue of all orders."""
        return self.histories.totals

    @property
    def win_rate(self) -> float:
        """The share of the preregistered ones that ended with the verdict "adopt"; NaN: none ended.

        One that was edited since, or stopped before it started, does not count.
        """
        won = self._succeeded()
        return float(np.mean(won)) if won else np.nan

    @property
    def metrics(self) -> dict[str, float]:
        """How many there are by status, and the win rate."""
        named = {f"hypotheses_{s}": float(n) for s, n in self._count_by_status().items()}
        return named | {"win_rate": self.win_rate}

    @property
    def text(self) -> str:
        """The register in a sentence or two."""
        problems = [fill("problems", n=len(self.problems))] if len(self.problems) else []
        if not self.evaluations:
            return joining.sentences([fill("none_usable" if problems else "none_yet"), *problems])
        counts = joining.items(
            f"{n} {formats.cell(s, 'word')}" for s, n in self._count_by_status().items() if n
        )
        sentences = [fill("counted", n=len(self.evaluations), counts=counts), *problems]
        sentences += sorted({e.sampled for e in self.evaluations if e.sampled})
        if waiting := self._waiting():
            sentences.append(fill("waiting", titles=joining.clauses(waiting)))
        if won := self._succeeded():
            rate = formats.share(self.win_rate, decimals=0)
            sentences.append(fill("finished", n=len(won), won=sum(won), rate=rate))
        return joining.sentences(sentences)

    def finding(self, *, currency: str = "") -> list[str]:
        """The register, then each hypothesis that waits for a decision, ended recently, or runs."""
        recent = [e for e in self.evaluations if _is_recent(e)]
        recent.sort(key=lambda e: e.status != ev.ENDED)
        return [self.text, *[findings.headline(e, currency=currency) for e in recent]]

    def _succeeded(self) -> list[bool]:
        """Of each that was preregistered and has ended: whether its verdict is to adopt."""
        ended = filter(_is_finished, self.evaluations)
        return [e.verdict == verdicts.ADOPT for e in ended if e.hypothesis.record.preregistered]

    def _waiting(self) -> list[str]:
        """Of each that has ended without a decision: title, owner and last day."""
        ended = [e.hypothesis for e in self.evaluations if e.status == ev.ENDED]
        return [fill("waits", title=h.title, owner=h.owner, until=h.until) for h in ended]

    def _count_by_status(self) -> dict[str, int]:
        counts = Counter(e.status for e in self.evaluations)
        return {status: counts[status] for status in (ev.DRAFT, ev.RUNNING, *FINISHED)}

    def _stacked(self, name: str, columns: list[str]) -> pd.DataFrame:
        tables = [getattr(e, name).assign(id=e.hypothesis.id) for e in self.evaluations]
        empty = pd.DataFrame(columns=["id", *columns])
        stacked = pd.concat([empty, *[t for t in tables if len(t)]])[["id", *columns]]
        return stacked.infer_objects()  # `empty` would make texts of numbers


def evaluate_all(
    register: Registry, lines: Frame, *, as_of: Day, margin_rate: float = 0.0, **cuts: Any
) -> Board:
    """A register and the order lines -> what they say of each hypothesis on the day `as_of`.

    What cannot be evaluated is a problem with its reason, and all others are still evaluated.
    Replays leave out the time of other measures. Customers who were treated by another measure at
    the same time are a check, and lower the grade (see `overlaps`). `margin_rate` is that of
    `evaluate`; `cuts`: those of `customer_days.build`.

    The p-values of all that have ended are adjusted for their number (`q`, the false discovery
    rate: Benjamini & Hochberg 1995, Journal of the Royal Statistical Society B 57(1), 289-300), and
    one that does not pass then is not adopted.
    """
    histories = customer_days.build(lines, as_of=as_of, **cuts)
    evaluate = partial(_evaluate, register, histories, as_of, margin_rate)
    with ThreadPoolExecutor(int(os.environ.get("LTVKIT_THREADS") or os.cpu_count() or 1)) as pool:
        results = list(pool.map(evaluate, register.hypotheses))
    found = [one for one in results if isinstance(one, Evaluation)]
    failed = [one for one in results if not isinstance(one, Evaluation)]
    problems = pd.DataFrame(failed, columns=["file", "problem"], dtype=str)
    problems = pd.concat([register.problems, problems], ignore_index=True)
    checked = [overlaps.mark(one, found) for one in found]
    return Board(register.folder, _adjust_all(checked), problems, histories)


def _is_finished(found: Evaluation) -> bool:
    """Whether it ran to its end; one that was stopped before it started did not."""
    return found.status in FINISHED and len(found.table) > 0


def _is_recent(found: Evaluation) -> bool:
    ago = periods.number_of(found.as_of) - periods.number_of(found.hypothesis.until)
    return found.status in (ev.RUNNING, ev.ENDED) or (found.status == ev.DECIDED and ago <= RECENT)


def _evaluate(
    register: Registry, histories: Histories, as_of: Day, margin_rate: float, hypothesis: Hypothesis
) -> Evaluation | tuple[str, str]:
    """Its evaluation, or its file and what is wrong."""
    earlier = [h for h in register.hypotheses if h.start < hypothesis.start]
    try:
        busy = [comparisons.observed_window(h, histories) for h in earlier]
        given = {"as_of": as_of, "busy": busy, "margin_rate": margin_rate}
        return ev.evaluate(hypothesis, histories, **given)
    except LtvkitError as error:
        return f"{hypothesis.id}.yaml", str(error)


def _adjust_all(found: list[Evaluation]) -> tuple[Evaluation, ...]:
    """Benjamini-Hochberg over all that have ended."""
    from statsmodels.stats.multitest import multipletests

    p = {e.hypothesis.id: e.primary["p"] for e in found if _is_finished(e)}
    p = {id: value for id, value in p.items() if not np.isnan(value)}
    if not p:
        return tuple(found)
    q = dict(zip(p, multipletests(list(p.values()), method="fdr_bh")[1].tolist(), strict=True))
    return tuple(_adjust(e, q[e.hypothesis.id]) if e.hypothesis.id in q else e for e in found)


def _adjust(found: Evaluation, q: float) -> Evaluation:
    against = {"returns": found.returns, "shared": found.shared}
    verdict = verdicts.reach_verdict(found.hypothesis, found.table, q=q, **against)
    return replace(found, q=q, verdict=verdict)


_COLUMNS = (
    "id", "title", "owner", "department", "start", "until", "status", "comparison", "grade",
    "metric", "customers", "effect", "lowest", "highest",
    "relative_effect", "relative_lowest", "relative_highest", "p", "q", "verdict", "decision",
    "cost", "net", "net_lowest", "net_highest", "roi",
)  # fmt: skip


def _row(found: Evaluation) -> dict[str, Any]:
    plan = found.hypothesis
    row = {name: getattr(plan, name) for name in _COLUMNS if hasattr(plan, name)}
    row |= {name: getattr(found, name) for name in ("status", "grade", "verdict", "q")}
    row |= {"decision": plan.record.decisions[-1].decision if plan.record.decisions else ""}
    row |= {"customers": found.extras.get("treated", np.nan)}
    # While it runs, the whole cost stands against a part of the effect.
    money = {} if found.status == ev.RUNNING else found.returns
    row |= {n: money.get(n, np.nan) for n in ("net", "net_lowest", "net_highest", "roi")}
    return row | (_effects(found.primary) if len(found.table) else {})


def _effects(primary: pd.Series) -> dict[str, float]:
    """The effect with its interval, also relative to what would have been without it."""
    row = primary[["effect", "lowest", "highest", "relative_effect", "p"]].to_dict()
    unit = row["relative_effect"] / row["effect"] if row["effect"] else np.nan
    return row | {f"relative_{end}": row[end] * unit for end in ("lowest", "highest")}

"""Why revenue changed between two periods: the part of each leaf, how sure it is, and whose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.core.i18n import _
from ltvkit.display import formats
from ltvkit.drivers import leaves
from ltvkit.drivers.decomposition import attribute
from ltvkit.drivers.formula import Formula, Values
from ltvkit.drivers.leaves import LEAVES, Span
from ltvkit.drivers.texts import fill
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, TooLittleData
from ltvkit.ingest import truncation
from ltvkit.periods import Day

MOVED = "change_in_revenue"
COVERED = 0.9  # of the interval
FEWEST = 30  # customers in both periods; with fewer, resampling says little about chance
NAMED, LARGE = 3, 0.1  # reasons in the sentence, and what of the largest part they are at least
SAME = 0.01  # a change of less is "about as much"


@dataclass(frozen=True)
class Change:
    """A change of revenue, shared out among the leaves of its `formula`.

    `table`: a row per leaf, in the order of the tree: leaf, change_in_revenue (by this leaf), low,
    high (90% interval; NaN: not known, or nothing that chance decides), verdict ("raised" and
    "lowered" of revenue, "unclear" where the interval holds zero, "unmoved"), value_before,
    value_after (of the leaf), department (empty: nobody's). The changes add up to `after` less
    `before`. `months`: of an LTV, up to which age it is.
    """

    table: pd.DataFrame
    formula: Formula
    periods: tuple[str, str]
    before: float
    after: float
    months: int = 0

    def show(self, *, currency: str = "") -> pd.DataFrame:
        """The table to look at: the values as texts, each in the unit of its leaf."""
        return show_values(self.table, currency=currency)

    @property
    def bridge(self) -> pd.DataFrame:
        """From one revenue to the other: step, amount, kind ("level", or the verdict of a leaf).

        Leaves that change nothing are left out.
        """
        moved = self.table[self.table[MOVED] != 0]
        levels = (
            [{"step": p, "amount": x, "kind": "level"}]
            for p, x in zip(map(_name, self.periods), (self.before, self.after), strict=True)
        )
        steps = moved[["leaf", MOVED, "verdict"]].set_axis(["step", "amount", "kind"], axis=1)
        first, last = map(pd.DataFrame, levels)
        return pd.concat([first, steps, last], ignore_index=True)

    def reconcile(self, history: pd.DataFrame) -> pd.DataFrame:
        """The tree, and its changes, against the key figures of `kpis.series`: period, revenue (of
        the tree, or after all changes), key_figure_revenue, difference_in_revenue."""
        values = [
            dict(zip(self.table["leaf"], self.table[name], strict=True))
            for name in ("value_before", "value_after")
        ]
        known = {leaf: [v.get(leaf, 0.0) for v in values] for leaf in self.formula.leaves}
        start = float(
            self.formula.evaluate({leaf: np.nan_to_num(v[0]) for leaf, v in known.items()})
        )
        table = pd.DataFrame(
            {
                "period": self.periods,
                "revenue": [start, start + self.table[MOVED].sum()],
                "key_figure_revenue": history.set_index("period")["revenue"].reindex(self.periods),
            }
        )
        gap = table["revenue"] - table["key_figure_revenue"]
        return table.assign(difference_in_revenue=gap).reset_index(drop=True)


def show_values(table: pd.DataFrame, *, currency: str = "") -> pd.DataFrame:
    """A table of leaves -> the same with `values`, from the first to the last, as a text in the
    unit of the leaf, in the place of both."""
    first, last = (n for n in ("value_before", "value_after", "value_then") if n in table)
    texts = []
    for leaf, *pair in zip(table["leaf"], table[first], table[last], strict=True):
        old, new = (formats.value(x, leaf, currency) for x in pair)
        texts.append(old if old == new else _("{old} to {new}").format(old=old, new=new))
    shown = table.drop(columns=[first, last])
    shown.insert(shown.columns.get_loc("department"), "values", texts)  # type: ignore[arg-type]
    return shown


def explain(
    days: Frame,
    *,
    as_of: Day,
    lines: Frame | None = None,
    against: str = "previous",
    every: str = "month",
    lapse_days: int = 180,
    draws: int = 1000,
    seed: int = 1,
    export_begins: str = "",
) -> Change:
    """Order lines, or their `days` -> why the revenue of the period that holds `as_of` differs.

    From that of the period before (`against` "previous"), of the same a year before ("last_year"),
    or of a month ("2024-06"); up to `as_of`, so a period that is not over has fewer days. With the
    `lines`, order value is items per order times price per item, less what was sent back, as far as
    they say so. A customer who had not bought for more than `lapse_days` is won back.

    The tree is days x weekday mix x customers a day (new, kept, won back) x orders per customer x
    order value x what was kept; where nearly all pay after the same time, no shorter than the
    period, it is without the days, on which such payments do not depend. Each leaf's part of the
    change is its Shapley value (see `decomposition.attribute`). Intervals resample customers, dealt
    into 256 groups, `draws` times from `seed`. Where it is not known who is new
    (`ingest.truncation`; `export_begins` is the policy), customers are one leaf. Raises
    `TooLittleData` where a period is not in the data, or has revenue and nobody who bought.
    """
    spans = find_spans(as_of=as_of, against=against, every=every)
    names = [periods.label(periods.index_of(start, every), every) for start, _end in spans]
    if not leaves.reaches_back(days, spans[0][0]):
        raise TooLittleData(fill("not_in_data", period=_name(names[0])))
    table, regular = leaves.count(days, spans=spans, lapse_days=lapse_days, lines=lines)
    totals = table.sum().to_dict()
    for n, name in enumerate(names):
        sold = totals.get(f"gross{n}", totals[f"revenue{n}"])
        if sold and not totals[f"orders{n}"]:
            raise TooLittleData(fill("nothing_bought", period=_name(name)))
    known_from = truncation.find_known_from(days, as_of=as_of, export_begins=export_begins)
    known = known_from is None or known_from <= pd.Timestamp(spans[0][0])
    weights = leaves.weigh_weekdays(days, as_of=as_of)
    tree = leaves.build_tree(totals, spans=spans, known=known, regular=regular, weights=weights)
    drawn = resample(table, draws=draws, seed=seed)
    people = sum(totals[f"{kind}{n}"] for kind in leaves.KINDS for n in (0, 1))
    shares = list_shares(tree, totals, drawn, enough=people >= FEWEST)
    revenue = (float(totals["revenue0"]), float(totals["revenue1"]))
    return Change(shares, tree.formula, (names[0], names[1]), *revenue)


def list_shares(tree: Any, totals: Values, drawn: Values, *, enough: bool) -> pd.DataFrame:
    """The table of a change: see `Change`."""
    before, after = tree.compute(totals)
    parts = attribute(tree.formula, before, after)
    spread = attribute(tree.formula, *tree.compute(drawn))
    rows: list[dict[str, Any]] = []
    for leaf in tree.formula.leaves:
        row = {"leaf": leaf, MOVED: float(parts[leaf])}
        row |= _measure_chance(spread[leaf], enough=enough)
        sides = {"value_before": float(before[leaf]), "value_after": float(after[leaf])}
        department = LEAVES[leaf]["department"]
        verdict = _judge(row, certain=not department)
        rows.append({**row, "verdict": verdict, **sides, "department": department})
    return pd.DataFrame(rows)


def find_spans(*, as_of: Day, against: str = "previous", every: str = "month") -> list[Span]:
    """The period that holds `as_of`, up to it, after the one to compare it with.

    >>> [[str(day.date()) for day in span] for span in find_spans(as_of="2024-03-31")]
    [['2024-02-01', '2024-02-29'], ['2024-03-01', '2024-03-31']]
    >>> str(find_spans(as_of="2024-03-31", against="2023-11")[0][1].date())
    '2023-11-30'
    """
    now = periods.index_of(as_of, every)
    back = {"previous": 1, "last_year": periods.YEAR_BEFORE[every]}
    then = now - back[against] if against in back else _find_month(against, every)
    if then >= now:
        raise ParamsError(f"against={against!r}: give an earlier month than that of {as_of}.")
    return [
        (periods.start(then, every), periods.end(then, every)),
        (periods.start(now, every), min(periods.end(now, every), pd.Timestamp(periods.day(as_of)))),
    ]


def _find_month(name: str, every: str) -> int:
    if every != "month" or not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", name):
        raise ParamsError(f"against={name!r}: give previous, last_year, or a month as 2024-06.")
    return periods.index_of(f"{name}-01", "month")


def resample(table: pd.DataFrame, *, draws: int, seed: int) -> dict[str, np.ndarray]:
    """Sums by group of customers -> sums of all, of groups drawn with replacement."""
    groups = table.reindex([f"{n:02x}" for n in range(256)], fill_value=0.0)
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(groups), np.full(len(groups), 1 / len(groups)), size=draws)
    sums = weights @ groups.to_numpy()
    return dict(zip(groups.columns, sums.T, strict=True))


def divide(sums: Any, by: Any) -> np.ndarray:
    """A quotient of sums, numbers or arrays; NaN where there is nothing to divide by."""
    number, whole = np.asarray(sums, dtype=float), np.asarray(by, dtype=float)
    return np.divide(number, whole, out=np.full(np.shape(whole), np.nan), where=whole != 0)


def _measure_chance(drawn: np.ndarray, *, enough: bool) -> dict[str, float]:
    if not enough or np.ptp(drawn) == 0:
        return {"low": np.nan, "high": np.nan}
    low, high = np.quantile(drawn, [(1 - COVERED) / 2, (1 + COVERED) / 2])
    return {"low": float(low), "high": float(high)}


def _judge(row: Mapping[str, Any], *, certain: bool) -> str:
    if not row[MOVED]:
        return "unmoved"
    if not (certain or row["low"] > 0 or row["high"] < 0):
        return "unclear"
    return "raised" if row[MOVED] > 0 else "lowered"


def _name(period: str) -> str:
    return formats.month(period) if re.fullmatch(formats.GRAINS["month"], period) else period


def finding(found: Change, *, currency: str = "") -> str:
    """A change in a sentence, and its clear reasons: those for it first, then those against it."""
    first, last = map(_name, found.periods)
    change = found.after - found.before
    figures: dict[str, Any] = {
        "last": last,
        "first": first,
        "now": formats.money(found.after, currency),
    }
    figures |= {"n": found.months}
    small = abs(change) < SAME * found.before or not change
    known = found.before > 0 and found.after >= 0
    share = f" ({formats.change(change / found.before)})" if known else ""
    amount = formats.money(abs(change), currency)
    kind = "ltv" if found.months else "revenue"
    name = f"{kind}_same" if small else f"{kind}_rose" if change > 0 else f"{kind}_fell"
    said = fill(name, **figures, amount=amount, share=share)
    sign = 0.0 if small else float(np.sign(change))
    return f"{said} {_describe_reasons(found.table, sign, currency)}"


def _describe_reasons(table: pd.DataFrame, sign: float, currency: str) -> str:
    """What moved revenue beyond chance, in the direction of its change and against it."""
    owned = table[(table["department"] != "") & (table[MOVED] != 0)]
    if len(owned) and owned["low"].isna().all():
        return fill("too_few_to_tell")
    large = table[MOVED].abs() >= LARGE * table[MOVED].abs().max()
    clear = table[table["verdict"].isin(["raised", "lowered"]) & large]
    clear = clear.reindex(clear[MOVED].abs().sort_values(ascending=False).index).head(NAMED)
    with_it = clear[MOVED] * sign > 0
    said = [
        _(", ").join(_name_reason(row, currency) for _index, row in rows.iterrows())
        for rows in (clear[with_it], clear[~with_it])
    ]
    if not sign and said[1]:
        return fill("offsetting", reasons=said[1])
    texts = [fill("reasons", reasons=said[0]) if said[0] else fill("no_clear_reason")]
    return " ".join([*texts, *[fill("against", reasons=said[1])] * bool(said[1])])


def _name_reason(row: pd.Series, currency: str) -> str:
    way = "rise" if row["value_after"] > row["value_before"] else "fall"
    amount = formats.difference(row[MOVED], "revenue", currency)
    return fill("reason", what=_(LEAVES[row["leaf"]][way]), amount=amount)

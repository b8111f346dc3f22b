"""Which enquiries may be answered automatically, and which wait for a person, each with its reason.

Enquiries with a known intent are split by time: the earliest 40% teach the model, the next 20%
choose how sure it must be of each intent, the latest 40% test these cuts once. An intent is
answered automatically only where that test says that at least so many answers are right
(`promise`), with a confidence (`confidence`) that holds for all of them together. It is said of the
enquiries that come next as far as these are like the tested ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit.engines import frames, ranking
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, TooLittleData, is_number
from ltvkit.support import cuts, intents, reasons, savings
from ltvkit.support.intents import Model
from ltvkit.support.texts import fill

NEEDS = ("enquiry_id", "enquiry_time", "text")
PARTS = {"learn": 0.4, "choose": 0.2, "test": 0.4}
LEAST, FEWEST = 100, 10  # labelled enquiries, and of an intent to be learned
FEWEST_PEOPLE = 5  # customers who wrote about an intent that a page names
FREE = 0.5  # of enquiries with intents of their own: these are texts, and no labels
OTHER = "(other)"  # intents of fewer
MOST = 30_000  # labelled enquiries that are read, the latest
NEAR = -0.5  # score from which an intent that wants a person is near enough
MARK = "high_value"


@dataclass(frozen=True)
class Router:
    """What decides who answers: the `model`, the `cuts` of the intents that may be answered
    automatically, `unknown_below` (similarity), `sensitive` (intents that want a person, with the
    reason) and the `table` of all intents (see `train`). `parts`: of which enquiries it was made
    (part, enquiries, start, until). `error`: what each tested intent may take of the error."""

    model: Model
    cuts: dict[str, float]
    unknown_below: float
    sensitive: dict[str, str]
    table: pd.DataFrame
    parts: pd.DataFrame
    promise: float
    confidence: float
    error: float
    judged: pd.DataFrame = field(repr=False)

    def judge(self, texts: pd.Series, *, high_value: pd.Series | None = None) -> pd.DataFrame:
        """Texts -> intent, sure, similarity and `reason` ("": may be answered automatically)."""
        found = _judge(self.model, texts, high_value, self.unknown_below, self.sensitive)
        needed = found["intent"].map(self.cuts).astype(float)
        below = needed.isna() | (found["sure"] < needed)
        rest = np.where(needed.isna(), reasons.NOT_PROVEN, reasons.NOT_SURE)
        reason = found["reason"].where((found["reason"] != "") | ~below, pd.Series(rest))
        return found.assign(reason=reason)


def choose_high_value(customers: Frame, *, by: str = "ltv_12m", share: float = 0.1) -> Frame:
    """Customers with a value, as of `forecast.predict` -> `customer_id` of the `share` of them who
    are worth most (equal: first by id), whom a person always answers."""
    opened = frames.lazy(customers, needs=("customer_id", by)).select("customer_id", by)
    most = int(frames.count(opened) * share)
    ranked = ranking.rank(opened, by=by, ties="customer_id").filter(nw.col("rank") <= most)
    return frames.materialize(ranked.select("customer_id"), like=customers)


def train(
    enquiries: Frame,
    *,
    promise: float = 0.95,
    confidence: float = 0.95,
    high_value: Frame | None = None,
    most: int = MOST,
) -> Router:
    """Enquiries with `text` and `intent` -> `Router`; the latest `most` that have an intent.

    `table`, a row per intent, the most frequent first (equal: by name): intent, `labelled`
    (enquiries), `verdict` ("automatic"; "always_human" for its name, see reasons.yaml;
    "needs_labels"; "not_told_apart": too many answers are wrong), `tested` (answers of the test,
    one per customer), `right_share`, `right_low` (at least so many, with the confidence of all
    tested intents together; NaN: not tested), `automatic_share` (of its enquiries in the test that
    would have been answered, and rightly), `more_labels` (how many more it takes, if answers are as
    often right as they were; NaN: no number helps) and see `savings.add`.

    Intents of fewer than 10 enquiries, or of fewer than 5 customers, are one row, "(other)", and
    always a person's. `high_value`: `customer_id` of customers whom a person always answers. Raises
    `ColumnError`, and `TooLittleData` where nobody has named intents, or too few, where they are
    texts of their own, or where the earliest part has one intent only.
    """
    for name, value in {"promise": promise, "confidence": confidence}.items():
        if not is_number(value, 0.5, 0.999):
            raise ParamsError(f"{name}={value!r}: give a share from 0.5 to 0.999, as 0.95.")
    known = read(enquiries, high_value=high_value, labelled=True, most=most)
    known = _gather_rare(_check(known, frames.count(enquiries)))
    at = np.floor(np.cumsum([0, *PARTS.values()]) * len(known) + 1e-9).astype(int)
    learn, choose, test = (known.iloc[a:b].reset_index(drop=True) for a, b in pairwise(at))
    named = learn[learn["intent"] != OTHER]
    if named["intent"].nunique() < 2:
        raise TooLittleData(fill("one_intent_first", n=len(named)))
    model = intents.fit(named["text"], named["intent"])
    unknown = intents.choose_unknown(model, choose["text"], choose["intent"])
    sensitive = reasons.classify_intents(known["intent"].unique())
    tried, judged = (
        _answer(part, _judge(model, part["text"], part[MARK], unknown, sensitive))
        for part in (choose, test)
    )
    error, times = 1 - confidence, len(test) / len(choose)
    open_to = [name for name in model.intents if name not in sensitive]
    parts = {name: _select(tried, name) for name in open_to}
    chosen = cuts.choose_cuts(parts, times=times, promise=promise, error=error)
    error /= max(len(chosen), 1)
    table = _test(known, judged, chosen, sensitive, promise=promise, error=error)
    more = [
        # One that was not tested would be one more to share the error with.
        _count_more(row, parts, promise=promise, times=times,
                    error=error if row.tested else (1 - confidence) / (len(chosen) + 1))
        for row in table.itertuples()
    ]  # fmt: skip
    hopeless = (table["verdict"] == "needs_labels") & np.isnan(more)
    table = table.assign(
        more_labels=more, verdict=table["verdict"].mask(hopeless, "not_told_apart")
    )
    table = savings.add(table, test, judged, chosen, enquiries)
    automatic = set(table.loc[table["verdict"] == "automatic", "intent"])
    return Router(
        model, {name: one.cut for name, one in chosen.items() if name in automatic}, unknown,
        sensitive, table, _describe_parts(learn, choose, test), promise, confidence, error, judged,
    )  # fmt: skip


def read(
    enquiries: Frame, *, high_value: Frame | None, labelled: bool, most: int, waiting: bool = False
) -> pd.DataFrame:
    """The latest `most` enquiries as pandas, by time and id, with `high_value` (0, 1);
    `labelled`: those with an intent; `waiting`: those without an answer."""
    opened = frames.lazy(enquiries, needs=(*NEEDS, *(("intent",) if labelled else ())))
    names = opened.collect_schema().names()
    optional = [n for n in ("customer_id", "intent", "handling_minutes") if n in names]
    if labelled:
        opened = opened.filter(~nw.col("intent").is_null(), nw.col("intent") != "")
    if waiting:
        opened = select_waiting(opened)
    opened = opened.filter(~nw.col("text").is_null(), nw.col("text") != "")
    opened = opened.select(*NEEDS, *optional)
    if high_value is not None and "customer_id" in names:
        marked = (
            frames.lazy(frames.bring(high_value, like=enquiries)).select("customer_id").unique()
        )
        opened = opened.join(marked.with_columns(_m=nw.lit(1)), on="customer_id", how="left")
        opened = opened.with_columns(nw.col("_m").fill_null(0).alias(MARK)).drop("_m")
    latest = opened.sort("enquiry_time", "enquiry_id", descending=[True, True]).head(most)
    table = frames.table(latest).sort_values(["enquiry_time", "enquiry_id"], ignore_index=True)
    return table if MARK in table else table.assign(**{MARK: 0})


def select_waiting(enquiries: nw.LazyFrame) -> nw.LazyFrame:
    """Enquiries that wait. Where a status tells (`open`), those that are open, whoever they are
    assigned to; else those without any sign of an answer: who answered, after how long, solved or
    not. Raises `TooLittleData` where no column tells."""
    names = enquiries.collect_schema().names()
    if "open" in names:
        known = ~nw.col("open").is_null()
        if frames.count(enquiries.filter(known)):
            return enquiries.filter(nw.col("open"))
    signs = [n for n in ("answered_by", "answer_minutes", "solved") if n in names]
    if not signs:
        raise TooLittleData(fill("answers_not_recorded"))
    for name in signs:
        none = nw.col(name).is_null()
        none = none | (nw.col(name) == "") if name == "answered_by" else none
        enquiries = enquiries.filter(none)
    return enquiries


def _check(known: pd.DataFrame, enquiries: int) -> pd.DataFrame:
    """The labelled enquiries of intents that can be learned and tested."""
    if known.empty:
        raise TooLittleData(fill("no_labels", n=enquiries, least=LEAST))
    counted = known["intent"].value_counts()
    if len(counted) > FREE * len(known) and len(known) >= FEWEST:
        raise TooLittleData(fill("free_text", n=len(counted), labelled=len(known)))
    if len(known) < LEAST or (counted >= FEWEST).sum() < 2:
        raise TooLittleData(fill("few_labels", n=len(known), least=LEAST, fewest=FEWEST))
    return known.astype({"intent": str, "text": str})


def _gather_rare(known: pd.DataFrame) -> pd.DataFrame:
    """Intents of few enquiries or of few customers as one, which is not learned: they could be
    texts, or tell who wrote."""
    by = known.groupby("intent")
    rare = by.size() < FEWEST
    if "customer_id" in known:
        who = known["customer_id"].fillna("").astype(str)
        people = who[who != ""].groupby(known["intent"]).nunique()
        anonymous = (who == "").groupby(known["intent"]).sum()
        rare |= people.reindex(rare.index).fillna(0) + anonymous < FEWEST_PEOPLE
    names = rare.index[rare]
    return known.assign(intent=known["intent"].mask(known["intent"].isin(names), OTHER))


def _judge(
    model: Model,
    texts: pd.Series,
    high_value: pd.Series | None,
    unknown_below: float,
    sensitive: dict[str, str],
) -> pd.DataFrame:
    """Texts -> first choice, and why a person has to answer, but for how sure the model is."""
    found, scores = model.score(list(texts))
    reason = pd.Series([reasons.find_reason(text) for text in texts], dtype=object)
    if high_value is not None:
        marked = high_value.to_numpy(dtype=float) > 0
        reason = reason.mask((reason == "") & marked, reasons.HIGH_VALUE)
    strange = (found["similarity"] < unknown_below).to_numpy()
    reason = reason.mask((reason == "") & strange, reasons.UNKNOWN)
    columns = [n for n, name in enumerate(model.intents) if name in sensitive]
    if columns and len(found):
        near = scores[:, columns]
        named = np.array([sensitive[model.intents[n]] for n in columns])[near.argmax(axis=1)]
        reason = reason.mask((reason == "") & (near.max(axis=1) >= NEAR), pd.Series(named))
    return found.assign(reason=reason)


def _answer(part: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Enquiries and what the model says of them -> those it may answer, and whether it was right.

    A customer counts once for each answer, with the first enquiry: the next ones may say the same.
    """
    table = found.assign(right=found["intent"] == part["intent"], asked=part["intent"])
    who = part["customer_id"] if "customer_id" in part else pd.Series("", index=part.index)
    who = who.fillna("").astype(str)
    alone = (who == "").to_numpy()
    open_to = table["reason"] == ""
    again = pd.DataFrame({"who": who, "intent": table["intent"]})[open_to].duplicated()
    again = again.reindex(table.index, fill_value=False) & ~alone
    return table.assign(open=open_to, counts=open_to & ~again)


def _select(judged: pd.DataFrame, intent: str) -> tuple[np.ndarray, np.ndarray]:
    rows = judged[judged["counts"] & (judged["intent"] == intent)]
    return rows["sure"].to_numpy(), rows["right"].to_numpy(dtype=bool)


def _test(
    known: pd.DataFrame,
    judged: pd.DataFrame,
    chosen: dict[str, cuts.Choice],
    sensitive: dict[str, str],
    *,
    promise: float,
    error: float,
) -> pd.DataFrame:
    rows = []
    for intent, labelled in known["intent"].value_counts().items():
        row = {"intent": str(intent), "labelled": int(labelled), "tested": 0}
        row |= dict.fromkeys(("right_share", "right_low", "automatic_share"), np.nan)
        row["verdict"] = (
            "always_human" if intent in sensitive or intent == OTHER else "needs_labels"
        )
        if intent in chosen:
            sure, right = _select(judged, intent)
            right = right[sure >= chosen[intent].cut]
            low = cuts.find_lower(right.sum(), len(right), error=error) if len(right) else 0.0
            row |= {"tested": len(right), "right_share": right.mean() if len(right) else np.nan}
            row |= {"right_low": low, "verdict": "automatic" if low >= promise else "needs_labels"}
            own = judged[judged["asked"] == intent]
            taken = own["open"] & own["right"] & (own["sure"] >= chosen[intent].cut)
            row["automatic_share"] = taken.mean() if low >= promise and len(own) else 0.0
        rows.append(row)
    return pd.DataFrame(rows).sort_values(
        ["labelled", "intent"], ascending=[False, True], ignore_index=True
    )


def _count_more(
    row: Any,
    parts: dict[str, tuple[np.ndarray, np.ndarray]],
    *,
    promise: float,
    error: float,
    times: float,
) -> float:
    """How many more labelled enquiries an intent takes to pass; 0: it does; NaN: none help."""
    if row.verdict != "needs_labels":
        return 0.0 if row.verdict == "automatic" else np.nan
    sure, right = parts.get(row.intent, (np.empty(0), np.empty(0, dtype=bool)))
    surest = right[np.argsort(-sure, kind="stable")][
        : max(len(right) // 2, min(FEWEST, len(right)))
    ]
    wrong = 1 - surest.mean() if len(surest) >= FEWEST else 0.0
    if row.tested:
        wrong = 1 - row.right_share
    needed = cuts.count_needed(promise=promise, error=error, wrong=wrong)
    answered = row.tested or max(len(surest) * times, 1.0)
    each = min(max(answered / (PARTS["test"] * row.labelled), 0.05), 1.0)
    return float(np.ceil(max(needed / each / PARTS["test"] - row.labelled, 1.0)))


def _describe_parts(*parts: pd.DataFrame) -> pd.DataFrame:
    rows = [
        {"part": name, "enquiries": len(rows), "start": rows["enquiry_time"].iloc[0].normalize(),
         "until": rows["enquiry_time"].iloc[-1].normalize()}
        for name, rows in zip(PARTS, parts, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def route(
    enquiries: Frame, router: Router, *, high_value: Frame | None = None, most: int = MOST
) -> pd.DataFrame:
    """Enquiries -> those without an answer, the oldest first, and who answers: a list.

    enquiry_id, customer_id, enquiry_time (text, to the minute), `intent` (as the model reads it),
    `sure`, `similarity`, `reason` why a person answers ("automatic": nobody has to). Raises
    `TooLittleData` where no column tells what was answered.
    """
    waiting = read(enquiries, high_value=high_value, labelled=False, most=most, waiting=True)
    found = router.judge(waiting["text"], high_value=waiting[MARK])
    waiting["enquiry_time"] = waiting["enquiry_time"].dt.strftime("%Y-%m-%d %H:%M")
    found = found.round({"sure": 3, "similarity": 3})
    own = [n for n in ("enquiry_id", "customer_id", "enquiry_time") if n in waiting]
    found["reason"] = found["reason"].replace("", "automatic")
    return pd.concat([waiting[own], found], axis=1)


def summarize_waiting(waiting: pd.DataFrame) -> pd.DataFrame:
    """A list of `route` -> a row per reason, most enquiries first (equal: by name): reason,
    enquiries, share."""
    counted = waiting["reason"].value_counts()
    table = counted.rename_axis("reason").reset_index(name="enquiries")
    table = table.sort_values(["enquiries", "reason"], ascending=[False, True], ignore_index=True)
    return table.assign(share=table["enquiries"] / max(len(waiting), 1))

"""What a new customer is expected to bring, known on the day of the first order.

Four models, from the simplest: the mean of all, the mean by channel, a straight line on the amount
of the first order, and a linear regression on it and all traits. Each learns from customers won
first, and is tried on those won after them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from scipy import stats

from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import TooLittleData
from ltvkit.traits import adjustment, differences
from ltvkit.traits.first_orders import PREFIX
from ltvkit.traits.following import Followed
from ltvkit.traits.groups import BAND
from ltvkit.traits.texts import fill

LEARNED = 2 / 3  # of the customers, those won first
LEAST = 50  # customers to learn from, and to try it on
DECILES = 10
AMOUNT, VALUE = "amount", "first_day_value"
MODELS = ("mean_of_all", "mean_by_channel", "by_first_amount", "linear_regression")


@dataclass(frozen=True)
class FirstDayValue:
    """A value for each new customer, and how well it did on customers it did not know.

    `table`: a row per model, the simplest first: method, customers (tried on), bias (predicted /
    actual - 1, of the total), decile_mape (the mean error of `deciles`, as a share of the actual
    value), gini (how well it ranks: that of the actual values in the order of the predicted ones,
    as a share of that in their own order), error_saved (of the squared error of the mean of all),
    saved_low, saved_high (90%), chosen. `deciles` of the chosen model: decile (1: the highest
    predicted; equal values stay together), customers, predicted, actual (per customer). `weights`,
    learned from all customers, add up to a value: trait ("": for everybody; "amount": times the
    amount of the first order), group, weight. `split`: the day from which customers were tried on.
    """

    table: pd.DataFrame
    deciles: pd.DataFrame
    weights: pd.DataFrame
    months: int
    split: pd.Timestamp

    @property
    def model(self) -> str:
        """The name of the chosen model."""
        return str(self.table.loc[self.table["chosen"], "method"].iloc[0])

    def predict(self, customers: Frame) -> Any:
        """Customers of `collect` -> the same with `first_day_value`, as the kind that went in."""
        lazy = frames.without(frames.lazy(customers, needs=(AMOUNT,)), VALUE)
        names, parts = lazy.collect_schema().names(), []
        for trait, group, weight in self.weights.itertuples(index=False):
            if trait == AMOUNT:
                parts.append(nw.col(AMOUNT).cast(nw.Float64) * weight)
            elif not trait:
                parts.append(nw.lit(weight))
            elif trait in names:
                has = nw.when(nw.col(trait) == group)
                parts.append(has.then(nw.lit(weight)).otherwise(nw.lit(0.0)))
        return frames.materialize(
            lazy.with_columns(nw.sum_horizontal(*parts).alias(VALUE)), like=customers
        )


def predict_first_day(followed: Followed, *, channel: str = "channel") -> FirstDayValue:
    """Followed customers -> `FirstDayValue`.

    The two thirds of customers won first (by day) teach the models, the others try them. A model
    that knows more takes the place of a simpler one where its squared error is smaller beyond
    chance (one-sided p of .05, customer by customer); so the mean of all stays where nothing is
    clearly better. The chosen one then learns from all customers. Squared errors are used because
    only they are smallest for the mean, which is what adds up to revenue.

    Customers are tried on the same months that others have lived through: where all were won within
    a few months, those who teach were not yet that old when the others were won. Raises
    `TooLittleData` where fewer than 50 customers are on a side.
    """
    table = followed.table
    won = table["first_order"]
    split = won.sort_values(ignore_index=True).iloc[int(len(won) * LEARNED)]
    known = (won < split).to_numpy()
    if min(known.sum(), (~known).sum()) < LEAST:
        n = int(min(known.sum(), (~known).sum()))
        raise TooLittleData(fill("too_few_to_try", least=LEAST, n=n))
    actual = table.loc[~known, "ltv"].to_numpy(dtype=float)
    predicted = {}
    for model, traits in list_models(followed, channel=channel).items():
        learned = learn(table[known], traits)
        predicted[model] = apply(learned, table[~known])
    rows = [_score(model, values, actual, predicted) for model, values in predicted.items()]
    chosen = _choose(predicted, actual)
    tried = pd.DataFrame(rows).assign(chosen=[model == chosen for model in predicted])
    weights = learn(table, list_models(followed, channel=channel)[chosen])
    deciles = average_by_decile(predicted[chosen], actual)
    return FirstDayValue(tried, deciles, weights, followed.months, split)


def list_models(followed: Followed, *, channel: str) -> dict[str, list[str]]:
    """The models that these customers allow, and what each knows of a customer."""
    by_channel = PREFIX + channel
    traits = [t for t in followed.traits if t != BAND]
    known: tuple[list[str], ...] = ([], [by_channel], [AMOUNT], [AMOUNT, *traits])
    models = dict(zip(MODELS, known, strict=True))
    left_out = [MODELS[1]] * (by_channel not in traits) + [MODELS[3]] * (not traits)
    return {name: names for name, names in models.items() if name not in left_out}


def learn(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Followed customers, and what is known of them -> trait, group, weight (least squares).

    >>> table = pd.DataFrame({"amount": [10.0, 20.0, 30.0], "ltv": [15.0, 25.0, 35.0]})
    >>> learn(table, ["amount"])["weight"].round(6).tolist()
    [5.0, 1.0]
    """
    parts = {n: table[[n]] if n == AMOUNT else adjustment.code(table[n]) for n in names}
    labels = [(n, "" if n == AMOUNT else str(g)) for n, part in parts.items() for g in part]
    ltv = table["ltv"].to_numpy(dtype=float)
    x = np.column_stack([np.empty((len(ltv), 0)), *(part.to_numpy() for part in parts.values())])
    centre = x.mean(axis=0)
    scale = np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    scaled = (x - centre) / scale
    gram, target = scaled.T @ scaled, scaled.T @ (ltv - ltv.mean())
    weights = np.linalg.lstsq(gram, target, rcond=1e-10)[0] / scale
    rows = [("", "", ltv.mean() - centre @ weights)]
    rows += [(*label, weight) for label, weight in zip(labels, weights, strict=True)]
    return pd.DataFrame(rows, columns=["trait", "group", "weight"])


def apply(weights: pd.DataFrame, table: pd.DataFrame) -> np.ndarray:
    """Weights of `learn`, and customers as pandas -> the value of each."""
    found = np.zeros(len(table))
    for trait, group, weight in weights.itertuples(index=False):
        if trait == AMOUNT:
            found += table[AMOUNT].to_numpy(dtype=float) * weight
        else:
            found += weight if not trait else weight * (table[trait] == group).to_numpy()
    return found


def average_by_decile(predicted: np.ndarray, actual: np.ndarray) -> pd.DataFrame:
    """Values predicted and actual -> decile (1: the highest predicted), customers, predicted,
    actual; means. Equal predictions stay together.

    >>> average_by_decile(np.arange(20.0), np.arange(20.0))["actual"].tolist()[:2]
    [18.5, 16.5]
    """
    place = stats.rankdata(-predicted, method="average")
    decile = np.clip(np.ceil(place / max(len(place), 1) * DECILES), 1, DECILES).astype("int64")
    each = pd.DataFrame({"decile": decile, "predicted": predicted, "actual": actual})
    found = each.groupby("decile").agg(
        customers=("actual", "size"), predicted=("predicted", "mean"), actual=("actual", "mean")
    )
    return found.reset_index()


def measure_mape(deciles: pd.DataFrame) -> float:
    """The mean error of deciles, as a share of what they brought; NaN where one brought nothing,
    and where there is one alone, as nothing is told apart.

    >>> measure_mape(pd.DataFrame({"predicted": [110.0, 45.0], "actual": [100.0, 50.0]}))
    0.1
    """
    actual = deciles["actual"].where(deciles["actual"] > 0)
    error = (deciles["predicted"] - actual).abs() / actual
    return float(error.mean(skipna=False)) if len(deciles) > 1 else np.nan


def _score(
    model: str, values: np.ndarray, actual: np.ndarray, predicted: dict[str, np.ndarray]
) -> dict[str, Any]:
    base = (predicted[MODELS[0]] - actual) ** 2
    saved = base - (values - actual) ** 2
    whole = base.mean() if _differ(base, actual) else np.nan  # NaN: there is nothing to save
    error = differences.WIDTH * saved.std(ddof=1) / np.sqrt(len(saved)) / whole
    share = saved.mean() / whole
    total = actual.sum()
    return {
        "method": model,
        "customers": len(actual),
        "bias": values.sum() / total - 1 if total else np.nan,
        "decile_mape": measure_mape(average_by_decile(values, actual)),
        "gini": _rank(values, actual),
        "error_saved": share,
        "saved_low": share - error,
        "saved_high": share + error,
    }


def _differ(errors: np.ndarray, actual: np.ndarray) -> bool:
    """Whether squared errors are more than a computer's rounding."""
    return bool(errors.mean() > differences.TINY * (actual**2).mean())


def _rank(values: np.ndarray, actual: np.ndarray) -> float:
    """The Gini coefficient of the actual values in the order of the predicted ones (equal: as a
    mean of all orders), as a share of the highest there is."""
    scores = [
        np.cov(stats.rankdata(order, method="average"), actual)[0, 1] for order in (values, actual)
    ]
    return float(scores[0] / scores[1]) if scores[1] else np.nan


def _choose(predicted: dict[str, np.ndarray], actual: np.ndarray) -> str:
    chosen, *others = predicted
    for model in others:
        saved = (predicted[chosen] - actual) ** 2 - (predicted[model] - actual) ** 2
        enough = _differ(saved, actual)
        if enough and saved.mean() > differences.WIDTH * saved.std(ddof=1) / np.sqrt(len(saved)):
            chosen = model
    return chosen

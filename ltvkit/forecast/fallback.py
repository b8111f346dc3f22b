"""The model of each customer: the best of the test, or the next best where it does not fit, and the
months of the past as it forecast them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from ltvkit.display import formats, joining
from ltvkit.engines.frames import Frame
from ltvkit.errors import NoOptimum, TooLittleData
from ltvkit.forecast import estimation, uncertainty
from ltvkit.forecast.backtesting.rolling_origins import RollingOrigins, roll
from ltvkit.forecast.estimation import Fitted
from ltvkit.forecast.texts import fill


def fit_first(
    customers: Frame, *, models: Sequence[str] = (), draws: int = 100, **how: Any
) -> tuple[Fitted, pd.DataFrame | None]:
    """Customers -> the first of `models`, then of all others, that fits them, and its `parameters`
    drawn `draws` times; `how`: as `fit`.

    A model that was best on the orders before the test may have no best parameters on all orders,
    or none that hold when customers are drawn anew. `notes` then begin with a sentence that says by
    which model the forecast is. Where no model holds, the first that fits is taken, without drawn
    parameters (None) and without intervals. Raises `TooLittleData` with the remedy where no model
    fits; what all of them lack is the reason.
    """
    order = list(dict.fromkeys([*models, *estimation.BUYING]))
    failed: list[str] = []
    reasons: set[str] = set()
    unsure: Fitted | None = None
    for model in order:
        try:
            fitted = _note_failed(estimation.fit(customers, model=model, **how), failed)
        except TooLittleData as error:
            failed, last = [*failed, formats.label(model)], error
            reasons.add("" if isinstance(error, NoOptimum) else str(error))
            continue
        try:
            return uncertainty.draw(fitted, draws=draws)
        except TooLittleData as error:
            notes = (*fitted.notes, fill("no_interval", error=error))
            unsure = unsure or replace(fitted, notes=notes, sure=False)
            failed = [*failed, formats.label(model)]
    if unsure:
        return unsure, None
    if len(reasons) == 1 and "" not in reasons:
        raise last
    raise TooLittleData(fill("no_model_fits", models=joining.items(failed))) from last


def fit_as_rolled(
    customers: Frame,
    lines: Frame,
    rolled: RollingOrigins,
    *,
    models: Sequence[str] = (),
    draws: int = 100,
    **known: Any,
) -> tuple[RollingOrigins, Fitted, pd.DataFrame | None]:
    """Customers, their order lines (or days), and the past as the first of `models` forecast it ->
    `rolled`, and what `fit_first` gives: the model with the season and the new customers of that.

    Where another model takes its place, the past is forecast again by that one (`known`: as
    `roll`), and a season that it finds, or does not find, counts for its fit.
    """
    how: dict[str, Any] = {"models": models, "draws": draws, "known_days": rolled.won.known_days}
    fitted, drawn = fit_first(customers, clock=rolled.clock, **how)
    if fitted.model == rolled.model:
        return rolled, fitted, drawn
    again = roll(lines, model=fitted.model, **known)
    if again.season is None and rolled.season is None:
        return again, fitted, drawn
    return again, *fit_first(customers, clock=again.clock, **how)


def _note_failed(fitted: Fitted, failed: Sequence[str]) -> Fitted:
    """The model with a note of those that were tried before it."""
    if not failed:
        return fitted
    words = {"failed": joining.items(failed), "model": formats.label(fitted.model)}
    return replace(fitted, notes=(fill("next_best", n=len(failed), **words), *fitted.notes))

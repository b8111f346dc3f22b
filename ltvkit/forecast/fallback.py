"""The model of each customer: the best of the test, or the next best where it does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ltvkit.core.i18n import _
from ltvkit.display import formats
from ltvkit.engines.frames import Frame
from ltvkit.errors import NoOptimum, TooLittleData
from ltvkit.forecast import estimation
from ltvkit.forecast.estimation import Fitted
from ltvkit.forecast.texts import fill


def fit_first(customers: Frame, *, models: Sequence[str] = (), **how: Any) -> Fitted:
    """Customers -> the first of `models`, then of all others, that fits them; `how`: as `fit`.

    A model that was best on the orders before the test may have no best parameters on all orders.
    `notes` then begin with a sentence that says by which model the forecast is. Raises
    `TooLittleData` with the remedy where no model fits; what all of them lack is the reason.
    """
    order = list(dict.fromkeys([*models, *estimation.BUYING]))
    failed: list[str] = []
    reasons: set[str] = set()
    for model in order:
        try:
            fitted = estimation.fit(customers, model=model, **how)
        except TooLittleData as error:
            failed, last = [*failed, formats.label(model)], error
            reasons.add("" if isinstance(error, NoOptimum) else str(error))
            continue
        if not failed:
            return fitted
        words = {"failed": _(", ").join(failed), "model": formats.label(model)}
        note = fill("next_best", n=len(failed), **words)
        return replace(fitted, notes=(note, *fitted.notes))
    if len(reasons) == 1 and "" not in reasons:
        raise last
    raise TooLittleData(fill("no_model_fits", models=_(", ").join(failed))) from last

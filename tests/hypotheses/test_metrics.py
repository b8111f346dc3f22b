"""Every metric can be asked of orders, has a name and a unit, and says what it lacks."""

from __future__ import annotations

import pytest
from stub_hypotheses import hypothesis, steady

from ltvkit import hypotheses
from ltvkit.display import formats
from ltvkit.errors import ParamsError
from ltvkit.hypotheses import timeline
from ltvkit.hypotheses.effects import customer_days
from ltvkit.hypotheses.effects.metrics import METRICS

LINES = steady().assign(margin=1.0, quantity=2)
AS_OF = "2024-04-30"


@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_is_evaluated_named_and_in_a_unit(metric):
    found = hypotheses.evaluate(hypothesis(metric=metric), LINES, as_of=AS_OF)
    assert found.primary["after"] > 0
    assert metric in formats.LABELS
    assert formats.kind(metric) in ("money", "mean", "share")
    told = hypotheses.timelines(found, customer_days.prepare(LINES, as_of=AS_OF))
    assert set(told) == set(timeline.EVERY)
    assert told["month"]["value"].max() > 0


@pytest.mark.parametrize("metric", [m for m in METRICS if METRICS[m].of in ("margin", "quantity")])
def test_a_column_that_is_not_there_is_named(metric):
    bare = LINES.drop(columns=["margin", "quantity"])
    with pytest.raises(ParamsError, match=f"no {METRICS[metric].of}; map it"):
        hypotheses.evaluate(hypothesis(metric=metric), bare, as_of=AS_OF)

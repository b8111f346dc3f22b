"""A model that does not fit a shop never ends the forecast: the next best takes its place."""

from __future__ import annotations

import json
from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pandas as pd
import pytest
from stub_odd_shops import SHOPS
from stub_pages import NOTEBOOKS
from test_subscriptions import pay, shop

from ltvkit import customers, forecast
from ltvkit.errors import NoOptimum, TooLittleData
from ltvkit.forecast import estimation, fallback, subscriptions
from ltvkit.forecast.models.bg_nbd import BetaGeoFitter, ModifiedBetaGeoFitter
from ltvkit.forecast.models.gamma_gamma import GammaGammaFitter
from ltvkit.forecast.models.pareto_nbd import ParetoNBDFitter

UNSURE = "would mean nothing"
CLASSES = ("BetaGeo", "Fitter", "ParetoNBD", "bg_nbd")


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    """150 monthly members from five months on, 5% leave at each renewal; prices 50 to 120."""
    rng = np.random.default_rng(4)
    paid, first = rng.geometric(0.05, 150), rng.integers(0, 5, 150)
    rows = zip(paid.clip(max=20 - first), first, rng.integers(50, 120, 150), strict=True)
    return shop(*(pay(i, f, n, price=float(p)) for i, (n, f, p) in enumerate(rows)))


def fail(self, *_history, **_options):
    raise NoOptimum(self._no_optimum(np.zeros(len(self._names))))


@pytest.fixture
def failing(monkeypatch):
    def let_fail(*fitters):
        for fitter in fitters:
            monkeypatch.setattr(fitter, "fit", fail)

    return let_fail


def test_a_shop_that_no_model_fits_is_tested_by_other_methods(lines, failing):
    failing(BetaGeoFitter, ModifiedBetaGeoFitter, ParetoNBDFitter)
    tested = forecast.backtest(lines, as_of="2024-06-30", months=4)
    assert (tested.best_model, dict(tested.fitted)) == ("", {})
    assert tested.best in ("renewal_rates", "bg_bb")
    assert "BG/NBD, MBG/NBD, Pareto/NBD: no fit to these orders" in tested.notes
    assert not any(name in tested.text + tested.notes for name in CLASSES)
    assert tested.table[["total_in_interval", "coverage", "low", "high"]].isna().all(axis=None)
    kinds = tested.table.set_index("method")["kind"]
    assert kinds[["nbd", "renewal_rates", "bg_bb", "run_rate"]].tolist() == ["model"] * 3 + [
        "simple"
    ]


def test_renewals_by_customer_add_up_to_those_by_month(lines):
    for method in ("renewal_rates", "bg_bb"):
        each = subscriptions.forecast_customers(lines, as_of="2024-02-29", months=3, method=method)
        whole = forecast.forecast_months(lines, as_of="2024-02-29", months=3, method=method)
        assert each["paid"].sum() == pytest.approx(whole.table["customers"].sum())
        assert each["revenue"].sum() == pytest.approx(whole.table["revenue"].sum())


def test_the_next_best_model_takes_over_and_says_so(lines, failing):
    buyers = customers.summarize(lines, as_of="2023-12-31")
    order = ["mbg_nbd", "bg_nbd"]
    chosen, _drawn = forecast.fit_first(buyers, models=order, draws=10)
    assert chosen.model == "mbg_nbd"
    assert not chosen.text.startswith("MBG/NBD does not fit")
    failing(ModifiedBetaGeoFitter)
    second, _drawn = forecast.fit_first(buyers, models=order, draws=10)
    assert second.model == "bg_nbd"
    assert second.notes[0] == (
        "MBG/NBD does not fit these orders, so the forecast for each customer is by BG/NBD, the "
        "next best in the test."
    )
    failing(BetaGeoFitter, ParetoNBDFitter)
    with pytest.raises(TooLittleData, match="none of MBG/NBD, BG/NBD, Pareto/NBD.*renewals") as no:
        forecast.fit_first(buyers, models=order)
    assert not any(name in str(no.value) for name in CLASSES)


@pytest.fixture
def unstable(monkeypatch):
    """Models that fit, but of which no resample has a fit."""

    def let_fail(*fitters):
        for fitter in fitters:
            monkeypatch.setattr(fitter, "reweighted", fail)

    return let_fail


def test_a_model_whose_parameters_do_not_hold_gives_way_to_the_next(lines, unstable):
    buyers = customers.summarize(lines, as_of="2023-12-31")
    unstable(ModifiedBetaGeoFitter)
    fitted, drawn = forecast.fit_first(buyers, models=["mbg_nbd", "bg_nbd"], draws=10)
    assert fitted.model == "bg_nbd"
    assert fitted.notes[0].startswith("MBG/NBD does not fit these orders")
    assert len(drawn) == 10
    assert fitted.table[["lowest", "highest"]].notna().all(axis=None)


def test_no_page_shows_an_interval_that_another_calls_meaningless(lines, unstable):
    buyers = customers.summarize(lines, as_of="2023-12-31")
    unstable(BetaGeoFitter, ModifiedBetaGeoFitter, ParetoNBDFitter)
    fitted, drawn = forecast.fit_first(buyers, models=["mbg_nbd"], draws=10)
    assert (fitted.model, drawn) == ("mbg_nbd", None)
    assert fitted.table["estimate"].notna().all()
    assert fitted.table[["lowest", "highest"]].isna().all(axis=None)
    assert UNSURE in fitted.text
    assert "next best" not in fitted.text


def test_the_mean_takes_the_place_of_a_spend_model_that_does_not_hold(lines, monkeypatch):
    """Customers who all spend much the same: Gamma-Gamma has a fit, and hardly a resample has."""
    bought = SHOPS["same_amount"]()
    noise = np.random.default_rng(1).normal(0, 50, len(bought)).round(2)
    bought = customers.summarize(bought.assign(amount=1000 + noise), as_of="2024-06-30")
    spent = estimation.fit_spending(bought)
    assert spent.fitter is None
    assert spent.notes[0].startswith("Spend: every customer gets the average, as their amounts")
    monkeypatch.setattr(GammaGammaFitter, "holds", lambda _self: True)
    assert estimation.fit_spending(bought).fitter is not None


def test_a_spend_model_that_fails_later_costs_no_interval(monkeypatch):
    buyers = customers.summarize(SHOPS["two_products"](), as_of="2024-06-30")
    monkeypatch.setattr(GammaGammaFitter, "holds", lambda _self: True)
    monkeypatch.setattr(GammaGammaFitter, "reweighted", fail)
    assert forecast.fit(buyers).spend is not None
    fitted, drawn = forecast.fit_first(buyers, draws=10)
    assert (fitted.model, fitted.spend) == ("bg_nbd", None)
    assert len(drawn) == 10
    assert "every customer gets the average" in fitted.text


def test_in_a_test_neither(monkeypatch):
    """The interval of a total in the backtest is drawn like that of the forecast."""
    monkeypatch.setattr(GammaGammaFitter, "holds", lambda _self: True)
    monkeypatch.setattr(GammaGammaFitter, "reweighted", fail)
    tested = forecast.backtest(SHOPS["two_products"](), as_of="2024-06-30")
    assert tested.table.set_index("method").loc["mbg_nbd", ["low", "high"]].notna().all()


@pytest.mark.parametrize(("fits", "tried"), [("bg_nbd", 1), ("mbg_nbd", 2)])
def test_the_notebook_tries_the_model_of_the_forecast_on_the_past(fits, tried, monkeypatch):
    """Else the page would show past dates of one model, and say of the other that it has none."""
    cells = json.loads((NOTEBOOKS / "05_ltv_forecast.ipynb").read_text("utf-8"))["cells"]
    called = "forecast.fit_as_rolled("
    [cell] = ["".join(c["source"]) for c in cells if called in "".join(c["source"])]
    models = []

    def roll(_days, *, model, **_how):
        models.append(model)
        won = SimpleNamespace(known_days=None)
        return SimpleNamespace(model=model, clock=None, season=None, won=won)

    fitted = SimpleNamespace(model=fits, table=None, text="")
    monkeypatch.setattr(fallback, "roll", roll)
    monkeypatch.setattr(fallback, "fit_first", lambda *_a, **_k: (fitted, None))
    steps = {"roll": roll, "fit_as_rolled": fallback.fit_as_rolled}
    steps |= {"new_customer": lambda *_a, **_k: {}}
    anything = MagicMock()
    names = {"ranked": ["bg_nbd"], "forecast_model": "best", "begins": {}, "found": {}}
    names |= dict.fromkeys(("customers", "book", "tables", "as_of", "campaigns"), anything)
    names |= {"forecast": SimpleNamespace(**steps), "forecast_months": 12}
    exec(cell, names)
    assert (names["rolled"].model, len(models)) == (fits, tried)


def test_a_season_found_by_the_next_best_counts_for_its_fit(lines, monkeypatch):
    """The past is forecast again by the model that fits, and the model fitted by its clock."""
    buyers = customers.summarize(lines, as_of="2023-12-31")
    clocks = {"mbg_nbd": forecast.Clock("week"), "bg_nbd": forecast.Clock("month")}
    seasons = {"mbg_nbd": None, "bg_nbd": "a season"}

    def roll(_lines, *, model, **_known):
        won = SimpleNamespace(known_days=None)
        return SimpleNamespace(model=model, clock=clocks[model], season=seasons[model], won=won)

    monkeypatch.setattr(fallback, "roll", roll)
    how = {"models": ["mbg_nbd", "bg_nbd"], "draws": 10}
    first = roll(lines, model="mbg_nbd")
    rolled, fitted, _drawn = forecast.fit_as_rolled(buyers, lines, first, **how)
    assert (rolled is first, fitted.model, fitted.clock.unit) == (True, "mbg_nbd", "week")
    monkeypatch.setattr(ModifiedBetaGeoFitter, "fit", fail)
    rolled, fitted, _drawn = forecast.fit_as_rolled(buyers, lines, first, **how)
    assert (rolled.model, fitted.model, fitted.clock.unit) == ("bg_nbd", "bg_nbd", "month")
    assert fitted.notes[0].startswith("MBG/NBD does not fit")
    seasons["bg_nbd"] = None
    rolled, fitted, _drawn = forecast.fit_as_rolled(buyers, lines, first, **how)
    assert (rolled.model, fitted.model, fitted.clock.unit) == ("bg_nbd", "bg_nbd", "week")

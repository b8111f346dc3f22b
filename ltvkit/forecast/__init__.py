"""What customers will do: probability models of buying and spending, and how far to trust them."""

from ltvkit.forecast.buying import BetaGeoFitter, ModifiedBetaGeoFitter
from ltvkit.forecast.explain import Explained, distribution, explain_customer, matrix
from ltvkit.forecast.holdout import Backtest, backtest
from ltvkit.forecast.model import Fitted, fit, histories
from ltvkit.forecast.monthly import finding, revenue
from ltvkit.forecast.occasions import BetaGeoBetaBinomFitter, occasions
from ltvkit.forecast.pareto import ParetoNBDFitter
from ltvkit.forecast.predictions import best, new_customer, predict
from ltvkit.forecast.spend import GammaGammaFitter
from ltvkit.forecast.summary import summarize
from ltvkit.forecast.tracks import tracking
from ltvkit.forecast.uncertainty import interval, parameters

__all__ = [
    "Backtest",
    "BetaGeoBetaBinomFitter",
    "BetaGeoFitter",
    "Explained",
    "Fitted",
    "GammaGammaFitter",
    "ModifiedBetaGeoFitter",
    "ParetoNBDFitter",
    "backtest",
    "best",
    "distribution",
    "explain_customer",
    "finding",
    "fit",
    "histories",
    "interval",
    "matrix",
    "new_customer",
    "occasions",
    "parameters",
    "predict",
    "revenue",
    "summarize",
    "tracking",
]

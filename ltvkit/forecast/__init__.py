"""What customers will do: probability models of buying and spending, and how far to trust them."""

from ltvkit.core.lazy import load_names_on_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ltvkit.forecast.backtesting.holdout import Backtest, backtest
    from ltvkit.forecast.backtesting.rolling_origins import RollingOrigins, roll
    from ltvkit.forecast.backtesting.weekly_purchases import tracking
    from ltvkit.forecast.clock import Clock
    from ltvkit.forecast.estimation import Fitted, fit, histories
    from ltvkit.forecast.explanations import Explained, distribution, explain_customer, matrix
    from ltvkit.forecast.fallback import fit_as_rolled, fit_first
    from ltvkit.forecast.group_values import value_groups
    from ltvkit.forecast.leaving import describe_leaving, entering_risk, overdue, summarize_leaving
    from ltvkit.forecast.models.bg_bb import BetaGeoBetaBinomFitter, occasions
    from ltvkit.forecast.models.bg_nbd import BetaGeoFitter, ModifiedBetaGeoFitter
    from ltvkit.forecast.models.gamma_gamma import GammaGammaFitter
    from ltvkit.forecast.models.nbd import NBDFitter
    from ltvkit.forecast.models.pareto_nbd import ParetoNBDFitter
    from ltvkit.forecast.monthly_revenue import Revenue, finding, revenue
    from ltvkit.forecast.next_orders import (
        check_next_orders,
        describe_check,
        fit_gaps,
        predict_next_orders,
    )
    from ltvkit.forecast.predictions import (
        best,
        choose_horizon,
        explain_lists,
        fit_for_lists,
        new_customer,
        predict,
        reach,
    )
    from ltvkit.forecast.renewals import Renewals, summarize_renewals
    from ltvkit.forecast.subscriptions import forecast_months
    from ltvkit.forecast.uncertainty import interval, parameters

__all__ = [
    "Backtest", "BetaGeoBetaBinomFitter", "BetaGeoFitter", "Clock", "Explained", "Fitted",
    "GammaGammaFitter", "ModifiedBetaGeoFitter", "NBDFitter", "ParetoNBDFitter", "Renewals",
    "Revenue", "RollingOrigins", "backtest", "best", "check_next_orders", "choose_horizon",
    "describe_check", "describe_leaving", "distribution", "entering_risk", "explain_customer",
    "explain_lists", "finding", "fit", "fit_as_rolled", "fit_first", "fit_for_lists", "fit_gaps",
    "forecast_months", "histories", "interval", "matrix", "new_customer", "occasions", "overdue",
    "parameters", "predict", "predict_next_orders", "reach", "revenue", "roll", "summarize_leaving",
    "summarize_renewals", "tracking", "value_groups",
]  # fmt: skip

__getattr__ = load_names_on_use(__name__, __file__)
__dir__ = __all__.copy

"""Offers judged on past days: by hand, on every engine; and what is said of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines

from ltvkit import offers, orders
from ltvkit.errors import ParamsError, TooLittleData
from ltvkit.offers import evaluation

# Thirty customers buy tea twice and cup once before the day, half of them tea and pot on one day
# after it (and hat, new to the shop, on a later one), half cup; n is new to the shop.
BEFORE, AFTER = [], []
for n in range(30):
    c = f"c{n:02d}"
    BEFORE += [
        (c, f"{c}1", "2024-01-01", 5, "tea"), (c, f"{c}2", "2024-02-01", 5, "tea"),
        (c, f"{c}3", "2024-02-10", 9, "cup"),
    ]  # fmt: skip
    AFTER += (
        [(c, f"{c}4", "2024-03-05", 10, "tea"), (c, f"{c}4", "2024-03-05", 30, "pot"),
         (c, f"{c}5", "2024-03-20", 50, "hat")]
        if n % 2
        else [(c, f"{c}4", "2024-03-07", 20, "cup")]
    )  # fmt: skip
BEFORE += [("p", "p1", "2024-02-02", 30, "pot"), ("q", "q1", "2024-02-03", 30, "pot")]
AFTER += [("n", "n1", "2024-03-09", 99, "pot")]
LINES = make_lines(*BEFORE, *AFTER, extra=("product_id",))
CHOICE = evaluation.Choice(0, {"again": "personal", "new": "best_sellers", "any": "personal"},
                           pd.DataFrame())  # fmt: skip
RULE = {"as_of": "2024-03-30", "days": 30, "k": 1, "choice": CHOICE, "draws": 100}


def test_figures_by_hand(on):
    """The best seller is cup (by id, as tea); each one's own most frequent is tea. Again: 15 bought
    tea, 15 cup. New: pot, offered as the one thing that all have not bought."""
    table = offers.compare(on(LINES), **RULE).set_index(["kind", "method"])
    figures = ["customers", "recall", "hit", "revenue_caught", "catalogue_share"]
    again = table.loc["again"]
    assert again.loc["personal", figures].tolist() == pytest.approx(
        [30, 0.5, 0.5, 150 / 450, 1 / 3]
    )
    assert again.loc["best_sellers", figures].tolist() == pytest.approx(
        [30, 0.5, 0.5, 300 / 450, 1 / 3]
    )
    assert table.loc[("new", "best_sellers"), figures].tolist() == pytest.approx(
        [15, 1, 1, 1, 1 / 3]
    )
    whole = table.loc["any"]
    assert whole.loc["personal", figures].tolist() == pytest.approx(
        [30, 0.25, 0.5, 150 / 900, 1 / 3]
    )
    assert whole.loc["best_sellers", figures].tolist() == pytest.approx(
        [30, 0.5, 0.5, 300 / 900, 1 / 3]
    )
    assert whole.loc["personal", "recall_vs_best_sellers"] == -0.25
    assert table["chosen"].sum() == 3


def test_all_that_is_bought_in_these_days_can_judge(on):
    """Then hat, which nobody knew, is missed by every method."""
    table = offers.compare(on(LINES), **RULE, judged="days").set_index(["kind", "method"])
    assert table.loc[("new", "best_sellers"), "recall"] == 0.5
    assert table.loc[("new", "best_sellers"), "revenue_caught"] == pytest.approx(30 / 80)


def test_what_comes_after_the_day_of_the_offers_changes_none_of_them():
    """A test of the future: other later orders change the figures' aims alone."""
    later = LINES[LINES["order_date"] > "2024-02-29"]
    other = pd.concat([LINES, later.assign(customer_id="x" + later["customer_id"])])
    pd.testing.assert_frame_equal(offers.compare(LINES, **RULE), offers.compare(other, **RULE))


def test_too_few_say_so():
    few = LINES[LINES["customer_id"] < "c20"]
    with pytest.raises(TooLittleData, match="takes 30 customers .* there are 20"):
        offers.compare(few, **RULE)
    with pytest.raises(ParamsError, match="judged='week'"):
        offers.compare(LINES, **RULE, judged="week")
    with pytest.raises(ParamsError, match="days=0"):
        offers.compare(LINES, **RULE | {"days": 0})


def make_shop(rng: np.random.Generator, *, loyal: float, customers: int = 80) -> pd.DataFrame:
    """Customers who buy on 12 days, a favourite with the chance `loyal`, else anything."""
    rows = []
    for n in range(customers):
        favourite = rng.integers(0, 40)
        for day in np.sort(rng.integers(0, 240, 12)):
            what = favourite if rng.random() < loyal else min(rng.geometric(0.06) - 1, 39)
            rows.append((f"c{n:03d}", f"o{n}-{day}", day, 10.0, f"p{what:02d}"))
    lines = pd.DataFrame(rows, columns=["customer_id", "order_id", "day", "amount", "product_id"])
    dates = pd.Timestamp("2024-01-01") + pd.to_timedelta(lines.pop("day"), unit="D")
    return lines.assign(order_date=dates)


def test_personal_is_chosen_where_customers_have_favourites_and_not_where_they_have_none():
    as_of, days = "2024-08-27", 40
    for loyal, chosen in ((0.7, "personal"), (0.0, "best_sellers")):
        lines = make_shop(np.random.default_rng(5), loyal=loyal)
        found = offers.choose(lines, as_of="2024-07-18", days=days, k=3, half_lives=(0, 91))
        assert found.methods["any"] == chosen
        table = offers.compare(lines, as_of=as_of, days=days, k=3, draws=100, choice=found)
        clear = table.set_index(["kind", "method"])["recall_vs_best_sellers_low"] > 0
        assert clear["any", "personal"] == (loyal > 0)


def test_a_half_life_is_chosen_where_tastes_change():
    """Each buys one thing for 150 days, and then another."""
    rows = []
    for n in range(60):
        for day in range(0, 240, 8):
            what = n % 9 if day < 150 else 10 + n % 7
            rows.append((f"c{n:02d}", f"{n}-{day}", day, 1.0, f"p{what:02d}"))
    lines = pd.DataFrame(rows, columns=["customer_id", "order_id", "day", "amount", "product_id"])
    lines["order_date"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(lines["day"], unit="D")
    found = offers.choose(lines, as_of="2024-08-10", days=20, k=1, half_lives=(0, 28))
    assert found.half_life == 28
    assert found.table["recall"].max() == 1


def make_compared(**ahead: tuple[float, float, float]) -> pd.DataFrame:
    rows = []
    for kind in ("again", "new"):
        for method, (mean, low, high) in {"best_sellers": (0, 0, 0), **ahead}.items():
            rows.append({"kind": kind, "method": method, "chosen": False, "recall": 0.3 + mean,
                         "recall_low": 0.28 + mean, "recall_high": 0.32 + mean,
                         "recall_vs_best_sellers": mean, "recall_vs_best_sellers_low": low,
                         "recall_vs_best_sellers_high": high})  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("ahead", "chosen", "said"),
    [
        ((0.1, 0.05, 0.15), "personal", "That is +10.0 pp against best sellers (95%: +5.0 pp to"),
        ((0.01, -0.05, 0.07), "personal", "Best sellers may be as good: the difference is +1.0 pp"),
        ((-0.1, -0.15, -0.05), "personal", "Best sellers would have been better"),
        ((0.01, -0.05, 0.07), "best_sellers", "No other rule was better by more than chance."),
        ((0.1, 0.05, 0.15), "best_sellers", "Another rule was better on that day (+10.0 pp)"),
    ],
)
def test_the_finding_never_says_more_than_the_table(ahead, chosen, said):
    table = make_compared(personal=ahead)
    table["chosen"] = table["method"] == chosen
    table = table.assign(judged="days", days=28, k=10, half_life=0)
    found = offers.finding(table)
    assert said in found
    assert "best sellers" in found.lower()
    assert "in the 28 days after a past day" in found
    recall = 30 + 100 * ahead[0] if chosen == "personal" else 30
    assert f"{recall:.1f}% (95%" in found


def test_where_offers_hold_nearly_all_no_rule_is_praised():
    table = make_compared(personal=(0.01, 0.005, 0.02)).assign(judged="days", days=28, k=10)
    table = table.assign(half_life=0, chosen=table["method"] == "personal")
    table[["recall", "recall_low", "recall_high"]] += 0.68
    assert "judge by fewer offers" in offers.finding(table)
    assert "against best sellers" not in offers.finding(table)


def test_in_the_sample_shop_nobody_has_a_taste_of_their_own():
    """Its products are picked by their share of sales alone."""
    book = orders.read("demo:shop", policies={"cancelled_status": ["cancelled"]})
    rule = {"days": 90, "k": 3}
    choice = offers.choose(book.lines, as_of="2024-07-02", half_lives=(0, 182), **rule)
    assert set(choice.methods.values()) == {"best_sellers"}
    table = offers.compare(book.lines, as_of="2024-09-30", choice=choice, draws=200, **rule)
    assert not (table["recall_vs_best_sellers_low"] > 0).any()
    assert offers.finding(table).count("No other rule was better by more than chance.") == 2

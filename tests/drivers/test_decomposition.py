"""What must hold of any way to share out a change, on random formulas."""

from __future__ import annotations

import numpy as np
import pytest

from ltvkit.drivers import Formula, attribute
from ltvkit.errors import ParamsError

TREES = 1000


def grow(rng: np.random.Generator, names: list[str], tops: str = "+*") -> str:
    """A random formula that has each name once."""
    if len(names) == 1:
        return names[0]
    cut = int(rng.integers(1, len(names)))
    sign = tops[int(rng.integers(len(tops)))]
    return f"({grow(rng, names[:cut], tops)} {sign} {grow(rng, names[cut:], tops)})"


def draw(rng: np.random.Generator, tops: str = "+*") -> tuple[list[str], str, dict, dict]:
    names = [f"x{n}" for n in range(int(rng.integers(2, 8)))]
    before, after = (
        dict(zip(names, rng.lognormal(2, 1, len(names)), strict=True)) for _side in range(2)
    )
    return names, grow(rng, names, tops), before, after


def shares(text: str, before: dict, after: dict) -> np.ndarray:
    found = attribute(Formula(text), before, after)
    return np.array([float(found[name]) for name in sorted(found)])


def change(text: str, before: dict, after: dict) -> float:
    formula = Formula(text)
    return float(formula.evaluate(after) - formula.evaluate(before))


def test_shares_add_up_to_the_change_and_change_sides_with_the_periods():
    rng = np.random.default_rng(1)
    for _tree in range(TREES):
        _names, text, before, after = draw(rng, "+*-")
        found, whole = shares(text, before, after), change(text, before, after)
        scale = np.abs(found).sum() + abs(whole)
        assert abs(found.sum() - whole) <= 1e-9 * scale, text
        assert np.abs(found + shares(text, after, before)).max() <= 1e-9 * scale, text


def test_a_leaf_that_does_not_move_gets_nothing():
    rng = np.random.default_rng(2)
    for _tree in range(TREES):
        names, text, before, after = draw(rng)
        still = names[int(rng.integers(len(names)))]
        assert float(attribute(Formula(text), before, after | {still: before[still]})[still]) == 0


def test_equal_ratios_of_a_product_get_equal_shares():
    rng = np.random.default_rng(3)
    for _tree in range(TREES):
        names, text, before, after = draw(rng, "*")
        a, b = rng.choice(names, size=2, replace=False)
        ratio = float(rng.lognormal(0, 1))
        found = attribute(Formula(text), before, after | {n: ratio * before[n] for n in (a, b)})
        assert float(found[a]) == pytest.approx(float(found[b]), rel=1e-9)


def test_neither_brackets_nor_order_matter():
    """Of a sum of products: the brackets inside a sum or a product, and the order of its parts."""
    rng = np.random.default_rng(4)
    for _tree in range(TREES):
        names, _text, before, after = draw(rng)
        cut = int(rng.integers(1, len(names)))
        forms = []
        for _way in range(2):
            mixed = [list(rng.permutation(part)) for part in (names[:cut], names[cut:])]
            products = [grow(rng, part, "*") for part in mixed]
            forms.append(" + ".join(rng.permutation(products)))
        one, other = (shares(text, before, after) for text in forms)
        assert one == pytest.approx(other, rel=1e-9, abs=1e-9 * np.abs(one).sum()), forms


def test_a_figure_made_of_two_gives_each_leaf_the_sum():
    rng = np.random.default_rng(5)
    for _tree in range(200):
        names, text, before, after = draw(rng)
        other = grow(rng, names)
        both = shares(f"{text} + {other}", before, after)
        apart = shares(text, before, after) + shares(other, before, after)
        assert both == pytest.approx(apart, rel=1e-9, abs=1e-9 * np.abs(both).sum())


def test_it_agrees_with_the_logarithmic_mean_where_little_changes():
    """LMDI (B. W. Ang, Energy Policy 33, 2005): another exact way, for products above zero."""
    rng = np.random.default_rng(6)
    for _tree in range(TREES):
        names, text, before, _after = draw(rng, "*")
        ratios = dict(zip(names, rng.uniform(0.85, 1.18, len(names)), strict=True))
        after = {n: before[n] * ratios[n] for n in names}
        old, new = (float(Formula(text).evaluate(side)) for side in (before, after))
        mean = (new - old) / np.log(new / old)
        lmdi = np.array([mean * np.log(ratios[n]) for n in sorted(names)])
        assert np.abs(shares(text, before, after) - lmdi).max() < 0.01 * np.abs(lmdi).sum()


def test_the_trap_of_changing_one_leaf_after_the_other():
    """Orders per customer halve and the price doubles: revenue is the same, and so are customers.

    Changed one after the other, the first leaf gets -5,000 or +10,000, as the order would have it.
    """
    before = {"customers": 100, "orders": 2, "price": 50}
    after = {"customers": 100, "orders": 1, "price": 100}
    formula = Formula("customers * orders * price")
    orders_first = formula.evaluate(before | {"orders": 1}) - formula.evaluate(before)
    orders_last = formula.evaluate(after) - formula.evaluate(after | {"orders": 2})
    assert (float(orders_first), float(orders_last)) == (-5000, -10000)
    found = attribute(formula, before, after)
    assert {k: float(v) for k, v in found.items()} == {
        "customers": 0.0,
        "orders": -7500.0,
        "price": 7500.0,
    }


def test_arrays_are_as_many_changes():
    rng = np.random.default_rng(7)
    formula = Formula("a * (b + c) / d")
    before, after = ({n: rng.lognormal(1, 1, 50) for n in "abcd"} for _side in range(2))
    found = attribute(formula, before, after)
    for i in range(50):
        sides = [{n: side[n][i] for n in "abcd"} for side in (before, after)]
        for name, part in attribute(formula, *sides).items():
            assert found[name][i] == pytest.approx(float(part), rel=1e-9)


def test_more_draws_than_are_held_at_a_time_are_the_same(monkeypatch):
    rng = np.random.default_rng(8)
    sides = [{n: rng.lognormal(1, 1, 50) for n in "abc"} for _side in range(2)]
    whole = attribute(Formula("a * b * c"), *sides)
    monkeypatch.setattr("ltvkit.drivers.decomposition.CELLS", 60)
    parts = attribute(Formula("a * b * c"), *sides)
    for name in "abc":
        assert parts[name] == pytest.approx(whole[name], rel=1e-12)


def test_what_is_not_known_on_one_side_leaves_the_change_to_others():
    found = attribute(
        Formula("customers * value"),
        {"customers": 0, "value": np.nan},
        {"customers": 3, "value": 20},
    )
    assert {k: float(v) for k, v in found.items()} == {"customers": 60.0, "value": 0.0}
    none = {"customers": 0, "value": np.nan}
    assert not any(attribute(Formula("customers * value"), none, none).values())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a **  b", "it has Pow"),
        ("__import__('os')", "it has Call"),
        ("a.b * c", "it has Attribute"),
        ("a * 'b'", "it has Constant"),
        ("a if b else c", "it has IfExp"),
        ("True * a", "it has Constant"),
        ("a *", "cannot be read"),
        ("", "cannot be read"),
        ("a; b", "cannot be read"),
        ("2 * 3", "names no leaf"),
    ],
)
def test_a_text_that_is_no_formula_is_refused(text, said):
    with pytest.raises(ParamsError, match=said):
        Formula(text)


def test_too_many_leaves_are_refused():
    names = [f"x{n}" for n in range(17)]
    sides = ({n: float(k) for n in names} for k in (1, 2))
    with pytest.raises(ParamsError, match="17 leaves move; share out a change among 16 at most"):
        attribute(Formula(" + ".join(names)), *sides)


def test_a_formula_of_numbers_and_signs():
    formula = Formula("(a + 2) * (1 - b) / 4 ")
    assert formula.leaves == ("a", "b")
    assert float(formula.evaluate({"a": 6, "b": 0.5})) == 1.0

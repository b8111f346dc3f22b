"""A sample of customers: by hand, and the same on every engine."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
from conftest import ENGINES
from hypothesis import given, settings
from hypothesis import strategies as st

from ltvkit.engines import frames, sampling

IDS = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
NAMES = [
    "山田太郎",
    "ヤマダ 花子",
    "髙橋①",
    "ｱｲｳ",
    "🙂",
    "00017",
    "",
    " ",
    "a'b",
    "\u00e9",
    "e\u0301",
]


def lines_of(ids) -> pd.DataFrame:
    """Two lines of each customer."""
    twice = [i for i in ids for _line in range(2)]
    return pd.DataFrame({"customer_id": pd.Series(twice, dtype="str"), "amount": 1.0})


def named(frame) -> list[str]:
    return sorted(frames.table(frames.lazy(frame))["customer_id"])


def test_a_customer_is_drawn_by_the_first_digits_of_its_hash():
    assert hashlib.md5("太郎".encode()).hexdigest()[:8] == "55001582"
    exact = 0x55001582 / 16**8
    # Below the share is in, at it is out.
    assert not sampling.contains(["太郎"], exact)[0]
    assert sampling.contains(["太郎"], exact + 16**-8)[0]


@given(IDS, st.floats(0, 1), st.floats(0, 1))
def test_a_smaller_sample_is_part_of_a_larger_one(ids, one, other):
    small, large = (sampling.contains(ids, s) for s in sorted((one, other)))
    assert not (small & ~large).any()
    assert sampling.contains(ids, 1).all()
    assert not sampling.contains(ids, 0).any()


@settings(deadline=None)  # the first example loads the engines
@given(st.lists(st.text(max_size=3), unique=True, max_size=20), st.integers(1, 20))
def test_engines_draw_the_customers_that_the_ids_decide(ids, most):
    ids = [*NAMES, *(i for i in ids if i.isprintable() and i not in NAMES)]
    whole = lines_of(ids)
    expected = None
    for name, on in ENGINES.items():
        frame = on(whole)
        among = sampling.count(frame)
        assert among == len(set(ids))
        part, share = sampling.draw(frame, most=most, among=among)
        assert type(part) is type(frame)
        expected = sorted(whole.loc[sampling.contains(whole["customer_id"], share), "customer_id"])
        assert named(part) == expected, name


def test_few_customers_are_left_as_they_are(on):
    frame = on(lines_of("abc"))
    part, share = sampling.draw(frame, most=3, among=3)
    assert part is frame
    assert share == 1


def test_a_sample_is_about_as_large_as_asked_for():
    ids = [f"C{n:06d}" for n in range(100_000)]
    for most in (500, 20_000, 90_000):
        n = sampling.contains(ids, most / len(ids)).sum()
        assert abs(n - most) < 4 * np.sqrt(most)


def test_nothing_is_said_where_all_were_judged():
    assert sampling.note(5, of=5) == ""
    assert sampling.note(1_000, of=5_000) == ("Based on a sample of 1,000 of 5,000 customers.")

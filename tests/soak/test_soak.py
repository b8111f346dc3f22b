"""A short share of `make soak`: one attempt of each kind, chosen so that it is the same each time.

The moments of kills and edits depend on the machine; what must follow does not.
"""

from __future__ import annotations

import random

import pytest

from soak import damages, edits, kills, shop


@pytest.fixture(scope="module")
def room():
    with shop.room(pages=1) as room:
        yield room


@pytest.mark.parametrize("kind", [kills, damages, edits], ids=["kill", "damage", "edit"])
def test_nothing_wrong_comes_of_a_fault(room, kind):
    verdict = kind.attempt(room, random.Random(1), short=True)
    assert verdict.faults == {}, verdict.did

"""An offer from the command line: what it writes, asks for, warns of and refuses."""

from __future__ import annotations

import datetime as dt

import pytest
import yaml
from click.testing import CliRunner

from ltvkit.cli.main import main
from ltvkit.config import project

GIVEN = ("--offer", "A refill", "--owner", "A. Sato")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    home = tmp_path_factory.mktemp("project") / "shop"
    project.create(home)
    return home


@pytest.fixture(autouse=True)
def inside(root, monkeypatch):
    monkeypatch.chdir(root)
    monkeypatch.setenv("LTVKIT_ROOT", str(root))


def call(*arguments: str, answers: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["offer", "params/shop.yaml", *arguments], input=answers)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def test_a_test_begins_tomorrow_at_the_earliest(root):
    """The sample's orders end long ago: the list is as of then, which is said."""
    answers = "A refill\nA. Sato\n"
    status, said, warned = call("long_relationship", "--hypothesis", "spring", answers=answers)
    assert status == 0
    written = yaml.safe_load((root / "params/hypotheses/shop/spring.yaml").read_text("utf-8"))
    assert dt.date.fromisoformat(written["start"]) > dt.datetime.now(dt.UTC).date()
    assert (written["measure"], written["owner"]) == ("A refill", "A. Sato")
    assert "active customers have a long relationship" in said
    assert "group 'treated' of params/hypotheses/shop/lists/spring.csv, to nobody else" in said
    assert "hypothesis register params/shop.yaml spring" in said
    assert "draw again from a newer export" in warned
    assert "registered too late" not in warned


def test_a_start_that_is_over_is_told_and_an_effect_can_be_given(root):
    options = ("--hypothesis", "late", "--start", "2024-10-07", "--smallest-effect", "900")
    status, _said, warned = call("high_price", *options, *GIVEN)
    assert status == 0
    assert "2024-10-07 is over: registered now, the test would count as registered too" in warned
    written = yaml.safe_load((root / "params/hypotheses/shop/late.yaml").read_text("utf-8"))
    assert written["smallest_effect"] == 900


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("long_relationships", "--hypothesis", "x"), "Did you mean 'long_relationship'?"),
        (("frequent", "--hypothesis", "x", "--start", "2024-05-01"), "begins on a later day"),
        (("high_price", "--hypothesis", "x", "--share", "0.999"), "20 customers in each group"),
        (("high_price", "--hypothesis", "Not An Id"), "id: found"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing_behind(root, arguments, said):
    before = sorted((root / "params").rglob("*"))
    status, _out, wrong = call(*arguments, *GIVEN)
    assert status == 2
    assert said in wrong
    assert sorted((root / "params").rglob("*")) == before

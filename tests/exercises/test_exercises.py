"""Every exercise, in every language: right, wrong, strange and missing answers."""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import re
from pathlib import Path

import pytest

from ltvkit import exercises, orders
from ltvkit.core import i18n
from ltvkit.errors import ParamsError, TooLittleData
from ltvkit.exercises import checking
from ltvkit.exercises.checking import CATALOGUE, NAMES

HOME = Path(__file__).parents[2] / "notebooks"
BOOKS = [*sorted(HOME.glob("*.ipynb")), *sorted(HOME.glob("lessons/*.ipynb"))]
KEPT = {"source", "policies", "month"}
each = pytest.mark.parametrize("name", NAMES)
in_each_language = pytest.mark.parametrize("language", i18n.list_languages())


ASKED = re.compile(r'exercises\.check\("([\w-]+)", answer\)')


def read_asked() -> dict[str, Path]:
    """Exercise -> the notebook that asks it."""
    found: dict[str, Path] = {}
    for path in BOOKS:
        for name in ASKED.findall("\n".join(read_sources(path))):
            assert name not in found, f"{name} is asked twice"
            found[name] = path
    return found


def read_sources(path: Path) -> list[str]:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]


WHERE = read_asked()


@pytest.fixture(scope="module")
def notebook():
    """The variables of a notebook when it asks, by exercise."""
    known: dict[Path, dict] = {}

    def find(name: str) -> dict:
        path = WHERE[name]
        if path not in known:
            asked = [other for other, where in WHERE.items() if where == path]
            known[path] = run(path, needs={n for other in asked for n in list_needs(other)})
        return known[path]

    return find


@pytest.fixture(scope="module")
def answers(notebook):
    """The answers of an exercise, computed once."""
    return functools.cache(lambda name: checking.compute(name, **notebook(name)))


def list_needs(name: str) -> list[str]:
    """The variables of the notebook that an exercise cannot do without."""
    module, _dot, function = CATALOGUE[name]["of"].partition(".")
    solve = getattr(importlib.import_module(f"ltvkit.exercises.answers.{module}"), function)
    needs = inspect.signature(solve).parameters.values()
    return [each.name for each in needs if each.default is each.empty]


def run(path: Path, *, needs: set[str]) -> dict:
    """A notebook's variables after as many cells as it takes to have these."""
    from matplotlib import pyplot as plt

    plt.switch_backend("agg")
    shown: dict = {"display": lambda *_any: None, "print": lambda *_any, **_options: None}
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        tags = cell["metadata"].get("tags", ())
        if needs <= set(shown):
            break
        if cell["cell_type"] == "code" and "exercise" not in tags:
            exec("".join(cell["source"]), shown)
    plt.close("all")
    return shown


def test_each_exercise_is_asked_in_one_notebook():
    assert set(WHERE) == set(NAMES)


def test_an_answer_cell_is_left_empty_and_is_dropped_from_pages():
    for path in BOOKS:
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code" and "exercises.check" in source:
                name = cell["id"]
                assert source == f'answer = None\nexercises.check("{name}", answer)'
                assert cell["metadata"]["tags"] == ["exercise", "nbval-check-output"]


@each
def test_at_least_three_mistakes_have_a_text_of_their_own(name):
    texts = [*CATALOGUE[name]["wrong"].values()]
    assert len(set(texts)) == len(texts) >= 3


@in_each_language
@each
def test_right_wrong_and_empty_answers(name, language, notebook, answers, monkeypatch):
    given = notebook(name)
    found = answers(name)
    monkeypatch.setattr(checking._Exercise, "compute", lambda _exercise: found)  # once is enough
    assert set(found.wrong) == set(CATALOGUE[name]["wrong"])
    with i18n.speaking(language):
        right = exercises.check(name, found.right, **given)
        assert right.right, right
        assert right.text.endswith(exercises.solution(name, **given).text)
        told = {
            mistake: exercises.check(name, value, **given) for mistake, value in found.wrong.items()
        }
        assert not any(reply.right for reply in told.values()), told
        assert len({reply.text for reply in told.values()}) == len(told) >= 3
        for empty in (None, ..., "", "  "):
            assert not exercises.check(name, empty, **given).right
        assert not exercises.check(name, [1, 2], **given).right
        assert exercises.hint(name, **given).text
    texts = [right.text, exercises.hint(name, **given).text, *(r.text for r in told.values())]
    assert not any(re.search(r"[{}]|\bnan\b|None", text) for text in texts)


@each
def test_another_answer_is_not_right_and_says_the_way(name, notebook, answers):
    given = notebook(name)
    found = answers(name)
    if isinstance(found.right, str):
        assert not exercises.check(name, "something else", **given).right
        return
    reply = exercises.check(name, found.right + 0.737 * abs(found.right) + 3, **given)
    assert "The answer is lower." in reply.text
    assert (
        "The answer is higher."
        in exercises.check(name, found.right - 0.737 * abs(found.right) - 3, **given).text
    )


def test_without_the_notebooks_variables_it_says_what_to_run():
    with pytest.raises(ParamsError, match="orders-1 needs `book` and `as_of`: run the cells"):
        exercises.check("orders-1", 3)
    with pytest.raises(
        ParamsError, match="There is no exercise 'order-1'. Did you mean 'orders-1'"
    ):
        exercises.hint("order-1")


def test_orders_that_cannot_answer_say_why():
    import pandas as pd

    one = pd.DataFrame({"customer_id": ["a"], "order_id": ["x"], "order_date": ["2024-01-05"]})
    book = orders.read(one.assign(amount=5.0), engine="pandas")
    given = {"book": book, "as_of": pd.Timestamp("2024-02-29")}
    with pytest.raises(TooLittleData):
        checking.compute("orders-1", **given)
    for reply in (exercises.check("orders-1", 1, **given), exercises.solution("orders-1", **given)):
        assert "nobody ordered in this month" in reply.text
        assert "demo:shop" in reply.text


@pytest.mark.parametrize("said", [532, 532.0, "532", " ５３２ ", "532 orders", "five"])
def test_numbers_as_people_write_them(said, notebook):
    right = exercises.check("orders-1", said, **notebook("orders-1")).right
    assert right == (said != "five")


@pytest.mark.parametrize(
    ("said", "right"),
    [("¥5,907", True), ("5907円", True), (5907.2, True), ("5,907 JPY", True), (5950, False)],
)
def test_money_may_have_a_sign_and_be_rounded(said, right, notebook):
    assert exercises.check("orders-2", said, **notebook("orders-2")).right == right


@pytest.mark.parametrize("said", [0.107, "10.7%", 10.7, "10.7 %", 11])
def test_a_share_may_be_said_in_percent(said, notebook):
    assert exercises.check("orders-3", said, **notebook("orders-3")).right


def test_an_answer_is_no_more_right_than_the_mistake_it_is(notebook):
    given = notebook("orders-3")
    mistake = checking.compute("orders-3", **given).wrong["of_orders"]
    assert not exercises.check("orders-3", mistake, **given).right

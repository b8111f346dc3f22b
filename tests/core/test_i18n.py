"""Words in the language of the reader."""

from __future__ import annotations

import gettext
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ltvkit.core import i18n
from ltvkit.core.i18n import _, language, n_


@pytest.fixture(autouse=True)
def forgotten():
    """Catalogues are read once in a process; these tests replace them."""
    i18n._read.cache_clear()
    yield
    i18n._read.cache_clear()


class Shouting(gettext.NullTranslations):
    """A catalogue whose language has one form for all numbers, as Japanese has."""

    def gettext(self, message):
        return message.upper()

    def ngettext(self, msgid1, msgid2, n):
        return msgid2.upper()


@pytest.mark.parametrize(
    ("n", "text"), [(0, "{n} orders"), (1, "1 order"), (2, "{n} orders"), (1_000, "{n} orders")]
)
def test_english_has_one_and_many(n, text, monkeypatch):
    monkeypatch.delenv("LTVKIT_LANG", raising=False)
    assert n_("1 order", "{n} orders", n) == text


def test_another_language_has_its_own_plural_forms(monkeypatch):
    monkeypatch.setenv("LTVKIT_LANG", "xx")
    monkeypatch.setattr(gettext, "translation", lambda *args, **kwargs: Shouting())
    assert (_("revenue"), n_("1 order", "{n} orders", 1)) == ("REVENUE", "{N} ORDERS")


def test_without_a_catalogue_english_is_shown(monkeypatch):
    monkeypatch.setenv("LTVKIT_LANG", "xx")
    assert (_("revenue"), n_("1 order", "{n} orders", 1)) == ("revenue", "1 order")


def test_the_language_is_that_of_the_words_shown(monkeypatch):
    monkeypatch.setenv("LTVKIT_LANG", "xx_YY.UTF-8")
    assert language() == "en"
    i18n._read.cache_clear()
    monkeypatch.setattr(gettext, "translation", lambda *args, **kwargs: Shouting())
    assert language() == "xx-YY"
    monkeypatch.setenv("LTVKIT_LANG", "")
    assert language() == "en"


def test_what_is_chosen_goes_before_the_environment_in_this_thread_alone(monkeypatch):
    monkeypatch.setattr(gettext, "translation", lambda *args, **kwargs: Shouting())
    monkeypatch.setenv("LTVKIT_LANG", "en")
    with i18n.speaking("xx"), ThreadPoolExecutor(1) as pool:
        assert (_("revenue"), language()) == ("REVENUE", "xx")
        assert pool.submit(_, "revenue").result() == "revenue"
    assert (_("revenue"), language()) == ("revenue", "en")


def test_a_catalogue_is_read_once(monkeypatch):
    read = []
    monkeypatch.setattr(gettext, "translation", lambda *a, **k: read.append(k) or Shouting())
    with i18n.speaking("xx"):
        assert [_("revenue") for _time in range(3)] == ["REVENUE"] * 3
    assert len(read) == 1


def test_translators_get_the_texts_of_code_and_of_data_files(tmp_path):
    home, found = Path(__file__).parents[2], tmp_path / "found.pot"
    options = ["--mapping-file", "pyproject.toml", "--keywords", "n_:1,2", "--output-file", found]
    command = [sys.executable, "-m", "babel.messages.frontend", "-q", "extract", *options, "."]
    subprocess.run(command, cwd=home, env=os.environ | {"PYTHONPATH": str(home)}, check=True)
    texts = found.read_text("utf-8")
    for text in ("Revenue per customer", "can't lose", "ARPU x margin / churn", "{n} orders"):
        assert f'"{text}"' in texts

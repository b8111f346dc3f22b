"""One way in: a shop is opened by its params file, from any folder, ready for every concept."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from stub_project import make, write_params

import ltvkit
from ltvkit import cohorts, customers, deciles, kpis, rfm
from ltvkit.core import paths
from ltvkit.errors import DataError, ParamsError, ProjectError
from ltvkit.ltv import curves


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A project in a folder of its own, found by where one works alone."""
    monkeypatch.delenv("LTVKIT_ROOT", raising=False)
    monkeypatch.setenv("LTVKIT_REPORTS", str(tmp_path / "reports"))
    # As the wheel is: no checkout around the package.
    monkeypatch.setattr(paths, "checkout", lambda: None)
    return make(tmp_path / "myshop")


@pytest.mark.parametrize(
    ("folder", "path"),
    [
        ("myshop", "params/stub.yaml"),
        ("myshop/notebooks", "params/stub.yaml"),
        ("myshop/notebooks", "../params/stub.yaml"),
        ("myshop/notebooks/mine/deep", "params/stub.yaml"),
        ("myshop/params", "stub.yaml"),
        (".", "myshop/params/stub.yaml"),
        ("elsewhere", "../myshop/params/stub.yaml"),
        ("elsewhere", "{root}/params/stub.yaml"),
    ],
)
def test_a_shop_is_opened_from_any_folder(root, tmp_path, monkeypatch, folder, path):
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / folder)
    shop = ltvkit.open(path.format(root=root))
    assert shop.params.path == root / "params" / "stub.yaml"
    assert len(shop.customers) == 7


def test_from_beside_a_checkout_its_own_params_are_found(root, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "checkout", lambda: root)
    monkeypatch.chdir(tmp_path)
    assert ltvkit.open("params/stub.yaml").params.path == root / "params" / "stub.yaml"


def test_the_params_files_own_project_counts_and_is_left_again(root, tmp_path, monkeypatch):
    """A source is a path from the project of the params file, wherever one works."""
    other = make(tmp_path / "other")
    (other / "orders.csv").unlink()
    monkeypatch.chdir(other)
    assert ltvkit.open("../myshop/params/stub.yaml").customers.df()["orders"].sum() == 50
    assert paths.root() == other
    with pytest.raises(DataError, match="there is no file at .*other/orders.csv"):
        ltvkit.open("params/stub.yaml")


def test_a_shop_is_as_of_its_day(root, monkeypatch):
    monkeypatch.chdir(root)
    shop = ltvkit.open("params/stub.yaml", month="1998-03")
    assert shop.as_of == dt.date(1998, 3, 31)
    for frame in (shop.lines, shop.days):
        assert frame.df()["order_date"].max() <= pd.Timestamp(shop.as_of)
    whole = customers.summarize(shop.book.lines, as_of="1998-03-31").df()
    for frame in (shop.lines, shop.days, shop.book.days):
        pd.testing.assert_frame_equal(customers.summarize(frame, as_of=shop.as_of).df(), whole)
    pd.testing.assert_frame_equal(shop.customers.df(), whole)
    assert (shop.title, shop.currency) == ("Stub stub", "USD")
    assert repr(shop) == "Stub stub (stub): orders of 1998-01-22 to 1998-03-31"


def test_the_month_is_that_of_the_params_unless_one_is_named(root, monkeypatch):
    monkeypatch.chdir(root)
    write_params(root, month="1998-02")
    assert ltvkit.open("params/stub.yaml").as_of == dt.date(1998, 2, 28)
    assert ltvkit.open("params/stub.yaml", "1998-04").as_of == dt.date(1998, 4, 30)
    assert ltvkit.open("params/stub.yaml", month="last").as_of == dt.date(1998, 5, 31)


@pytest.mark.parametrize(("engine", "kind"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
def test_frames_are_of_the_engine_that_is_asked_for(root, monkeypatch, engine, kind):
    monkeypatch.chdir(root)
    shop = ltvkit.open("params/stub.yaml", month="1998-03", engine=engine)
    assert all(isinstance(frame, kind) for frame in (shop.lines, shop.days, shop.customers))
    assert max(shop.days["order_date"]) <= pd.Timestamp(shop.as_of)


def test_every_concept_takes_what_a_shop_has(root, monkeypatch):
    monkeypatch.chdir(root)
    shop = ltvkit.open("params/stub.yaml")
    segments = rfm.summarize(rfm.segment(rfm.score(shop.customers)))
    tenths = deciles.summarize(deciles.assign(shop.customers))
    assert segments["customers"].sum() == tenths["customers"].sum() == 7
    for frame in (shop.lines, shop.days):
        assert kpis.series(frame, as_of=shop.as_of, every="month")["orders"].sum() == 50
        assert cohorts.build(frame, as_of=shop.as_of)["customers"].max() == 7
        assert len(curves.ltv(frame, as_of=shop.as_of))


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        (
            "myshop",
            "Did you mean 'params/stub.yaml'? Params files: params/stub.yaml, params/twin.yaml.",
        ),
        ("myshop/notebooks", "Params files: ../params/stub.yaml, ../params/twin.yaml."),
        (".", "Params files: myshop/params/stub.yaml, myshop/params/twin.yaml."),
    ],
)
def test_a_wrong_path_names_the_params_files_there_are(root, tmp_path, monkeypatch, folder, words):
    write_params(root, "twin")
    monkeypatch.chdir(tmp_path / folder)
    for path in ("params/stab.yaml", "params"):
        with pytest.raises(ParamsError, match=f"there is no params file {path} in") as caught:
            ltvkit.open(path)
        assert words.partition("? ")[2] or words in str(caught.value)
    with pytest.raises(ParamsError, match=re.escape(words)):
        ltvkit.open("params/stab.yaml")
    with pytest.raises(ParamsError, match=r"Did you mean '.*params/stub\.yaml'\?"):
        ltvkit.open("stub")


def test_without_any_params_file_it_says_how_one_is_made(root, monkeypatch):
    (root / "params" / "stub.yaml").unlink()
    monkeypatch.chdir(root)
    with pytest.raises(ParamsError, match="Write one: python -m ltvkit inspect FILE"):
        ltvkit.open("params/stub.yaml")


def test_outside_any_project_the_installed_kit_says_so(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProjectError, match="is no ltvkit project: .* ltvkit init myshop"):
        paths.root()
    # A frame needs no project.
    lines = [("a", "1", "2024-01-05", 10)]
    raw = pd.DataFrame(lines, columns=["customer_id", "order_id", "order_date", "amount"])
    assert len(ltvkit.orders.read(raw).lines) == 1


def test_import_is_instant_and_loads_nothing():
    code = "import sys, ltvkit; print(*(m for m in sys.modules if m.startswith('ltvkit')))"
    code += "; assert 'pandas' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {name for name in done.stdout.split() if "ltvkit.core" not in name} == {"ltvkit"}


def test_a_module_is_loaded_when_it_is_asked_for():
    code = "import ltvkit; print(ltvkit.rfm.SEGMENT_NAMES[0]); ltvkit.rfn"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "champions\n"
    assert "AttributeError: module 'ltvkit' has no attribute 'rfn'" in done.stderr
    assert Path(ltvkit.cohorts.__file__).name == "cohorts.py"

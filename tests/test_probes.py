"""Nobody is named: what is planted in an export is in no page, table, record or message."""

from __future__ import annotations

import html

import pytest
import stub_probes as probes
from stub_project import write_params


@pytest.mark.parametrize("plant", probes.REFUSED, ids=lambda plant: plant.__name__)
def test_a_source_that_cannot_be_read_names_nobody(plant, tmp_path, monkeypatch):
    """Such a run ends before any notebook is started."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    root = tmp_path / "shop"
    probes.prepare(root, **plant(tmp_path / "shop") if root.mkdir() is None else {})
    said = probes.run(root)
    assert "FAILED" in said or "Error" in said
    assert "Traceback" not in said
    assert probes.find_named(root, said) == []


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A report of columns of people, by the kit's own steps."""
    root = tmp_path_factory.mktemp("probed")
    probes.prepare(root)
    columns = probes.write_orders(root / "orders.csv")
    probes.write_steps(root, columns)
    listed = ", ".join(f"{name}: {header}" for name, header in columns.items())
    write_params(root, columns=f"{{{listed}}}", policies="{max_quarantined: 1.0}")
    return root, probes.run(root)


def test_a_report_of_columns_of_people_names_nobody(built):
    root, said = built
    assert "Published" in said, said
    assert probes.find_named(root, said) == []


def test_it_says_what_it_left_out_and_shows_the_rest(built):
    root, said = built
    folder = root / "reports/stub/1998-06"
    front, page = (
        html.unescape((folder / name).read_text("utf-8"))
        for name in ("index.html", "00_overview.html")
    )
    for column in ("channel", "category", "product", "product_id", "gift"):
        assert f"{column} ('col_{column}') has " in front
        assert f"no column '{column}'" in page
    assert "personal_columns" in said
    assert "policies: shown" in front
    assert "region 1" in page


def test_lists_name_ids_and_nobody_else(built):
    folder = built[0] / "reports/stub/1998-06/lists"
    listed = "".join(path.read_text("utf-8-sig") for path in folder.iterdir())
    assert probes.ID in listed
    for hidden in (probes.MAIL, probes.NAME, probes.TELEPHONE):
        assert hidden not in listed

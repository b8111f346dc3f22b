"""Long lists of a cluster, as far as it takes no cluster to tell."""

from __future__ import annotations

import hashlib
import hmac

import pandas as pd
import pyarrow as pa

from ltvkit.core import files
from ltvkit.engines.spark import lists
from ltvkit.report.pages import glossary, templates

KEY = b"0123456789abcdef" * 2


def test_a_batch_has_pseudonyms_in_place_of_ids():
    batch = pa.record_batch({"n": [1, 2, 3], "customer_id": ["00017", None, ""]})
    found = lists._batch(batch, known=KEY)
    known = hmac.new(KEY, b"00017", hashlib.sha256).hexdigest()[:32]
    assert found.to_pydict() == {"n": [1, 2, 3], "customer_id": [known, "", ""]}
    assert found.schema == batch.schema


def test_a_list_is_named_by_the_run_that_it_is_of(tmp_path):
    run = tmp_path / "shop" / "2024-09" / "01_rfm-0123456789abcdef"
    names = []
    for _again in range(2):
        with files.replacing(run) as part:
            part.mkdir()
            names.append(lists._run(part / "lists" / "champions.csv"))
        run.rmdir()
    assert names == [("shop", "2024-09", "01_rfm-0123456789abcdef")] * 2


def test_a_list_of_a_folder_of_ones_own_is_named_by_it_and_does_not_tell_it(tmp_path):
    one, other = (lists._run(tmp_path / name / "lists" / "l.csv") for name in ("a", "b"))
    assert one != other
    assert not any(part in str(one) for part in tmp_path.parts[1:])


def test_a_folder_of_the_project_is_shown_without_the_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("LTVKIT_REPORTS", str(tmp_path / "reports"))
    inside = (tmp_path / "reports" / ".cache" / "lists" / "shop").as_uri()
    assert lists._shown(inside) == "reports/.cache/lists/shop"
    assert lists._shown("s3a://bucket/ltvkit/lists/shop") == "s3a://bucket/ltvkit/lists/shop"


def test_a_short_list_is_brought(on, tmp_path, monkeypatch):
    monkeypatch.setattr(lists, "MOST_LISTED", 2)
    listed = on(pd.DataFrame({"customer_id": ["a", "b"]}))
    assert lists.write_long_list(listed, tmp_path / "lists" / "l.csv") is None
    assert not list(tmp_path.iterdir())


def test_the_front_page_links_to_what_is_there():
    page = {"lists": ["near", "far"], "elsewhere": ["far"], "tables": [], "findings": []}
    page["notebook"] = {"page": "05_ltv_forecast", "nav": "LTV forecast"}
    named = {"title": "Shop", "month": "2024-09", "as_of": "2024-09-30", "left_out": []}
    more = {"kpis": [], "partial": False, "preview": False, "quality": "", "checks": []}
    more |= {"month_name": "September 2024", "last_day": "30 Sept 2024"}
    more |= {"linker": glossary.Linker()}
    html = templates.render("index.html.j2", pages=[page], **named, **more)
    assert 'href="lists/near.csv"' in html
    assert 'href="lists/far.txt"' in html
    assert "far.csv" not in html

"""Exports of shop systems are known by their headers, and mapped to what they have."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from stub_exports import EXPORTS, SHOPIFY

from ltvkit.core import personal_data
from ltvkit.ingest import amounts, systems
from ltvkit.ingest.policies import Policies
from ltvkit.ingest.schema import COLUMNS


def header(text: str) -> list[str]:
    return text.splitlines()[0].split(",")


def test_every_system_has_an_export():
    inputs = Path(__file__).parents[1] / "inputs" / "exports"
    read = yaml.safe_load((inputs / "expected.yaml").read_text("utf-8"))
    assert {s.name for s in systems.SYSTEMS} <= {*EXPORTS, *(e["system"] for e in read.values())}


@pytest.mark.parametrize("name", EXPORTS)
def test_a_system_is_known_by_its_headers_and_by_all_of_them(name):
    found = header(EXPORTS[name][0])
    system = systems.recognise(found)
    assert system.name == name
    assert systems.recognise([h.upper() for h in found]).name == name
    for lacking in system.known_by:
        assert systems.recognise([h for h in found if h != lacking]) is not system


@pytest.mark.parametrize("system", systems.SYSTEMS, ids=lambda s: s.name)
def test_a_system_maps_and_decides_only_what_there_is(system):
    flags = [*system.policies.get("exclude", ()), *system.policies.get("discount_rows", ())]
    assert set(system.columns) <= {*COLUMNS, *amounts.PARTS, *flags, *system.statuses}
    assert set(flags) <= set(system.columns)
    assert set(system.lacks) <= set(systems.LACKS)
    for asked in system.asks.values():
        assert set(asked) <= {"question", "otherwise"}
    assert set(system.policies) <= {f.name for f in fields(Policies)}
    Policies(**system.policies)
    assert set(system.policies.get("fill_down", ())) <= set(system.columns)
    assert "status" in system.columns or "cancelled_status" not in system.policies


@pytest.mark.parametrize("name", EXPORTS)
def test_a_mapping_names_the_files_own_headers(name):
    found = header(EXPORTS[name][0])
    mapping = systems.recognise(found).mapping(found)
    assert set(mapping.values()) <= set(found)
    assert len(set(mapping.values())) == len(mapping)


def test_a_customer_number_goes_before_an_email_address():
    system = systems.recognise(header(SHOPIFY))
    assert system.mapping([*header(SHOPIFY), "Customer ID"])["customer_id"] == "Customer ID"
    assert personal_data.is_personal(system.mapping(header(SHOPIFY))["customer_id"])

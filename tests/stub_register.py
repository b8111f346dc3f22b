"""A small register of hypotheses, for the tests of what reads and writes one."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from ltvkit.hypotheses.registry import ledger
from ltvkit.hypotheses.registry.schema import content_hash

FIELDS = {
    "title": "Win-back mail",
    "hypothesis": "A mail brings quiet customers back.",
    "owner": "A. Sato",
    "department": "CRM",
    "measure": "One mail",
    "target": "{segment: [at risk, can't lose]}",
    "selected": "2024-02-29",
    "start": "2024-03-01",
    "end": "2024-03-31",
    "metric": "retention_rate",
    "comparison": "before_after",
    "smallest_effect": "0.03",
}


def write(folder: Path, name: str = "mail", **fields: str | None) -> Path:
    """The file of a hypothesis that is fine but for `fields`, YAML text; None leaves one out."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = {"id": name, **FIELDS, **fields}
    path = folder / f"{name}.yaml"
    path.write_text("".join(f"{k}: {v}\n" for k, v in lines.items() if v is not None), "utf-8")
    return path


def write_list(folder: Path, *rows: str, header: str = "customer_id", name: str = "x.csv") -> str:
    """A list of a register; returns its name as a file of a hypothesis has it."""
    path = folder / "lists" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{row}\n" for row in (header, *rows)), "utf-8")
    return f"lists/{name}"


def at(day: str) -> dt.datetime:
    """Noon of a day, UTC."""
    return dt.datetime.fromisoformat(f"{day}T12:00:00+00:00")


def registered(folder: Path, *days: str, id: str = "mail") -> None:
    """Lines of a ledger that register what the file says now."""
    for day in days:
        content = content_hash(folder / f"{id}.yaml")
        ledger.append(folder, "register", id, content=content, now=at(day))

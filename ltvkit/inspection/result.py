"""What an inspection found out about an export."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ltvkit.ingest import schema, systems
from ltvkit.ingest.book import Orders


@dataclass(frozen=True)
class Inspection:
    """What was found out about `source`.

    `columns`: canonical name -> header; `policies`: those that differ from their defaults;
    `checks`: params key ("currency", "columns.amount") -> what its owner has to decide; `samples`:
    canonical name -> some values, masked where they may be personal; `notes`: what to know;
    `book`: the orders as a report would read them, None where it would not, with its message in
    `refusal`.
    """

    source: str
    facts: Mapping[str, Any]
    headers: tuple[str, ...]
    system: systems.System | None
    columns: Mapping[str, str]
    currency: str
    policies: Mapping[str, Any] = field(default_factory=dict)
    checks: Mapping[str, str] = field(default_factory=dict)
    samples: Mapping[str, list[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    book: Orders | None = None
    refusal: str = ""

    @property
    def missing(self) -> list[str]:
        """Canonical columns without which nothing can be read."""
        return schema.find_missing(self.columns)

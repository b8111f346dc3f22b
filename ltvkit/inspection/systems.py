"""The shop systems whose order exports are known: systems.yaml has the facts and their sources."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ltvkit.core import files
from ltvkit.ingest import headers


@dataclass(frozen=True)
class System:
    """The order export of a shop system; systems.yaml explains the fields."""

    name: str
    known_by: Sequence[str]
    columns: Mapping[str, Sequence[str]]
    policies: Mapping[str, Any] = field(default_factory=dict)
    currency: str = ""
    notes: Sequence[str] = ()

    def mapping(self, found: Iterable[str]) -> dict[str, str]:
        """Canonical name -> the file's own header, for those that are there."""
        found = list(found)
        taken = {
            n: [headers.match_header(h, found) for h in wanted]
            for n, wanted in self.columns.items()
        }
        return {n: next(filter(None, hits)) for n, hits in taken.items() if any(hits)}


SYSTEMS = tuple(System(**facts) for facts in files.read_yaml(__name__, "systems.yaml"))


def recognise(found: Iterable[str]) -> System | None:
    """The system whose export has these headers; None where it is none of `SYSTEMS`.

    >>> recognise(["日付", "注文時間", "注文番号", "処理状況", "商品名"]).name
    'MakeShop'
    >>> recognise(["date", "amount"])
    """
    found = list(found)
    for system in SYSTEMS:
        if all(headers.match_header(header, found) for header in system.known_by):
            return system
    return None

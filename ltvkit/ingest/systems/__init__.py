"""The shop systems whose order exports are known: one YAML file each, with its sources.

A file has `sources` (what its facts were read from, and when) and `exports`, each with:

- `name`; `known_by`: headers that all are in it. Of several exports that fit, the one with the most
  such headers is meant.
- `columns`: canonical name, part of the amount (see `amounts`) or another name -> the headers to
  take, the best first.
- `policies`: what it needs. `currency`: where it is always one.
- `statuses`: column -> values that are known and count; others are asked about.
- `asks`: what its sources do not settle; params key -> `question`, and `otherwise`, the columns and
  policies of the other reading (a column of null is not mapped).
- `lacks`: what the file cannot say: some of `LACKS`. `notes`: what else to know.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from ltvkit.core import files
from ltvkit.core.i18n import N_
from ltvkit.ingest import headers

LACKS = {
    "customer": N_("who bought"),
    "cancelled": N_("which orders were cancelled"),
    "refunds": N_("refunds"),
    "discounts": N_("discounts"),
    "tax": N_("whether tax is in the prices"),
    "lines": N_("the products of an order"),
}


@dataclass(frozen=True)
class System:
    """One order export of a shop system."""

    name: str
    known_by: Sequence[str]
    columns: Mapping[str, Sequence[str]]
    policies: Mapping[str, Any] = field(default_factory=dict)
    currency: str = ""
    statuses: Mapping[str, Sequence[str]] = field(default_factory=dict)
    asks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    lacks: Sequence[str] = ()
    notes: Sequence[str] = ()

    def mapping(self, found: Iterable[str]) -> dict[str, str]:
        """Canonical name -> the file's own header, for those that are there."""
        found = list(found)
        taken = {
            n: [headers.match_header(h, found) for h in wanted]
            for n, wanted in self.columns.items()
        }
        return {n: next(filter(None, hits)) for n, hits in taken.items() if any(hits)}


def _read_systems() -> Iterator[System]:
    names = (path.name for path in resources.files(__name__).iterdir())
    for name in sorted(n for n in names if n.endswith(".yaml")):
        yield from (System(**facts) for facts in files.read_yaml(__name__, name)["exports"])


SYSTEMS = tuple(_read_systems())


def recognise(found: Iterable[str]) -> System | None:
    """The system whose export has these headers; None where it is none of `SYSTEMS`.

    >>> recognise(["日付", "注文時間", "注文番号", "処理状況", "商品名"]).name
    'MakeShop'
    >>> recognise(["date", "amount"])
    """
    found = list(found)
    fitting = [s for s in SYSTEMS if all(headers.match_header(h, found) for h in s.known_by)]
    return max(fitting, key=lambda s: len(s.known_by), default=None)

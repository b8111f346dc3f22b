"""Prepare the orders of a source: read it in one state, and store its validated rows in the cache.

A file that changes while it is read is read once more, and refused if it changes again.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ltvkit.core import cache_entries, cache_folder, notices, paths
from ltvkit.core.code_digest import hash_code
from ltvkit.core.i18n import language
from ltvkit.core.locks import Hold
from ltvkit.engines.sql import literal
from ltvkit.errors import DataError, ReportError
from ltvkit.ingest import pipeline, readers
from ltvkit.ingest.policies import Policies, check_options
from ltvkit.ingest.readers import databases
from ltvkit.ingest.readers.state import State, look
from ltvkit.ingest.schema import LINE

# A small dictionary: most columns have few values, or nearly all are distinct.
_PARQUET = "format parquet, dictionary_size_limit 5000"
FACTS = "facts.json"
# What stored rows depend on of the kit: `ingest` and the layers that it stands on.
CODE = (
    *("core", "engines", "ingest", "errors.py", "periods.py"),
    # Words of reasons.
    *("display/formats.py", "display/joining.py", "display/texts.py"),
    *("display/formats.yaml", "display/labels.yaml", "display/languages.yaml"),
    "display/texts.yaml",
)
_LATER = ("max_quarantined", "checks", "memory_limit")  # policies that change no stored row


@dataclass(frozen=True)
class Request:
    """A source and how it is to be read: all that orders depend on but what its files hold."""

    source: str
    columns: Mapping[str, str]
    rules: Policies
    decided: Mapping[str, Any]

    @classmethod
    def of(cls, source: str, columns: Mapping | None, policies: Mapping | None) -> "Request":
        """Raises `ParamsError` for an option that is not known."""
        rules = check_options(columns=columns, policies=policies)
        decided = {n: p for n, p in (policies or {}).items() if n not in _LATER}
        return cls(source, columns or {}, rules, decided)

    def key(self, *seen: Any) -> str:
        """The name of the cache entry; without what was `seen` of the files, that of all states."""
        return make_key(self.source, self.columns, self.decided, *seen)

    def validate(self, raw: readers.Raw, keep: pipeline.Store) -> pipeline.Rows:
        """The opened source -> its validated rows, stored by `keep`."""
        return pipeline.validate_source(raw, columns=self.columns, rules=self.rules, keep=keep)


class _ChangedError(DataError):
    """A file changed while it was read."""


class _PinnedError(ReportError):
    """The state that a run has opened before is lost."""


def make_key(*parts: Any) -> str:
    """The name of what depends on `parts`, on the kit's code and on the language."""
    known = [*parts, hash_code(within=CODE), language()]
    return hashlib.sha256(json.dumps(known, default=dict).encode()).hexdigest()[:16]


def find_or_prepare(request: Request, home: Path, *, pinned: str | None = None) -> tuple[str, Hold]:
    """The key of a whole cache entry in `home`, which is held; it is prepared if it is not there.

    Raises `ReportError` where the files give another one than the one that is `pinned`.
    """
    find = partial(readers.list_files, request.source, request.rules)
    for again in (True, False):
        state = look(find)
        try:
            return _prepare(request, state, home, pinned)
        except _PinnedError:
            raise
        except Exception as error:  # what is read by halves can give rise to any
            changed = state.find_change()
            if not changed:
                raise
            if not again:
                raise DataError(
                    f"{changed} changed twice while it was read: wait until it is written, or "
                    "copy it and read the copy."
                ) from error
        notices.tell(f"{changed} changed while it was read: reading it again.")
    raise AssertionError


def _prepare(request: Request, state: State, home: Path, pinned: str | None) -> tuple[str, Hold]:
    raw, seen = None, state.content
    if databases.is_on_server(request.source):  # only its rows tell
        raw = readers.open_source(request.source, request.rules)
        seen = [*seen, raw.facts["digest"]]
    key = request.key(seen)
    if pinned not in (None, key):
        raise _PinnedError(
            f"{paths.shorten(home / str(pinned))} is damaged, and {request.source} changed while "
            "the report was built; run it again."
        )
    if held := cache_entries.open_whole(home / key):
        return key, held
    raw = raw or readers.open_source(request.source, request.rules, sums=state.sums)
    if databases.is_address(request.source):  # its table has been copied
        _check(state)
        state = state.only(readers.list_rates(request.rules))
    held = cache_entries.open_or_make(home / key, partial(_fill, raw, request, state))
    cache_folder.drop_old(home)
    return key, held


def _fill(raw: readers.Raw, request: Request, state: State, folder: Path) -> None:
    set_folder(raw.connection, folder)
    rows = request.validate(raw, _store)
    _check(state)
    (folder / FACTS).write_text(rows.to_json(), "utf-8")


def _check(state: State) -> None:
    if changed := state.find_change():
        raise _ChangedError(changed)


def _store(connection: Any, relation: Any, name: str, first: int | None) -> str:
    """A `pipeline.Store` into Parquet files of the folder that the connection names."""
    path = f"getvariable('folder') || '/{name}.parquet'"
    connection.execute(f"copy ({relation.sql_query()}) to ({path}) ({_PARQUET})")
    if first is None:
        return f"select * from read_parquet({path})"
    line = f"file_row_number + {first} as {LINE}"
    chosen = f"select * exclude (file_row_number), {line}"
    return f"{chosen} from read_parquet({path}, file_row_number = true)"


def set_folder(connection: Any, folder: Path) -> None:
    """Tell a connection where the files are that the SQL of stored rows names."""
    connection.execute(f"set variable folder = {literal(str(folder))}")

"""The scale of satisfaction: what a column of numbers, stars or words is measured on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ltvkit.engines.sql import literal
from ltvkit.ingest.records import values
from ltvkit.ingest.records.options import Options

SCALES = ((0, 1), (1, 5), (0, 5), (1, 10), (0, 10), (0, 100))
_ON_SCALE = 0.95  # of the scores that a scale must hold


def settle(
    connection: Any, sql: str, headers: Sequence[str], options: Options
) -> tuple[str, tuple[float, float] | None]:
    """Validated rows -> these with satisfaction where it is on the scale, and that scale: the least
    and the best. `headers` are those of satisfaction; None where none fits.

    Good and bad (1 and 0) count only in a column of such words: beside 5, ★★★☆☆ or やや満足 they
    would be on another scale.
    """
    if not headers:
        return sql, None
    said = f"coalesce({', '.join(f'_written[{literal(h)}]' for h in dict.fromkeys(headers))})"
    word = f"coalesce({values.is_satisfied_word(said)}, false)"
    known = f"from ({sql}) where reason is null and not {values.is_unanswered(said)}"
    [words, all_] = connection.execute(
        f"select count(*) filter ({word}), count(*) {known}"
    ).fetchall()[0]
    if words:
        hold = words >= _ON_SCALE * all_ and options.scale in ((), (0.0, 1.0))
        other = f"case when {word} = {'true' if hold else 'false'} then satisfaction end"
        sql = f"select * replace ({other} as satisfaction) from ({sql})"
    scale = options.scale[:2] or _find(connection, sql)
    return (_drop_off(sql, scale) if scale else sql), scale or None


def _find(connection: Any, sql: str) -> tuple[float, float] | None:
    """The smallest usual scale that holds nearly all; None where none does."""
    fits = [f"count(*) filter (satisfaction between {low} and {high})" for low, high in SCALES]
    known = f"from ({sql}) where reason is null and satisfaction is not null"
    all_, *counts = connection.execute(f"select count(*), {', '.join(fits)} {known}").fetchall()[0]
    good = [s for s, n in zip(SCALES, counts, strict=True) if all_ and n >= _ON_SCALE * all_]
    return good[0] if good else None


def _drop_off(sql: str, scale: tuple[float, float]) -> str:
    """Rows whose satisfaction is not known where it lies off the scale."""
    low, high = scale
    on = f"case when satisfaction between {low} and {high} then satisfaction end"
    return f"select * replace ({on} as satisfaction) from ({sql})"

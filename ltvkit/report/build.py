"""Reports of shops and months: what stands is left as it is, the rest is made.

This room stays light: a run that finds nothing to do is over before pandas would be imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ltvkit import paths
from ltvkit.errors import ParamsError
from ltvkit.report import archive, fresh, plan, publish
from ltvkit.report.run import Workers, in_words
from ltvkit.report.signals import Signals


@dataclass(frozen=True)
class Months:
    """Which months: one (`month`), a range (`start` to `end`), or what the params file says."""

    month: str | None = None
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True)
class Command:
    """What was asked for, whatever the shop: the notebooks there are and those to run now."""

    months: Months
    notebooks: Sequence[plan.Notebook]
    chosen: Sequence[plan.Notebook]
    jobs: int
    timeout: float | None


@dataclass
class Outcome:
    """What a command came to: folders left or published, failures in words, where to look."""

    unchanged: list[Path] = field(default_factory=list)
    published: list[Path] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    index: Path | None = None


def build(
    files: Iterable[Path],
    *,
    months: Months,
    only: Sequence[str] = (),
    jobs: int = 1,
    timeout: float | None = None,
) -> Outcome:
    """Build the reports of the params `files`.

    Raises `ParamsError` before any kernel starts if anything in the input is wrong. A report
    that fails does not keep the others from being built. Raises `Interrupted` on SIGINT and
    SIGTERM, once everything is ended and recorded.
    """
    notebooks = plan.notebooks()
    command = Command(months, notebooks, plan.select(notebooks, only), jobs, timeout)
    requests = [fresh.request(f, notebooks, command.chosen, asked=str(months)) for f in files]
    _check_distinct(requests)
    signals, outcome = Signals(), Outcome()
    with signals.raised():
        publish.recover_all()
        missing = [request for request in requests if not request.published()]
        for request in requests:
            if request not in missing:
                outcome.unchanged += fresh.confirm(request)
        if missing:
            _make(missing, command, signals, outcome)
        try:
            outcome.index = archive.refresh()
        except OSError as error:
            outcome.failures.append(f"{paths.reports() / 'index.html'}: {in_words(error)}")
    return outcome


def _make(
    missing: Sequence[fresh.Request], command: Command, signals: Signals, outcome: Outcome
) -> None:
    from ltvkit.report.session import Session

    workers = Workers(jobs=command.jobs, timeout=command.timeout)
    Session(command, workers, signals, outcome).run(missing)


def _check_distinct(requests: Iterable[fresh.Request]) -> None:
    seen: dict[str, fresh.Request] = {}
    for request in requests:
        if (twin := seen.setdefault(request.shop, request)) is not request:
            raise ParamsError(
                f"{twin.file} and {request.file} both say `shop: {request.shop}`, and "
                "would publish to the same folder. Rename one."
            )

"""One command at work: orders prepared, notebooks run in one pool, reports published.

A report is published when its last notebook has finished, and recorded as failed if one did not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ltvkit import periods, quality
from ltvkit.config import params, shop
from ltvkit.config.notebooks import Notebook
from ltvkit.core import paths
from ltvkit.core.i18n import _
from ltvkit.engines import spark
from ltvkit.errors import ParamsError, ReportError
from ltvkit.ingest.cache import CachedOrders
from ltvkit.quality.summary import MOST_LINES
from ltvkit.report import plan
from ltvkit.report.pages import all_reports
from ltvkit.report.pages.assemble import Report, assemble
from ltvkit.report.publishing import publish, restated, unchanged
from ltvkit.report.publishing.publish import Place
from ltvkit.report.runner.progress import Progress
from ltvkit.report.runner.signals import Interrupted, Signals
from ltvkit.report.runner.workers import Done, Workers, describe_error, remove_leftovers


@dataclass(frozen=True)
class Months:
    """Which months: one (`month`), a range (`start` to `end`), or what the params file says."""

    month: str | None = None
    start: str | None = None
    end: str | None = None


@dataclass
class Outcome:
    """What a command came to: folders left or published, failures and warnings, where to look."""

    unchanged: list[Path] = field(default_factory=list)
    published: list[Path] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    index: Path | None = None


@dataclass
class Session:
    """What was asked for, whatever the shop, and what came of it."""

    months: Months
    notebooks: Sequence[Notebook]
    chosen: Sequence[Notebook]
    workers: Workers
    signals: Signals = field(default_factory=Signals)
    outcome: Outcome = field(default_factory=Outcome)

    def __post_init__(self) -> None:
        self.started = dt.datetime.now(dt.UTC)
        self._pending: dict[Place, Report] = {}

    def run(self, shops: Iterable[params.Params]) -> None:
        """Make the reports of all `shops`; every input is checked before the first kernel."""
        with ExitStack() as held, self._record_interruption():
            for given in shops:
                self._open(given, held)
            if self._pending:
                self._work()

    def _open(self, given: params.Params, held: ExitStack) -> None:
        """Prepare a shop's orders; lock and plan those of its reports that do not stand."""
        asked = self.months.month or self.months.start or given.values.get("month", "last")
        try:
            book = shop.read_orders(given)
            days = _list_days(book, self.months, given)
        except ParamsError as error:
            raise ParamsError(f"{given.path}: {error}") from error
        except (Exception, Interrupted) as error:  # whatever a file can do to its reader
            self._fail(Place(given.shop, asked), describe_error(error))
            if isinstance(error, Interrupted):
                raise
            return
        for day in days:
            place = Place(given.shop, f"{day:%Y-%m}")
            try:
                publish.forget_failure(Place(given.shop, "last"))  # its orders can be read again
                if unchanged.confirm_unchanged(place, self._plan(given, book, day).inputs):
                    self.outcome.unchanged.append(place.target)
                    continue
                held.enter_context(place.locked())
            except (ReportError, OSError) as error:
                self._add_failure(place, describe_error(error))
                continue
            remove_leftovers(place.shop, place.month)
            # Planned anew, as another run may have finished some of it before the lock was free.
            report = self._plan(given, book, day)
            # A date far off moves the last month, so a stop is not recorded under its name.
            stopped = Place(given.shop, "last") if asked == "last" else place
            try:
                self._pending[place] = self._check_data(place, report, book, stopped)
            except Exception as error:  # a fault in one report must not take the others along
                listed = quality.list_quarantined(book).limit(MOST_LINES)
                self._fail(stopped, describe_error(error), quarantine=listed)

    def _check_data(
        self, place: Place, report: Report, book: CachedOrders, stopped: Place
    ) -> Report:
        """The report with what is to be said of its data; `DataError` where a check stops it."""
        values = report.params.values
        found = quality.check(book, as_of=report.as_of, policies=values.get("policies"))
        quality.raise_on_stop(found, where=paths.shorten(stopped.failed / publish.QUARANTINE))
        months = restated.sum_months(book.lines, as_of=report.as_of)
        book.store_days()
        changed = restated.find_changes(place, months, params=values)
        said = [quality.check_finding(found)] if (found["result"] == "warn").any() else []
        said += changed + self._warn_of_removed(place, report)
        self.outcome.warnings += [f"{place.shop} {place.month}: {text}" for text in said]
        return replace(report, months=months, restated=changed)

    def _warn_of_removed(self, place: Place, report: Report) -> list[str]:
        """A warning for pages of the last report that --only leaves out of this one."""
        lost = [
            book.nav
            for book in self.notebooks
            if book.nav in report.left_out and (place.target / f"{book.page}.html").exists()
        ]
        text = _("Removed, as they were built from different orders or settings: {pages}.")
        return [text.format(pages=", ".join(lost))] if lost else []

    def _plan(self, given: params.Params, book: CachedOrders, day: dt.date) -> Report:
        month = f"{day:%Y-%m}"
        jobs = plan.list_jobs(self.notebooks, given, month=month, orders_key=book.key)
        # What --only leaves out stays in the report if it is finished for the same inputs.
        jobs = [job for job in jobs if job.notebook in self.chosen or job.done]
        there = {job.notebook.page for job in jobs}
        left_out = [book.nav for book in self.notebooks if book.page not in there]
        return Report(given, month, day, book.facts, jobs, left_out, plan.find_register(given))

    def _work(self) -> None:
        """Run all notebooks, and publish each report when its last one is through."""
        spark.close()  # the notebooks, which have sessions of their own, wait for its workers
        pool = ThreadPoolExecutor(self.workers.jobs)
        jobs = [(place, job) for place, report in self._pending.items() for job in report.jobs]
        futures = {pool.submit(self.workers.finish, job): place for place, job in jobs}
        through: dict[Place, list[Done]] = {place: [] for place in self._pending}
        progress = Progress(len(jobs))
        try:
            for future in as_completed(futures):
                place = futures[future]
                through[place].append(future.result())
                progress.done(through[place][-1], f"{place.shop} {place.month}")
                if len(through[place]) == len(self._pending[place].jobs):
                    self._finish(place, through[place])
        finally:
            self.workers.stop()
            pool.shutdown(cancel_futures=True)
            progress.bar.close()

    def _finish(self, place: Place, done: list[Done]) -> None:
        """Publish a report, or record why it cannot be."""
        failed = [d for d in done if d.failure]
        if failed:
            reason = _("{n} of {all} notebooks failed").format(n=len(failed), all=len(done))
            self._fail(place, reason, failed)
            return
        with self.signals.held():
            try:
                assemble(self._pending[place], done, publish.stage(place), started=self.started)
                publish.swap(place)
            except Exception as error:  # a fault in one report must not take the others along
                with suppress(OSError):  # else the next run does
                    publish.recover(place)
                self._fail(place, describe_error(error))
                return
            self._pending.pop(place)
            self.outcome.published.append(place.target)

    def _fail(
        self, place: Place, reason: str, failed: Sequence[Done] = (), quarantine: Any = None
    ) -> None:
        """Say that a report failed, and keep why."""
        self._pending.pop(place, None)
        self._add_failure(place, reason)
        try:
            notebooks = [(d.failure, d.notebook) for d in failed]
            publish.record_failure(place, reason, notebooks, quarantine=quarantine)
        except (ReportError, OSError) as error:
            self._add_failure(place, _("the failure cannot be recorded: ") + describe_error(error))

    def _add_failure(self, place: Place, reason: str) -> None:
        self.outcome.failures.append(f"{place.shop} {place.month}: {reason}")

    @contextmanager
    def _record_interruption(self) -> Iterator[None]:
        """What is unfinished when the work is broken off is recorded as failed."""
        try:
            yield
        except ParamsError:  # the input is wrong: nothing was begun
            raise
        except BaseException as error:
            with self.signals.held():
                for place in list(self._pending):
                    self._fail(place, describe_error(error))
                with suppress(OSError):
                    all_reports.refresh()
            raise


def _list_days(book: CachedOrders, months: Months, given: params.Params) -> list[dt.date]:
    """The last day that each report counts, the earliest first."""
    if not months.start:
        return [book.as_of(months.month or given.values.get("month", "last"))]
    first, last = book.as_of(months.start), book.as_of(months.end or "last")
    if first > last:
        raise ParamsError(f"--from {first:%Y-%m} is later than --to {last:%Y-%m}.")
    span = range(periods.index_of(first, "month"), periods.index_of(last, "month") + 1)
    return [book.as_of(periods.label(number, "month")) for number in span]

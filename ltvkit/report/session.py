"""One run of the report command: prepare orders, run notebooks in one pool, publish reports.

A report is published when its last notebook has finished. If one fails, that is recorded.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ltvkit import periods, quality
from ltvkit.config import open_questions, params, shop, translations
from ltvkit.config.notebooks import Notebook
from ltvkit.core import paths
from ltvkit.core.i18n import _, speaking
from ltvkit.display import joining
from ltvkit.engines import spark
from ltvkit.errors import ParamsError, ReportError
from ltvkit.ingest.cache import CachedOrders
from ltvkit.ingest.records import Records
from ltvkit.quality.summary import MOST_LINES
from ltvkit.report import plan, steps
from ltvkit.report.pages import all_reports
from ltvkit.report.pages.assemble import Report, assemble
from ltvkit.report.publishing import markers, publish, restated
from ltvkit.report.publishing.publish import Place
from ltvkit.report.runner.progress import Progress
from ltvkit.report.runner.signals import Interrupted, Signals
from ltvkit.report.runner.workers import Done, Workers, describe_error, remove_leftovers


@dataclass(frozen=True)
class Months:
    """Which months to report: one (`month`), a range (`start` to `end`), else as in the params."""

    month: str | None = None
    start: str | None = None
    end: str | None = None


@dataclass
class Outcome:
    """The outcome of a command: folders unchanged, published and of previews, PDF files, faults.

    `language`: the one of all its shops; "" where they differ.
    """

    unchanged: list[Path] = field(default_factory=list)
    published: list[Path] = field(default_factory=list)
    previews: list[Path] = field(default_factory=list)
    printed: list[Path] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    index: Path | None = None
    language: str = ""


def ignore(_text: str) -> None:
    """Do nothing with the reason of a failure, which is in the outcome too."""


@dataclass
class Session:
    """The options of one command, its reports in progress, and their outcome."""

    months: Months
    notebooks: Sequence[Notebook]
    chosen: Sequence[Notebook]
    workers: Workers
    replace: bool = False
    tell: Callable[[str], None] = ignore
    signals: Signals = field(default_factory=Signals)
    outcome: Outcome = field(default_factory=Outcome)
    started: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    _pending: dict[Place, Report] = field(default_factory=dict)
    _marker: markers.Marker = field(default_factory=lambda: markers.Marker(None, ""))

    def run(self, shops: Iterable[params.Params]) -> None:
        """Build the reports of all `shops`; every input is checked before the first kernel."""
        shops = list(shops)
        with ExitStack() as held:
            self._marker = held.enter_context(markers.marked(self.started))
            held.callback(self.workers.stop)  # also where nothing is left to run
            try:
                self._show_running([Place(given.shop, self._find_month(given)) for given in shops])
                # All files are looked for first.
                for given in [given for given in shops if self._has_files(given)]:
                    with speaking(given.language):
                        self._open(given, held)
                if self._pending:
                    self._show_running(list(self._pending))
                    self._work()
            except ParamsError:  # nothing was started
                raise
            except BaseException as error:
                self._record_interruption(error)
                raise

    def _has_files(self, given: params.Params) -> bool:
        """Whether the files that a shop names are there; it fails at once where one is not."""
        with speaking(given.language):
            if not (missing := shop.find_missing_files(given)):
                return True
            self._fail(Place(given.shop, self._find_month(given)), joining.sentences(missing))
            return False

    def _open(self, given: params.Params, held: ExitStack) -> None:
        """Prepare a shop's orders; lock and plan those of its reports that are not up to date."""
        asked = self._find_month(given)
        steps.tell_reading(given.shop)
        try:
            book = shop.read_orders(given)
            steps.tell_read(given.shop, book.facts)
            beside = shop.read_records(given)
            for table, read in beside.items():
                steps.tell_read(f"{given.shop}, {table}", read.facts)
            days = _list_days(book, self.months, given)
        except ParamsError as error:
            raise ParamsError(f"{given.path}: {error}") from error
        except (Exception, Interrupted) as error:  # a broken file can raise anything
            self._fail(Place(given.shop, asked), describe_error(error))
            if isinstance(error, Interrupted):
                raise
            return
        places = {Place(given.shop, f"{day:%Y-%m}"): day for day in days}
        self._marker.add(*places)
        if Place(given.shop, asked) not in places:
            self._marker.remove(Place(given.shop, asked))
        for place, day in places.items():
            try:
                publish.forget_failure(Place(given.shop, "last"))  # its orders can be read again
                report = self._plan(given, book, beside, day)
                chosen = replace(place, preview=report.preview)
                if publish.confirm_unchanged(chosen, report.inputs):
                    self.outcome.unchanged.append(chosen.target)
                    self._marker.remove(place)
                    continue
                held.enter_context(place.locked())
            except (ReportError, OSError) as error:
                self._add_failure(place, describe_error(error))
                self._marker.remove(place)
                continue
            remove_leftovers(place.shop, place.month)
            # Planned again: another run may have finished some notebooks before the lock was free.
            report = self._plan(given, book, beside, day)
            self._accept(place, report, book, by_date=asked == "last")

    def _accept(self, place: Place, report: Report, book: CachedOrders, *, by_date: bool) -> None:
        """Check the data of a report whose place is locked, and take it up among the pending."""
        if report.preview:
            self._marker.remove(place)
            place = replace(place, preview=True)
            self._marker.add(place)
        # One wrong date can change which month is the last, so this is recorded as "last".
        last = by_date and not report.preview
        self.workers.prepare(report.jobs)
        stopped = Place(place.shop, "last") if last else place
        try:
            self._pending[place] = self._check_data(place, report, book, stopped)
        except Exception as error:  # one failing report must not stop the others
            listed = quality.list_quarantined(book).limit(MOST_LINES)
            shown = report.params.values.get("policies", {}).get("shown", ())
            self._fail(stopped, describe_error(error), quarantine=listed, shown=shown)
            self._marker.remove(place)

    def _check_data(
        self, place: Place, report: Report, book: CachedOrders, stopped: Place
    ) -> Report:
        """Add what the data checks found to the report; raises `DataError` where one stops it."""
        values = report.params.values
        found = quality.check(book, as_of=report.as_of, policies=values.get("policies"))
        quality.raise_on_stop(found, where=paths.shorten(stopped.failed / publish.QUARANTINE))
        months = restated.sum_months(book.lines, as_of=report.as_of)
        book.store_days()
        changed = restated.find_changes(place, months, params=values)
        warnings = [quality.check_finding(found)] if (found["result"] == "warn").any() else []
        warnings += [report.asked] if report.asked else []
        warnings += changed + self._explain_left_out(report)
        self.outcome.warnings += [
            joining.colon(f"{place.shop} {place.month}", text) for text in warnings
        ]
        return replace(report, months=months, restated=changed)

    def _explain_left_out(self, report: Report) -> list[str]:
        """What becomes of pages of the published report that --only leaves out of this one."""
        text = _("Removed, as they were built from different orders or settings: {pages}.")
        if report.preview:
            text = _(
                "The published report stays as it is, as it also has {pages}. This is a preview "
                "beside it; with --replace it takes its place."
            )
        lost = joining.items(self._list_lost(report))
        return [text.format(pages=lost)] if lost else []

    def _list_lost(self, report: Report) -> list[str]:
        """The pages that the published report has and this one has not."""
        target = Place(report.params.shop, report.month).target
        return [
            book.nav
            for book in self._list_books()
            if book.nav in report.left_out and (target / f"{book.page}.html").exists()
        ]

    def _plan(
        self, given: params.Params, book: CachedOrders, beside: dict[str, Records], day: dt.date
    ) -> Report:
        month, keys = f"{day:%Y-%m}", {table: read.key for table, read in beside.items()}
        jobs = plan.list_jobs(self.notebooks, given, month=month, orders_key=book.key, records=keys)
        # A notebook that --only leaves out stays if it has a finished run for the same inputs.
        chosen = {book.page for book in self.chosen}
        jobs = [job for job in jobs if job.notebook.page in chosen or job.done]
        there, books = {job.notebook.page for job in jobs}, self._list_books()
        waiting = [book for book in books if plan.is_waiting(book, given)]
        missing = [b.nav for b in books if b.page not in there and b not in waiting]
        register, asked = plan.find_register(given), open_questions.remind(given.path)
        report = Report(given, month, day, book.facts, jobs, missing, register, asked)
        needed = tuple(dict.fromkeys(book.needs for book in waiting))
        report = replace(report, records=beside, not_recorded=needed)
        preview = bool(self._list_lost(report)) and not self.replace
        return replace(report, preview=preview)

    def _list_books(self) -> list[Notebook]:
        """All notebooks, in the reader's language."""
        return [translations.say(book) for book in self.notebooks]

    def _work(self) -> None:
        """Run all notebooks, and publish each report when its last one has finished."""
        spark.close()  # frees its workers for the sessions of the notebooks
        pool = ThreadPoolExecutor(self.workers.jobs)
        jobs = plan.order({place: report.jobs for place, report in self._pending.items()})
        futures = {pool.submit(self.workers.finish, job): place for place, job in jobs}
        through: dict[Place, list[Done]] = {place: [] for place in self._pending}
        steps.tell_work(sum(not job.done for _place, job in jobs), self.workers.jobs)
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
        """Publish a report in its language, or record why that failed."""
        with speaking(self._pending[place].params.language):
            self._publish(place, done)

    def _publish(self, place: Place, done: list[Done]) -> None:
        failed = [d for d in done if d.failure]
        if failed:
            reason = _("{n} of {all} notebooks failed").format(n=len(failed), all=len(done))
            self._fail(place, reason, failed)
            return
        with self.signals.held():
            try:
                assemble(self._pending[place], done, publish.stage(place), started=self.started)
                publish.swap(place)
            except Exception as error:  # one failing report must not stop the others
                with suppress(OSError):  # else the next run does
                    publish.recover(place)
                self._fail(place, describe_error(error))
                return
            self._pending.pop(place)
            self._marker.remove(place)
            done_now = self.outcome.previews if place.preview else self.outcome.published
            done_now.append(place.target)

    def _fail(
        self,
        place: Place,
        reason: str,
        failed: Sequence[Done] = (),
        *,
        quarantine: Any = None,
        shown: Sequence[str] = (),
    ) -> None:
        """Record that a report failed, and why."""
        self._pending.pop(place, None)
        self._add_failure(place, reason)
        try:
            notebooks = [(d.failure, d.notebook) for d in failed]
            publish.record_failure(place, reason, notebooks, quarantine=quarantine, shown=shown)
        except (ReportError, OSError) as error:
            self._add_failure(place, _("the failure cannot be recorded: ") + describe_error(error))
        self._marker.remove(place)

    def _add_failure(self, place: Place, reason: str) -> None:
        self.add_failure(f"{place.shop} {place.month}: {reason}")

    def add_failure(self, text: str) -> None:
        """Add a failure to the outcome, and tell it."""
        self.outcome.failures.append(text)
        self.tell(text)

    def _record_interruption(self, error: BaseException) -> None:
        """Record unfinished reports as failed."""
        with self.signals.held():
            for place, report in list(self._pending.items()):
                with speaking(report.params.language):
                    self._fail(place, describe_error(error))

    def _find_month(self, given: params.Params) -> str:
        """The month that was asked for, or the first of several."""
        return self.months.month or self.months.start or given.values.get("month", "last")

    def _show_running(self, places: Iterable[Place]) -> None:
        """Show in the list of reports that `places` are being built."""
        self._marker.add(*places)
        with suppress(OSError):
            all_reports.refresh()


def _list_days(book: CachedOrders, months: Months, given: params.Params) -> list[dt.date]:
    """The last day of each report, earliest first."""
    if not months.start:
        return [book.as_of(months.month or given.values.get("month", "last"))]
    first, last = book.as_of(months.start), book.as_of(months.end or "last")
    if first > last:
        raise ParamsError(f"--from {first:%Y-%m} is later than --to {last:%Y-%m}.")
    span = range(periods.index_of(first, "month"), periods.index_of(last, "month") + 1)
    return [book.as_of(periods.label(number, "month")) for number in span]

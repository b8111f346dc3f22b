"""One command at work: orders prepared, notebooks run in one pool, reports published.

A report is published when its last notebook has finished, and recorded as failed if one did not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager, suppress

from ltvkit import params, periods, prepared
from ltvkit.errors import ParamsError, ReportError
from ltvkit.i18n import _
from ltvkit.report import archive, fresh, plan, publish
from ltvkit.report.assemble import Report, assemble
from ltvkit.report.build import Command, Months, Outcome
from ltvkit.report.progress import Progress
from ltvkit.report.publish import Place
from ltvkit.report.run import Done, Workers, clean, in_words
from ltvkit.report.signals import Interrupted, Signals


class Session:
    """The reports that one command still has to make; what comes of them goes to `outcome`."""

    def __init__(
        self, command: Command, workers: Workers, signals: Signals, outcome: Outcome
    ) -> None:
        self.command, self.workers = command, workers
        self.signals, self.outcome = signals, outcome
        self.started = dt.datetime.now(dt.UTC)
        self._asked: dict[fresh.Request, list[Place]] = {}
        self._unmade: dict[Place, Report] = {}

    def run(self, requests: Sequence[fresh.Request]) -> None:
        """Make the reports of all `requests`; every input is checked before the first kernel."""
        files = [book.path for book in self.command.notebooks]
        shops = [params.load(request.file, files) for request in requests]
        with ExitStack() as held, self._recorded():
            for given, request in zip(shops, requests, strict=True):
                self._open(given, request, held)
            self._work()
        for request, places in self._asked.items():
            if all(place.target in self.outcome.published for place in places):
                with suppress(OSError):  # it only saves the next run some time
                    request.remember([place.month for place in places])

    def _open(self, given: params.Params, request: fresh.Request, held: ExitStack) -> None:
        """Prepare a shop's orders; lock and plan its reports."""
        months = self.command.months
        keys = {key: given.values[key] for key in ("columns", "policies") if key in given.values}
        try:
            book = prepared.open(given.values["source"], **keys)
            days = _days(book, months, given)
        except ParamsError as error:
            raise ParamsError(f"{given.path}: {error}") from error
        except (Exception, Interrupted) as error:  # whatever a file can do to its reader
            month = months.month or months.start or given.values.get("month", "last")
            self._fail(Place(given.shop, month), in_words(error))
            if isinstance(error, Interrupted):
                raise
            return
        self._asked[request] = [Place(given.shop, f"{day:%Y-%m}") for day in days]
        for place, day in zip(self._asked[request], days, strict=True):
            try:
                held.enter_context(place.locked())
                publish.forget_failure(Place(given.shop, "last"))  # its orders can be read again
            except (ReportError, OSError) as error:
                self._complain(place, in_words(error))
                continue
            clean(place.shop, place.month)
            self._unmade[place] = self._planned(given, book, day, request.inputs)

    def _planned(
        self, given: params.Params, book: prepared.Prepared, day: dt.date, inputs: str
    ) -> Report:
        month, notebooks = f"{day:%Y-%m}", self.command.notebooks
        jobs = plan.jobs(notebooks, given, month=month, orders_key=book.key)
        # What --only leaves out stays in the report if it is finished for the same inputs.
        jobs = [job for job in jobs if job.notebook in self.command.chosen or job.done]
        there = {job.notebook.page for job in jobs}
        left_out = [book.nav for book in notebooks if book.page not in there]
        return Report(given, month, day, book.facts, jobs, left_out, inputs)

    def _work(self) -> None:
        """Run all notebooks, and publish each report when its last one is through."""
        pool = ThreadPoolExecutor(self.command.jobs)
        jobs = [(place, job) for place, report in self._unmade.items() for job in report.jobs]
        futures = {pool.submit(self.workers.finish, job): place for place, job in jobs}
        through: dict[Place, list[Done]] = {place: [] for place in self._unmade}
        progress = Progress(len(jobs))
        try:
            for future in as_completed(futures):
                place = futures[future]
                through[place].append(future.result())
                progress.done(through[place][-1], f"{place.shop} {place.month}")
                if len(through[place]) == len(self._unmade[place].jobs):
                    self._finish(place, through[place])
        finally:
            self.workers.stop()
            pool.shutdown(cancel_futures=True)
            progress.close()

    def _finish(self, place: Place, done: list[Done]) -> None:
        """Publish a report, or record why it cannot be."""
        failed = [d for d in done if d.failure]
        if failed:
            reason = _("{n} of {all} notebooks failed").format(n=len(failed), all=len(done))
            self._fail(place, reason, failed)
            return
        with self.signals.held():
            try:
                assemble(self._unmade[place], done, publish.stage(place), started=self.started)
                publish.swap(place)
            except Exception as error:  # a fault in one report must not take the others along
                publish.discard(place)
                self._fail(place, in_words(error))
                return
            self._unmade.pop(place)
            self.outcome.published.append(place.target)

    def _fail(self, place: Place, reason: str, failed: Sequence[Done] = ()) -> None:
        """Say that a report failed, and keep why."""
        self._unmade.pop(place, None)
        self._complain(place, reason)
        try:
            publish.record_failure(place, reason, [(d.failure, d.notebook) for d in failed])
        except OSError as error:
            self._complain(place, _("the failure cannot be recorded: ") + in_words(error))

    def _complain(self, place: Place, reason: str) -> None:
        self.outcome.failures.append(f"{place.shop} {place.month}: {reason}")

    @contextmanager
    def _recorded(self) -> Iterator[None]:
        """What is unfinished when the work is broken off is recorded as failed."""
        try:
            yield
        except ParamsError:  # the input is wrong: nothing was begun
            raise
        except BaseException as error:
            with self.signals.held():
                for place in list(self._unmade):
                    self._fail(place, in_words(error))
                with suppress(OSError):
                    archive.refresh()
            raise


def _days(book: prepared.Prepared, months: Months, given: params.Params) -> list[dt.date]:
    """The last day that each report counts, the earliest first."""
    if not months.start:
        return [book.as_of(months.month or given.values.get("month", "last"))]
    first, last = book.as_of(months.start), book.as_of(months.end or "last")
    if first > last:
        raise ParamsError(f"--from {first:%Y-%m} is later than --to {last:%Y-%m}.")
    span = range(periods.index_of(first, "month"), periods.index_of(last, "month") + 1)
    return [book.as_of(periods.label(number, "month")) for number in span]

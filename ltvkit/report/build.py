"""Build the reports of shops and months; those that are up to date are left as they are."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ltvkit.config import params
from ltvkit.config.notebooks import find_notebooks, select_notebooks
from ltvkit.core import i18n, paths, run_state
from ltvkit.errors import ParamsError
from ltvkit.report import recovery
from ltvkit.report.pages import all_reports
from ltvkit.report.pages.pdf import find_browser, print_report
from ltvkit.report.publishing import markers
from ltvkit.report.publishing.publish import Place
from ltvkit.report.runner.workers import Workers, describe_error
from ltvkit.report.session import Months, Outcome, Session, ignore


def build(
    files: Iterable[Path],
    *,
    months: Months,
    only: Sequence[str] = (),
    replace: bool = False,
    jobs: int = 1,
    timeout: float | None = None,
    engine: str | None = None,
    pdf: bool = False,
    tell: Callable[[str], None] = ignore,
) -> Outcome:
    """Build the reports of the params `files`, with `engine` in place of theirs where given.

    Raises `ParamsError` before anything is read if params files are wrong, with all that is wrong.
    A report that fails does not stop the others; `tell` is called with the reason at once. With
    `only`, a report that would lose pages by it stays, and a preview is built beside it, unless
    `replace` says otherwise. With `pdf`, each report gets a report.pdf; raises `ReportError` before
    anything is read where no browser can print it. Raises `Interrupted` on SIGINT and SIGTERM, once
    all processes have ended and the failure is recorded.
    """
    browser = find_browser() if pdf else ""
    recovery.recover()
    notebooks = find_notebooks()
    chosen = select_notebooks(notebooks, only)
    shops = params.load_all(files, engine=engine)
    _check_distinct(shops)
    workers = Workers(jobs=jobs, timeout=timeout)
    session = Session(months, notebooks, chosen, workers, replace, tell)
    common = session.outcome.language = i18n.find_common(given.language for given in shops)
    with i18n.speaking(common), run_state.named_run(), session.signals.raised():
        try:
            session.run(shops)
            if browser:
                _print_reports(session, browser)
        finally:
            with session.signals.held():
                _refresh_index(session)
    return session.outcome


def _print_reports(session: Session, browser: str) -> None:
    """Make the PDF of each report that is up to date now."""
    done = session.outcome
    for folder in (*done.unchanged, *done.published, *done.previews):
        place = Place.of(folder)
        try:
            done.printed.append(print_report(place, browser=browser))
        except Exception as error:  # one failing report must not stop the others
            session.add_failure(f"{place.shop} {place.month}: {describe_error(error)}")


def _refresh_index(session: Session) -> None:
    try:
        markers.record_vanished()  # of reports that this run had locked
        session.outcome.index = all_reports.refresh()
    except Exception as error:  # the templates may have changed meanwhile
        session.add_failure(f"{paths.reports() / 'index.html'}: {describe_error(error)}")


def _check_distinct(shops: Iterable[params.Params]) -> None:
    seen: dict[str, params.Params] = {}
    for given in shops:
        if (twin := seen.setdefault(given.shop, given)) is not given:
            raise ParamsError(
                f"{twin.path} and {given.path} both say `shop: {given.shop}`, and "
                "would publish to the same folder. Rename one."
            )

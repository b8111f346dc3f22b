"""The command line: `python -m ltvkit`, also installed as `ltvkit`."""

import errno
import os
import shlex
import sys
import tempfile
from pathlib import Path

import click

from ltvkit.cli.hypothesis import hypothesis
from ltvkit.cli.messages import locate, make_printable
from ltvkit.cli.offer import offer
from ltvkit.core import i18n
from ltvkit.core.i18n import _, speaking
from ltvkit.core.version import VERSION
from ltvkit.errors import ReportError

# Exit statuses: 1, a report failed; 2, the input is wrong; 128 + n, ended by signal n.
FAILED, WRONG = 1, 2


class _Main(click.Group):
    """Shows an error that the user can correct as one message, for every command."""

    def invoke(self, ctx: click.Context):
        try:
            return super().invoke(ctx)
        except (BrokenPipeError, click.ClickException, click.Abort, click.exceptions.Exit):
            raise  # click ends silently where the reader of a pipe has closed it
        except ModuleNotFoundError:
            raise
        except Exception as error:  # a traceback would quote the data
            from ltvkit.core import redaction

            text = redaction.describe_error(error) + locate(error)
            click.echo(f"Error: {make_printable(text)}", err=True)
            sys.exit(WRONG)


@click.group(
    cls=_Main, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(VERSION, prog_name="ltvkit")
def main() -> None:
    """Customer lifetime value, from an order export to a published monthly report."""


main.add_command(hypothesis)
main.add_command(offer)


# The names in `engines.frames.NAMES`, which takes a second to import.
ENGINES = ("duckdb", "pandas", "polars", "spark")
_engine = click.option(
    "--engine",
    type=click.Choice(ENGINES),
    help="The engine to compute with, in place of that of the params file.",
)
_out = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Where the reports are.  [default: reports/ of the project]",
)


@main.command()
@click.argument("params", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--month",
    metavar="MONTH",
    help="The month to report on, as 1998-06, or 'last' for the latest whole month. "
    "Without it, the params file decides.",
)
@click.option("--from", "start", metavar="MONTH", help="The first of several months.")
@click.option(
    "--to", "end", metavar="MONTH", help="The last of several months; without it, 'last'."
)
@click.option(
    "--only",
    multiple=True,
    metavar="NAMES",
    help="Run only these notebooks, as in rfm,abc. The others stay in the report if they are "
    "finished for the same orders, params and code. If not, and the published report has them, "
    "a preview is built beside it; a month without a report gets one without them.",
)
@click.option(
    "--replace",
    is_flag=True,
    help="With --only: publish even where the report loses pages by it.",
)
@click.option(
    "--pdf",
    is_flag=True,
    help="Also make report.pdf of all pages, in the report's folder. Needs Chromium, Google Chrome "
    "or Microsoft Edge.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=(os.cpu_count() or 1) + 1,
    show_default="cores + 1",
    help="How many notebooks run at the same time.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Give up on a notebook after this many seconds.",
)
@_engine
@_out
def report(params, month, start, end, only, replace, out, **options) -> None:
    """Build the monthly report of each shop.

    PARAMS are the shops' params files, such as params/cdnow.yaml. Finished notebooks are reused
    while orders, params and code stay the same, so a second run is quick, and an interrupted run
    continues where it stopped. The last good report stays until a new one is complete.
    """
    from ltvkit.config.params import check_month
    from ltvkit.core import paths

    if month and (start or end):
        raise click.UsageError("Give either --month, or --from and --to.")
    if end and not start:
        raise click.UsageError("--to needs --from.")
    if replace and not only:
        raise click.UsageError("--replace needs --only.")
    if out:
        os.environ["LTVKIT_REPORTS"] = str(out.resolve())
    for given in filter(None, (month, start, end)):
        check_month(given)
    _check_folder(paths.reports())
    from ltvkit.report.build import Months, build
    from ltvkit.report.runner.signals import Interrupted

    names = [name for part in only for name in part.split(",") if name.strip()]
    try:
        span = Months(month, start, end)
        options |= {"replace": replace, "tell": _tell_failure}
        outcome = build(params, months=span, only=names, **options)
    except Interrupted as signal:
        text = _(
            "Stopped, {signal}. The last good reports are unchanged. Run it again to continue."
        )
        click.echo(text.format(signal=signal), err=True)
        sys.exit(signal.status)
    click.get_current_context().with_resource(speaking(outcome.language))
    for warning in outcome.warnings:
        click.echo(_("WARNING") + " " + make_printable(warning), err=True)
    for folder in outcome.unchanged:
        click.echo(_("Nothing changed: {path}").format(path=_shorten(folder / "index.html")))
    for folder in outcome.published:
        click.echo(_("Published: {path}").format(path=_shorten(folder / "index.html")))
    for folder in outcome.previews:
        click.echo(_("Preview: {path}").format(path=_shorten(folder / "index.html")))
    for file in outcome.printed:
        click.echo(_("PDF: {path}").format(path=_shorten(file)))
    if outcome.index:
        click.echo(_("All reports: {path}").format(path=_shorten(outcome.index)))
    sys.exit(FAILED if outcome.failures else 0)


@main.command()
@click.argument("params", type=click.Path(path_type=Path))
@click.option(
    "--to",
    multiple=True,
    required=True,
    metavar="ADDRESS",
    help="Who gets it, as in ann@example.org. Give it once for each of several.",
)
@click.option(
    "--month",
    metavar="MONTH",
    help="The month, as 1998-06.  [default: that of the params file, or the newest report]",
)
@click.option("--partial", is_flag=True, help="Send it also where the month or a page is missing.")
@click.option(
    "--last-good",
    is_flag=True,
    help="Send the last good report also where a later run failed.",
)
@_out
def send(params, to, month, out, **options) -> None:
    """Send the summary of a shop's published report by mail.

    PARAMS is the shop's params file, such as params/shop.yaml. These variables of the environment
    name the mail server: LTVKIT_SMTP_HOST, LTVKIT_SMTP_FROM (who sends it), LTVKIT_SMTP_PORT (587
    where it is left out), and, where the server asks for a login, LTVKIT_SMTP_USER and
    LTVKIT_SMTP_PASSWORD. The exit status is 1 if somebody did not get it, and 2 if there is nothing
    to send, or something that was given is wrong.
    """
    from ltvkit.config.params import check_month

    if month:
        check_month(month)
    if out:
        os.environ["LTVKIT_REPORTS"] = str(out.resolve())
    from ltvkit.cli.send import send_summary
    from ltvkit.report import recovery

    recovery.recover()
    sys.exit(send_summary(params, to=to, month=month, **options))


@main.command()
@click.argument("names", nargs=-1, required=True, metavar="PARAMS [PARAMS] [MONTH MONTH]")
@click.option(
    "--month", metavar="MONTH", help="With two shops: the month of both.  [default: last]"
)
@click.option(
    "--where",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="Only order lines with this value of a mapped column, as in channel=search.",
)
@_engine
@_out
def compare(names, month, where, engine, out) -> None:
    """Build a page that says why revenue of two months, or of two shops, differs.

    Either one params file and two months, the earlier first: params/shop.yaml 2024-08 2024-09. Or
    two params files: params/a.yaml params/b.yaml --month 2024-09. The page is in
    reports/SHOP/compare/, and published months stay as they are.
    """
    from ltvkit.cli.compare import find_options
    from ltvkit.core import paths

    files, options = find_options(names, month=month, where=where)
    if out:
        os.environ["LTVKIT_REPORTS"] = str(out.resolve())
    _check_folder(paths.reports())
    from ltvkit.config.params import load_all
    from ltvkit.report import comparison
    from ltvkit.report.runner.signals import Interrupted

    given, *others = load_all(files, engine=engine)
    click.get_current_context().with_resource(speaking(given.language))
    try:
        page = comparison.compare(given, other=next(iter(others), None), **options)
    except Interrupted as signal:
        click.echo(_("Stopped, {signal}. Run it again.").format(signal=signal), err=True)
        sys.exit(signal.status)
    click.echo(_("Compared: {path}").format(path=_shorten(page)))


@main.command()
@_out
def status(out) -> None:
    """List the reports of all shops, and record those whose run vanished.

    A report whose run was killed, or whose machine stopped, is recorded as FAILED, here and in the
    list of reports. The exit status is 1 if a report failed.
    """
    from ltvkit.cli.status import describe_reports
    from ltvkit.core import paths
    from ltvkit.report import recovery

    if out:
        os.environ["LTVKIT_REPORTS"] = str(out.resolve())
    recovery.recover()
    lines, failed = describe_reports()
    click.echo("\n".join(map(make_printable, lines)))
    if (index := paths.reports() / "index.html").exists():
        click.echo(_("All reports: {path}").format(path=_shorten(index)))
    sys.exit(FAILED if failed else 0)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--language",
    type=click.Choice(i18n.list_languages()),
    help="Of its README, params, notebooks and lessons.  [default: that of LTVKIT_LANG, else en]",
)
def init(folder, language) -> None:
    """Make a project in FOLDER: the notebooks, params of two sample shops, a README.

    FOLDER, such as myshop, is created if needed. Nothing is overwritten.
    """
    from ltvkit.config import project

    language = language or i18n.find_language()
    written = project.create(folder, language=language)
    notebooks = "notebooks" if language == i18n.SOURCE else f"notebooks/{language}"
    with i18n.speaking(language):
        said = _("Written to {folder}: {names}")
        click.echo(said.format(folder=folder, names=", ".join(written)))
        steps = {
            f"cd {shlex.quote(str(folder))}": "",
            "python -m ltvkit report params/shop.yaml": _("a sample shop's report"),
            "python -m ltvkit inspect mine.csv": _("your own orders"),
            f"jupyter lab {notebooks}": _("explore and learn"),
        }
        click.echo(_("Next:"))
        for step, what in steps.items():
            click.echo(f"  {step:<42}# {what}" if what else f"  {step}")


@main.command()
@click.argument("file")
@click.option("--shop", metavar="NAME", help="Short name of the shop.  [default: from the file's]")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PARAMS",
    help="The params file to write.  [default: params/NAME.yaml]",
)
def inspect(file, shop, out) -> None:
    """Look at an order export, and write a params file for it.

    Shows what FILE (such as mine.csv) seems to hold: what each column means, which days it covers,
    which lines cannot be used and why, and what only you can decide. Nothing is overwritten. Of
    events or enquiries it shows the block to put into the shop's params file.
    """
    from ltvkit.core import paths, redaction
    from ltvkit.core.slugs import check_shop
    from ltvkit.errors import ParamsError
    from ltvkit.ingest import readers
    from ltvkit.ingest.policies import Policies
    from ltvkit.inspection import drafts, layout, proposals, record_files

    source = paths.from_root(file)
    readers.list_files(source, Policies())  # refuses an unreadable file first
    opened = layout.find_layout(source)
    if table := record_files.recognise(opened):
        click.echo(redaction.mask_figures(record_files.describe(source, opened, table)))
        return
    shop = check_shop(shop or drafts.make_slug(file))
    out = out or paths.root() / "params" / f"{shop}.yaml"
    if out.exists():
        raise ParamsError(
            f"{_shorten(out)} exists already and is not overwritten: choose another --shop NAME or "
            "--out PARAMS."
        )
    seen = proposals.inspect(source, opened)
    click.echo(redaction.mask_figures(drafts.describe(seen)))
    draft = drafts.write_params(seen, shop=shop)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(draft, "utf-8")
    click.echo("\n" + _("Written: {path}").format(path=_shorten(out)))
    said = _("Next:    {command}")
    said = _("Next:    correct what cannot be read, then {command}") if seen.refusal else said
    said = _("Next:    fill in its lines marked CHECK, then {command}") if seen.checks else said
    command = f"python -m ltvkit report {shlex.quote(_shorten(out))}"
    click.echo(said.format(command=command))


@main.command()
@click.argument("params", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--month", metavar="MONTH", help="As of the end of this month, as in `report`.")
@_engine
def check(params, month, engine) -> None:
    """Read the orders of each shop, and check whether they can be relied on.

    Prints how many lines are used and why others are left out, and each check of the data. The exit
    status is 1 if a check would stop the report, and 2 if the orders cannot be read.
    """
    from ltvkit.config.params import check_month

    if month:
        check_month(month)
    from ltvkit.cli.check import check_orders
    from ltvkit.report import recovery

    recovery.recover()
    sys.exit(check_orders(params, month=month, engine=engine))


def _check_folder(folder: Path) -> None:
    """Raise `ReportError` where no report can be written, before the orders are read."""
    first = next((path for path in (folder, *folder.absolute().parents) if path.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=first):
            return
    except OSError as error:
        if error.errno == errno.ENOSPC:  # what there is no room for is a failed report
            return
        raise ReportError(
            f"{folder}: reports cannot be written there ({error.strerror}: {first}). Give another "
            "folder, as in --out reports."
        ) from error


def _tell_failure(text: str) -> None:
    click.echo(_("FAILED") + " " + make_printable(text), err=True)


def _shorten(path: Path) -> str:
    """A path from the working folder, if it is below it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)

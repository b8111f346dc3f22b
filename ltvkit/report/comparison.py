"""A page that compares two months of a shop, or two shops in one month: the notebook of drivers.

    reports/<shop>/compare/<name>/index.html    the page, one file
    reports/<shop>/compare/<name>/tables/       its tables

It never mixes with the published months. It is made anew each time, from the prepared orders.
"""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ltvkit import quality
from ltvkit.config import notebooks, shop, translations
from ltvkit.config.params import Params, check_month
from ltvkit.core import cache_folder, files, paths, run_state
from ltvkit.core.i18n import _
from ltvkit.display import formats, joining
from ltvkit.drivers import comparisons
from ltvkit.errors import ParamsError, ReportError
from ltvkit.report import plan, recovery, results
from ltvkit.report.pages import all_reports, templates
from ltvkit.report.runner.signals import Signals
from ltvkit.report.runner.workers import Workers

NOTEBOOK, FOLDER = "drivers", "compare"
_OF_OTHER = ("shop", "title", "currency", "source", "columns", "policies", "engine", "spark")


def compare(
    given: Params,
    *,
    month: str,
    against: str = "previous",
    where: Mapping[str, str],
    other: Params | None = None,
    timeout: float | None = None,
) -> Path:
    """Build the page that compares `month` of a shop with the month `against`, or with the same
    month of the `other` shop; `where`: column and value of the lines that count.

    Returns the path of the page. Raises `ParamsError` before a notebook runs where both cannot be
    compared, and `ReportError` where it fails.
    """
    recovery.recover()
    [book] = notebooks.select_notebooks(notebooks.find_notebooks(), [NOTEBOOK])
    book = translations.say(book)
    with run_state.named_run(), Signals().raised():
        _check_against(month, against)
        day, key = _prepare(given, month, where)
        named = f"{day:%Y-%m}"
        keys = [key]
        passed = given.for_notebook(book.parameters) | {"month": named, "where": dict(where)}
        if other:
            comparisons.check_currencies(
                *(p.values.get("currency", "") for p in (given, other)), _title(other)
            )
            keys += [_prepare(other, named, where)[1]]
            priced = given.values.get("drivers_of") == "margin"
            names = (*_OF_OTHER, *["margin_rate"] * priced)
            passed["other"] = {n: other.values[n] for n in names if n in other.values}
        else:
            passed["against"] = against
        name = _name(named, against, where, other)
        key = notebooks.digest(
            book.digest, book.words, passed, *keys, plan.list_versions("figures")
        )
        folder = cache_folder.locate("runs", given.shop, f"{FOLDER}-{name}")
        job = plan.Job(book, passed, folder / f"{book.page}-{key}", given)
        _run(job, timeout)
        target = _write(job, given, name, words=_describe(named, against, where, other))
    all_reports.refresh()
    return target


def _prepare(given: Params, month: str, where: Mapping[str, str]) -> tuple[Any, str]:
    """Read a shop's orders, and check them as a report does -> the last day, the key."""
    book = shop.read_orders(given)
    day = book.as_of(month)
    found = quality.check(book, as_of=day, policies=given.values.get("policies"))
    quality.raise_on_stop(found, where=f"python -m ltvkit check {given.path}")
    comparisons.choose_lines(book, where=where)  # refuses what is not there
    book.store_days()
    return day, book.key


def _check_against(month: str, against: str) -> None:
    if against != "previous" and check_month(against) >= month:
        raise ParamsError(f"{against} is not before {month}: give the earlier month first.")


def _run(job: plan.Job, timeout: float | None) -> None:
    workers = Workers(jobs=1, timeout=timeout)
    try:
        done = workers.finish(job)
    finally:
        workers.stop()
    if done.failure:
        raise ReportError(done.failure.text)


def _write(job: plan.Job, given: Params, name: str, *, words: str) -> Path:
    """The page and its tables, which appear complete or not at all."""
    from ltvkit.report.pages import notebook_page

    found = results.load(job.folder)
    notebook = json.loads((job.folder / "notebook.ipynb").read_text("utf-8"))
    notebook["cells"] = _drop_lesson(notebook["cells"])
    target = paths.reports() / given.shop / FOLDER / name
    html = templates.render(
        "compare.html.j2",
        title=_title(given),
        words=words,
        findings=found.findings[:1],
        tables=found.tables,
        body=notebook_page.render_cells(notebook),
    )
    if not target.resolve().is_relative_to(paths.reports().resolve()):
        raise ReportError(f"{target} leads out of {paths.reports()}, by a link: remove the link.")
    with files.replacing(target) as part:
        part.mkdir(parents=True)
        files.write(part / "index.html", html)
        files.write_json(part / "comparison.json", {"name": name, "words": words})
        if (job.folder / "tables").is_dir():
            shutil.copytree(job.folder / "tables", part / "tables")
    return target / "index.html"


def _drop_lesson(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cells from the first step on: the tree of the comparison stands in front."""
    first = (n for n, cell in enumerate(cells) if notebooks.read_source(cell).startswith("## 1. "))
    return cells[next(first, 0) :]


def _title(given: Params) -> str:
    return given.values.get("title") or given.shop


def _name(month: str, against: str, where: Mapping[str, str], other: Params | None) -> str:
    """The folder of a comparison, as 2024-08_2024-09 or cdnow_2024-09_channel-search."""
    parts = [other.shop if other else against, month]
    parts += [f"{column}-{value}" for column, value in where.items()]
    slug = re.sub(r"[^\w.-]+", "-", "_".join(parts))[:100]
    return (
        slug
        if where == {} or slug == "_".join(parts)
        else f"{slug}-{notebooks.digest(dict(where))[:6]}"
    )


def _describe(month: str, against: str, where: Mapping[str, str], other: Params | None) -> str:
    """What is compared, in words."""
    now = formats.month(month)
    then = _title(other) if other else formats.month(against) if "-" in against else against
    only = [f"{column} = {value}" for column, value in where.items()]
    return joining.items([_("{now} against {then}").format(now=now, then=then), *only])

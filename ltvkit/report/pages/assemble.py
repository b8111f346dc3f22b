"""Fill a report's folder from its finished runs.

All files but manifest.json depend on the orders, the params and the code alone; timestamps and
machine details go only into manifest.json.
"""

import datetime as dt
import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ltvkit import periods
from ltvkit.config.notebooks import digest
from ltvkit.config.params import Params
from ltvkit.core import checksums, files, git, paths, pseudonyms, redaction, run_state
from ltvkit.core.code_digest import has_changed, hash_code
from ltvkit.core.i18n import _
from ltvkit.display import formats, joining
from ltvkit.errors import ReportError
from ltvkit.ingest.records import Records
from ltvkit.quality import summary as data
from ltvkit.report import plan, results
from ltvkit.report.pages import (
    front_page,
    glossary,
    labelled_workbook,
    summaries,
    templates,
    workbook,
)
from ltvkit.report.pages.tasks import list_tasks
from ltvkit.report.publishing import publish
from ltvkit.report.runner.workers import Done

NOTEBOOK = "notebook.ipynb"


@dataclass(frozen=True)
class Report:
    """One shop and month: its inputs and its notebooks.

    `asked`: the open questions of its params file, in a sentence. `months`: lines and revenue of
    each month. `restated`: earlier months that have changed since the last report; no page may show
    them. `records`: the inputs beside the orders; `not_recorded`: those that a notebook waits for.
    """

    params: Params
    month: str
    as_of: dt.date
    facts: Mapping[str, Any]
    jobs: Sequence[plan.Job]
    left_out: Sequence[str]
    register: Mapping[str, str]
    asked: str = ""
    months: Mapping[str, Sequence[float]] = field(default_factory=dict)
    restated: Sequence[str] = ()
    preview: bool = False
    records: Mapping[str, Records] = field(default_factory=dict)
    not_recorded: Sequence[str] = ()

    @property
    def named(self) -> dict[str, str]:
        """The shop, month and last day of the report."""
        return {"shop": self.params.shop, "month": self.month, "as_of": str(self.as_of)}

    @property
    def inputs(self) -> str:
        """One digest of all inputs of the report."""
        runs = [(job.notebook.nav, job.folder.name) for job in self.jobs]
        made_by = hash_code(), plan.list_versions()
        beside = {name: read.key for name, read in self.records.items()}
        known = self.named, self.params.values, self.asked, runs, self.left_out, made_by, beside
        return digest(*known)

    @property
    def title(self) -> str:
        return self.params.values.get("title") or self.params.shop


def assemble(report: Report, done: Sequence[Done], folder: Path, *, started: dt.datetime) -> None:
    """Fill the empty `folder` with the report; `done` are its finished runs, in any order."""
    from ltvkit.report.pages import charts, notebook_page

    _check_inputs(report, done)
    done = sorted(done, key=lambda d: d.job.notebook.page)
    found = [results.load(d.job.folder) for d in done]
    tables = _collect_tables(found)
    front = _build_context(report, found, tables)
    notebooks = {
        run.job.notebook.page: json.loads((run.job.folder / NOTEBOOK).read_text("utf-8"))
        for run in done
    }
    for run, shown in zip(done, front["pages"], strict=True):
        _copy_run(run.job, folder)
        notebook = notebooks[run.job.notebook.page]
        linker = glossary.Linker()
        body = linker.link(notebook_page.render_cells(notebook))
        html = templates.render("page.html.j2", **front, **shown, linker=linker, body=body)
        files.write(folder / f"{run.job.notebook.page}.html", html)
    shown = {
        "linker": front_page.make_linker(front["kpis"]),
        "charts": charts.find_charts(notebooks),
    }
    files.write(folder / "index.html", templates.render("index.html.j2", **front, **shown))
    terms = templates.render("glossary.html.j2", **front, glossary=glossary.list_terms())
    files.write(folder / glossary.FILE, terms)
    summaries.write(front, folder)
    workbook.write(tables, folder / "tables.xlsx")
    _write_labelled(report, front, tables, folder)
    metrics = {r.page: {n: _finite(x) for n, x in r.metrics.items()} for r in found}
    files.write_json(folder / "metrics.json", report.named | {"metrics": metrics})
    published = publish.hash_files(folder)
    _check_copies(done, published)
    _check_inputs(report, done)
    manifest = redaction.mask_deep(_build_manifest(report, done, started))
    manifest |= {"files": published}
    files.write_json(folder / publish.MANIFEST, manifest)


def _write_labelled(
    report: Report, front: Mapping[str, Any], tables: Mapping[str, Any], folder: Path
) -> None:
    labelled_workbook.write(
        tables,
        folder / "report.xlsx",
        title=joining.colon(report.title, front["month_name"]),
        pages={name: page["notebook"].nav for page in front["pages"] for name in page["tables"]},
        currency=report.params.values.get("currency", ""),
    )


def _check_inputs(report: Report, done: Sequence[Done]) -> None:
    """Raise `ReportError` where what the report is made of has changed meanwhile."""
    if changed := run_state.find_change():
        raise ReportError(changed)
    if plan.find_register(report.params) != report.register:
        raise ReportError(plan.describe_change(_("The hypotheses")))
    if has_changed():
        raise ReportError(plan.describe_change(_("The code of ltvkit")))
    for run in done:
        if fault := checksums.find_fault(run.job.folder):
            raise ReportError(run_state.describe_damage(run.job.folder, fault))


def _check_copies(done: Sequence[Done], published: Mapping[str, str]) -> None:
    """Raise `ReportError` where a file of a run is not the one that was copied."""
    for run in done:
        for name, sum_ in checksums.read(run.job.folder).items():
            copy = f"{run.job.notebook.page}.ipynb" if name == NOTEBOOK else name
            if published.get(copy, sum_) != sum_:
                fault = f"{name} is damaged"
                raise ReportError(run_state.describe_damage(run.job.folder, fault))


def _build_context(
    report: Report, found: Sequence[results.Result], tables: Mapping[str, Any]
) -> dict[str, Any]:
    """The values that the templates show."""
    by_month, quality = tables.get("kpis_month"), tables.get("data_quality")
    this = periods.index_of(f"{report.month}-01", "month")
    currency = report.params.values.get("currency", "")
    headline = front_page.find_headline(found) or front_page.describe_first_month(
        by_month, report.month, currency=currency
    )
    measures = front_page.list_measures(tables.get("hypotheses"), report.month, as_of=report.as_of)
    said = front_page.list_findings(found, headline=headline)
    return report.named | {
        "title": report.title,
        "month_name": formats.month(report.month),
        "beside": [_name_month(this + step) for step in (-1, 1)],
        "last_month": formats.month(periods.label(this - 1, "month"), short=True),
        "last_year": formats.month(periods.label(this - 12, "month"), short=True),
        "last_day": formats.day(report.as_of),
        "kpis": front_page.list_kpis(
            by_month, report.month, currency=currency, owners=tables.get("drivers_owners")
        ),
        "partial": front_page.is_partial(by_month, report.month, as_of=report.as_of),
        "amounts": redaction.mask_figures(data.describe_amounts(report.facts)),
        "orders": front_page.describe_order_ids(tables.get("data_checks"), report.facts),
        "quality": front_page.show_quality(quality, currency=currency),
        "records": front_page.show_records(report.records, [n for r in found for n in r.lists]),
        "invitations": front_page.list_invitations(report.not_recorded),
        "checks": [
            *front_page.list_warnings(tables.get("data_checks")),
            *filter(None, [report.asked]),
        ],
        "data": front_page.describe_data(quality, tables.get("data_checks")),
        "headline": headline,
        "tasks": _list_tasks(found, tables, currency=currency),
        "measures": redaction.mask_figures(measures) if headline else "",
        "pages": [
            vars(result) | {"notebook": job.notebook, "findings": new}
            for job, result, new in zip(report.jobs, found, said, strict=True)
        ],
        "left_out": report.left_out,
        "preview": report.preview,
    }


def _name_month(index: int) -> dict[str, str]:
    """The month before or after, to which a page leads by way of reports/index.html: whether there
    is a report of it depends on the day, and a page does not."""
    month = periods.label(index, "month")
    return {"month": month, "name": formats.month(month), "short": formats.month(month, short=True)}


def _list_tasks(
    found: Sequence[results.Result], tables: Mapping[str, Any], *, currency: str
) -> list[dict[str, str]]:
    """The tasks of the month, each with the page that says why, and its list where it was saved."""
    page_of = {name: result.page for result in found for name in result.tables}
    lists = {name for result in found for name in result.lists if name not in result.elsewhere}
    return [
        task._asdict()
        | {
            "text": redaction.mask_figures(task.text),
            "owner": redaction.mask_figures(task.owner),
            "page": page_of[task.table],
            "list": task.list if task.list in lists else "",
        }
        for task in list_tasks(tables, currency=currency)
    ]


def _collect_tables(found: Sequence[results.Result]) -> dict[str, Any]:
    """All tables by name; raises `ReportError` if two notebooks save the same name."""
    owner: dict[str, str] = {}
    for result in found:
        for name in (*result.tables, *(f"lists/{n}" for n in result.lists)):
            if name in owner:
                text = _("{a} and {b} both save '{name}'; rename one of them.")
                raise ReportError(text.format(a=owner[name], b=result.page, name=name))
            owner[name] = result.page
    return {name: table for result in found for name, table in result.tables.items()}


def _copy_run(job: plan.Job, folder: Path) -> None:
    """Copy, not link: editing a published file must not change the cached run."""
    shutil.copyfile(job.folder / NOTEBOOK, folder / f"{job.notebook.page}.ipynb")
    for part in ("tables", "lists"):
        if (job.folder / part).is_dir():
            shutil.copytree(job.folder / part, folder / part, dirs_exist_ok=True)


def _build_manifest(report: Report, done: Sequence[Done], started: dt.datetime) -> dict[str, Any]:
    finished = dt.datetime.now(dt.UTC)
    facts = dict(report.facts)
    return report.named | {
        "status": "preview" if report.preview else "complete",
        "title": report.title,
        "inputs": [
            {"source": facts.pop("source", None), "sha256": facts.pop("sha256", None)},
            *filter(None, [report.register]),
            *(_name_input(table, read) for table, read in report.records.items()),
        ],
        "orders": facts,
        "records": {
            table: dict(read.facts) | {"reconciliation": read.quality.to_dict("records")}
            for table, read in report.records.items()
        },
        "months": dict(report.months),
        "restated": list(report.restated),
        "parameters": dict(report.params.values) | {"month": report.month},
        "notebooks": [
            {
                "page": d.job.notebook.page,
                "title": d.job.notebook.title,
                "reused": d.reused,
                "seconds": d.seconds,
                "run": d.job.folder.name,
            }
            for d in done
        ],
        "left_out": list(report.left_out),
        "customer_lists": "pseudonymised" if pseudonyms.key() else "customer ids as they are",
        "packages": plan.list_versions(),
        "git_commit": _find_commit(),
        "inputs_key": report.inputs,
        "started": started.isoformat(timespec="seconds"),
        "seconds": round((finished - started).total_seconds(), 2),
    }


def _name_input(table: str, read: Records) -> dict[str, Any]:
    """A table of records as one of the inputs of a report."""
    named = ("source", "sha256", "lines_read", "kept", "first", "last")
    return {"input": table} | {name: read.facts.get(name) for name in named}


def _find_commit() -> str | None:
    """The git commit of the project, marked if files have changed; None outside git."""
    try:
        found = git.run(
            paths.root(), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"
        )
    except git.GitError:
        return None
    return found.decode().strip() or None


def _finite(x: float) -> float | None:
    return x if math.isfinite(x) else None

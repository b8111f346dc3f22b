"""A small project with quick notebooks, for the tests of the machinery around the notebooks."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from unittest import mock

import nbformat
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from stub_workers import warm

from ltvkit.cli.main import main

HOME = Path(__file__).resolve().parents[1]

PARAMETERS = """\
shop: str = "stub"  # the shop's folder name
title: str = "Stub"  # the shop's name on pages
currency: str = "USD"  # the currency of all amounts
source: str = "orders.csv"  # the order file
columns: dict = {}  # canonical name -> header
policies: dict = {}  # decisions that change a number
month: str = "last"  # the month to report on
top: int = 5  # how many to list
out: str = ""  # where the report wants the results"""

# Written without the kit, so that a kernel is through in a moment.
SAVE = """\
import json, pathlib
folder = pathlib.Path(out or "nowhere")
(folder / "tables").mkdir(parents=True, exist_ok=True)
for name, text in tables.items():
    (folder / "tables" / (name + ".csv")).write_text(text, "utf-8-sig")
result = {"page": page, "findings": findings, "metrics": {"top": float(top)}}
result |= {"tables": list(tables), "lists": []}
(folder / "result.json").write_text(json.dumps(result), "utf-8")"""

ORDERS = "customer_id,order_id,order_date,amount\n" + "".join(
    f"C{n % 7:03d},O{n:03d},1998-{1 + n % 6:02d}-{28 - n % 9:02d},{10 + n}.50\n" for n in range(60)
)
KPIS = """\
period,start,end,partial,revenue,orders,customers,new_customers,repeat_rate,average_order_value,\
revenue_per_customer,revenue_vs_previous,repeat_rate_vs_previous,revenue_vs_last_year
1998-05,1998-05-01,1998-05-31,False,900,9,8,1,0.5,100,112.5,,,
1998-06,1998-06-01,1998-06-30,True,1234.5,11,9,2,0.25,112.2,137.2,0.052,-0.012,
"""


def write_notebook(
    root: Path,
    page: str,
    *cells: str | dict,
    tables: dict[str, str] | None = None,
    findings: tuple[str, ...] = ("All is well.",),
    parameters: str = PARAMETERS,
    saves: bool = True,
) -> Path:
    """A notebook that runs `cells` (code, or whole cells) and then hands over its results."""
    last = f"page, tables, findings = {page!r}, {tables or {}!r}, {list(findings)!r}\n{SAVE}"
    content = new_notebook(
        cells=[
            new_markdown_cell(f"# What does {page} say?"),
            new_code_cell(parameters, metadata={"tags": ["parameters"]}),
            *[new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells],
            *[new_code_cell(last)] * saves,
        ],
        metadata={
            "kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"},
            "language_info": {"name": "python"},
            "ltvkit": {"nav": page.partition("_")[2].upper()},
        },
    )
    for number, cell in enumerate(content.cells):
        cell["id"] = f"cell-{number}"
    path = root / "notebooks" / f"{page}.ipynb"
    nbformat.write(content, path)
    return path


def write_params(root: Path, shop: str = "stub", **keys: object) -> Path:
    """A params file of `shop`, with further `keys` as YAML text."""
    lines = {"shop": shop, "title": f"Stub {shop}", "source": "orders.csv", **keys}
    path = root / "params" / f"{shop}.yaml"
    path.write_text("".join(f"{key}: {value}\n" for key, value in lines.items()), "utf-8")
    return path


def make(root: Path) -> Path:
    """A project in `root`: orders, params, and two notebooks that finish."""
    for folder in ("notebooks", "params"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "orders.csv").write_text(ORDERS, "utf-8")
    write_params(root)
    write_notebook(root, "00_overview", tables={"kpis_month": KPIS}, findings=("Up <b>5%</b> & *",))
    write_notebook(root, "01_rfm", tables={"rfm_segments": "segment,customers\n=1+1,3\n"})
    return root


def environment(root: Path, **more: str) -> dict[str, str]:
    """What a run in `root` needs to know; `more` comes on top."""
    known = {"LTVKIT_ROOT": str(root), "LTVKIT_REPORTS": str(root / "reports")}
    path = os.pathsep.join(filter(None, [str(HOME), os.environ.get("PYTHONPATH", "")]))
    return os.environ | known | {"PYTHONPATH": path} | more


def enter(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in `root`, in which this process is at home for the rest of the test."""
    make(root)
    for name, value in environment(root).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(root)
    return root


def start(root: Path, *arguments: str, **more: str) -> subprocess.Popen:
    """`python -m ltvkit report`, under way."""
    command = [sys.executable, "-m", "ltvkit", "report", *arguments]
    return subprocess.Popen(
        command,
        cwd=root,
        env=environment(root, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def report(
    root: Path, *arguments: str, new: bool = False, **more: str
) -> subprocess.CompletedProcess:
    """`python -m ltvkit report` to its end; `arguments` default to the stub's June.

    The command runs in this process, and its workers and kernels are forked (`stub_workers`), which
    saves seconds of imports. With `new`, each is a new process. `start` has one for the command as
    well.
    """
    arguments = arguments or ("params/stub.yaml", "--month", "1998-06")
    with nullcontext() if new else warm():
        return run(root, "report", *arguments, **more)


def run(root: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess:
    """Any command of the kit to its end, in this process."""
    with mock.patch.dict(os.environ, environment(root, **more)), contextlib.chdir(root):
        done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def files(folder: Path) -> dict[str, bytes]:
    """Every file below `folder`, by its path, with its content."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}

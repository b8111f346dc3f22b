"""The report of fifteen odd shops, page by page: no figure, share or sentence that cannot be.

`python tests/benchmarks/bench_odd_shops.py [SHOP ...] [--out FOLDER]`. The pages stay in FOLDER, to
be read as their shop's manager would.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import yaml
from bs4 import BeautifulSoup

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from stub_odd_shops import SHOPS, describe, try_a_mail
from stub_pages import NOTEBOOKS, find_faults, find_metric_faults, find_table_faults


def build(name: str, root: Path) -> tuple[Path | None, str]:
    """The folder of a shop's report, None where there is none, and what the run said."""
    given = describe(name, root)
    if mail := try_a_mail(SHOPS[name]()):
        register = root / "params" / "hypotheses" / given["shop"]
        register.mkdir(parents=True, exist_ok=True)
        (register / "mail.yaml").write_text(yaml.safe_dump(mail, sort_keys=False), "utf-8")
    params = root / "params" / f"{given['shop']}.yaml"
    params.write_text(yaml.safe_dump(given, sort_keys=False), "utf-8")
    command = [sys.executable, "-m", "ltvkit", "report", str(params), "--out", str(root / "out")]
    run = subprocess.run(
        [*command, "--jobs", "1"],
        env={**os.environ, "LTVKIT_ROOT": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    pages = sorted((root / "out" / given["shop"]).glob("*/index.html"))
    return (pages[0].parent if pages and not run.returncode else None), run.stderr


def read(page: Path) -> tuple[list[str], list[str]]:
    """The lines of text of a page, without its code, and the texts of its charts."""
    soup = BeautifulSoup(page.read_text("utf-8"), "html.parser")
    charts = [str(image.get("alt")) for image in soup("img")]
    for part in soup.select("style, script, math, details.code"):
        part.extract()
    return [line.strip() for line in soup.get_text("\n").splitlines() if line.strip()], charts


def check(name: str, report: Path) -> Iterator[tuple[str, str]]:
    """The faults of a report: the page, and what is wrong."""
    orders = pd.read_csv(report.parents[2] / f"{name}.csv")
    sales = orders["amount"].clip(lower=0).sum()
    for page in sorted(report.glob("*.html")):
        texts, charts = read(page)
        yield from ((page.stem, fault) for fault in find_faults(texts))
        if twice := [text for text in set(charts) if charts.count(text) > 1]:
            yield page.stem, f"{charts.count(twice[0])} charts share the text {twice[0]!r}"
    for page, metrics in json.loads((report / "metrics.json").read_text("utf-8"))[
        "metrics"
    ].items():
        yield from ((page, fault) for fault in find_metric_faults(metrics))
    for file in sorted((report / "tables").glob("*.csv")):
        table = pd.read_csv(file, keep_default_na=False, na_values=[""])
        yield from (("tables", fault) for fault in find_table_faults(file.stem, table, sales=sales))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("shops", nargs="*", default=list(SHOPS))
    options.add_argument("--out", default="")
    asked = options.parse_args()
    root = Path(asked.out or tempfile.mkdtemp())
    (root / "params").mkdir(parents=True, exist_ok=True)
    shutil.copytree(NOTEBOOKS, root / "notebooks", dirs_exist_ok=True)
    faults = 0
    for name in asked.shops:
        began = time.perf_counter()
        report, said = build(name, root)
        found = (
            list(check(name, report)) if report else [("report", f"was not built: {said[-800:]}")]
        )
        print(f"{name}: {len(found)} faults, {time.perf_counter() - began:.0f} s", flush=True)
        for page, fault in found:
            print(f"  {page}: {fault}", flush=True)
        faults += len(found)
    assert not faults, f"{faults} faults in the pages under {root / 'out'}"


if __name__ == "__main__":
    main()

"""Bad data through the real commands: `check`, and a report that a check stops or warns of."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from stub_project import ORDERS, enter, files, report, write_params

from ltvkit.cli.main import main
from ltvkit.quality.checks import CHECKS

BROKEN = ORDERS + "C001,X1,1998-03-01,n/a\n" * 2 + "C001,X2,,5\n"
GUESTS = ORDERS + ",G1,1998-03-01,5\n" * 30


@pytest.fixture
def root(tmp_path, monkeypatch):
    return enter(tmp_path, monkeypatch)


def check(root, *arguments: str):
    return CliRunner().invoke(main, ["check", *(arguments or [str(root / "params/stub.yaml")])])


def test_good_orders_are_reconciled_and_pass(root):
    done = check(root)
    assert done.exit_code == 0
    assert "stub: orders to 31 May 1998" in done.output
    assert "60 of 60 lines are used (100.0%)." in done.output
    assert f"The data passed all {len(CHECKS)} checks." in done.output
    assert not list((root / "reports").glob("stub"))


def test_a_warning_is_told_and_a_stop_is_status_1(root):
    (root / "orders.csv").write_text(GUESTS, "utf-8")
    done = check(root)
    assert done.exit_code == 0
    assert "warn  guests" in done.output
    assert "33.3% of the lines (150.00) name no customer. They are" in done.output
    assert "…" not in done.output
    assert max(map(len, done.output.splitlines())) <= 100
    (root / "orders.csv").write_text(BROKEN, "utf-8")
    done = check(root)
    assert done.exit_code == 1
    assert "3 of 63 lines (4.8%) cannot be used" in done.output


def test_a_reader_who_has_seen_enough_ends_it_silently(root):
    command = [sys.executable, "-m", "ltvkit", "check", str(root / "params/stub.yaml")]
    done = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    done.stdout.close()
    assert (done.stderr.read(), done.wait()) == (b"", 1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"customer_id,order_id,order_date,amount\n", "has no lines of data"),
        (b"\xff\xfe\x00\xd8garbage", ""),
        (b"a;b\n1;2\n", "no column is mapped"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(root, content, words):
    (root / "orders.csv").write_bytes(content)
    done = check(root)
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr


@pytest.mark.parametrize(
    ("amount", "keys", "words"),
    [
        ("¥500", {"currency": "USD"}, "currency: 'USD', but the amounts are written with ¥."),
        ("500", {"columns": "{amount: ''}"}, "columns: amount: its header is not filled in yet."),
        ("500", {"columns": "{amount: total}"}, "'total' is not a header of orders.csv."),
    ],
)
def test_params_that_the_orders_contradict(root, amount, keys, words):
    (root / "orders.csv").write_text(f"{ORDERS}C1,O99,1998-03-01,{amount}\n", "utf-8")
    done = check(root, str(write_params(root, **keys)))
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert words in done.stderr


def test_the_worst_of_several_shops_is_the_status(root):
    other = write_params(root, "other", policies="{checks: {guest: off}}")
    done = check(root, str(other), str(root / "params/stub.yaml"))
    assert done.exit_code == 2
    assert "Did you mean 'guests'?" in done.stderr
    assert f"all {len(CHECKS)} checks" in done.output
    assert check(root, str(root / "params/stub.yaml"), "--month", "June").exit_code == 2


def test_a_report_is_stopped_before_any_kernel_and_the_last_one_stays(root):
    assert report(root).returncode == 0
    good = files(root / "reports/stub/1998-06")
    (root / "orders.csv").write_text(BROKEN, "utf-8")
    done = report(root)
    assert done.returncode == 1
    assert "FAILED stub 1998-06: the data did not pass these checks: unusable_" in done.stderr
    assert "finished in" not in done.stderr
    assert files(root / "reports/stub/1998-06") == good
    failed = root / "reports/stub/.failed/1998-06"
    lines = (failed / "quarantine.csv").read_text("utf-8-sig").splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == ["amount is unreadable"] * 2 + [
        "order_date is missing"
    ]
    assert "reports/stub/.failed/1998-06/quarantine.csv" in done.stderr
    assert "unusable_lines" in (root / "reports/index.html").read_text("utf-8")

    changed = ORDERS.replace("C001,O001,", "C009,O001,").replace(",11.50\n", ",12.50\n")
    (root / "orders.csv").write_text(changed + GUESTS.removeprefix(ORDERS), "utf-8")
    done = report(root)
    assert done.returncode == 0
    assert f"WARNING stub 1998-06: 2 of {len(CHECKS)} data checks need a look: data_" in done.stderr
    changed = "February 1998 now has 1.00 USD more revenue than in the report for June 1998."
    assert changed in done.stderr
    assert not failed.exists()
    manifest = json.loads((root / "reports/stub/1998-06/manifest.json").read_text("utf-8"))
    assert manifest["months"]["1998-02"][0] == 10
    assert manifest["restated"][0] in (root / "reports/index.html").read_text("utf-8")
    pages = [p for p in files(root / "reports/stub/1998-06") if p != "manifest.json"]
    assert not any("now has" in (root / "reports/stub/1998-06" / p).read_text("utf-8", "replace")
                   for p in pages)  # fmt: skip


def test_open_questions_are_reminded_of_on_the_terminal_and_on_the_first_page(root):
    file = root / "params" / "stub.yaml"
    decided = file.read_text("utf-8")
    file.write_text(f"# CHECK: Is it?\n{decided}", "utf-8")
    reminder = "1 question of stub.yaml is open: shop. Decide it, and remove its line marked CHECK."
    assert reminder in check(root).output
    assert f"WARNING stub 1998-05: {reminder}" in report(root, "params/stub.yaml").stderr
    page = root / "reports" / "stub" / "1998-05" / "index.html"
    assert reminder in page.read_text("utf-8")
    file.write_text(decided, "utf-8")
    assert "is open" not in check(root).output
    report(root, "params/stub.yaml")
    assert reminder not in page.read_text("utf-8")

"""Hypotheses from the command line: a file to fill in, a check, and what goes on record."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from stub_project import PARAMETERS, enter, write_notebook, write_params
from stub_register import registered, write

from ltvkit.cli.main import main
from ltvkit.hypotheses.registry import ledger

SHOP = "params/stub.yaml"
LATER = "Reports show it once their last day is today or later.\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The register of a project, which is not there yet."""
    return enter(tmp_path, monkeypatch) / "params" / "hypotheses" / "stub"


def call(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["hypothesis", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def test_from_a_new_file_to_a_decision(folder):
    status, said, _e = call("new", SHOP, "mail")
    assert (status, said) == (
        0,
        "Fill in params/hypotheses/stub/mail.yaml, then run:\n"
        "  python -m ltvkit hypothesis check params/stub.yaml mail\n",
    )
    status, _said, wrong = call("check", SHOP, "mail")
    assert status == 2
    assert wrong.startswith(
        "Error: params/hypotheses/stub/mail.yaml, line 11: title: found nothing"
    )

    write(folder)
    assert call("check", SHOP, "mail")[:2] == (
        0,
        "mail is fine. Register it with:\n"
        "  python -m ltvkit hypothesis register params/stub.yaml mail\n",
    )
    status, said, _e = call("register", SHOP, "mail", "--by", "Sato")
    day = ledger.read(folder)[0].day
    assert said == (f"mail is registered. The registration that counts: {day}, too late.\n")
    assert call("check", SHOP, "mail")[:2] == (
        0,
        "mail is fine. It was registered too late: not before its first day.\n",
    )
    status, said, _e = call(
        "decide", SHOP, "mail", "extend", "--reason", "Few", "--until", "2024-04-30", "--by", "Ito"
    )
    assert (status, said) == (0, "On record: mail, extend until 2024-04-30.\n" + LATER)
    assert (
        call("decide", SHOP, "mail", "drop", "--reason", "No")[1]
        == "On record: mail, drop.\n" + LATER
    )
    assert [(e.action, e.by) for e in ledger.read(folder)] == [
        ("register", "Sato"),
        ("decide", "Ito"),
        ("decide", ""),
    ]
    late = "mail: It was registered too late: not before its first day.\n"
    assert call("check", SHOP) == (0, "1 hypothesis and the ledger are fine.\n", late)


def test_the_list_is_aligned_and_shows_all(folder):
    write(folder, title="手拭い")
    write(folder, "other", end="2024-03-05", title="A " + "very " * 10 + "long title")
    registered(folder, "2024-02-20")
    write(folder, title="手拭い", cost="1")
    status, said, wrong = call("list", SHOP)
    assert (status, wrong) == (0, "")
    assert said.splitlines() == [
        f"Id     Title{' ' * 57}  Period                    Comparison    Registered"
        "                Decided",
        f"mail   手拭い{' ' * 56}  2024-03-01 to 2024-03-31  before_after  2024-02-20, edited since"
        "  no",
        f"other  A {'very ' * 10}long title  2024-03-01 to 2024-03-05  before_after  no"
        f"{' ' * 22}  no",
    ]


def test_what_is_wrong_is_listed_and_status_2(folder):
    write(folder)
    write(folder, "other", owner="")
    (folder / ledger.NAME).write_text("{}\n")
    status, said, wrong = call("check", SHOP)
    assert (status, wrong) == (2, "Error: 2 problems in params/hypotheses/stub.\n")
    assert said.splitlines() == [
        "other.yaml: line 4: owner: found nothing, expected who answers for it; "
        "as in `owner: A. Sato`.",
        "ledger.jsonl: line 1: has no action that is known; it is not used. Restore it from git.",
    ]
    status, said, wrong = call("list", SHOP)
    assert (status, "mail" in said, "other" in said) == (0, True, False)
    assert wrong == (
        "2 problems in the register. See: python -m ltvkit hypothesis check params/stub.yaml\n"
    )


def test_nothing_there_yet(folder):
    assert call("list", SHOP)[1] == (
        "There is none yet. Write one with:\n"
        "  python -m ltvkit hypothesis new params/stub.yaml ID\n"
    )
    assert call("check", SHOP)[1] == "0 hypotheses and the ledger are fine.\n"
    assert not folder.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "params/stab.yaml"), "Did you mean 'params/stub.yaml'?"),
        (("check", SHOP, "mial"), "Did you mean 'mail.yaml'?"),
        (("new", SHOP, "Mail"), "expected small letters"),
        (("new", SHOP, "mail"), "is there already"),
        (("register", SHOP), "Missing argument 'ID'"),
        (("register", SHOP, "post"), "post.yaml: cannot be read"),
        (("decide", SHOP, "mail", "adopt"), "Missing option '--reason'"),
        (("decide", SHOP, "mail", "adopt", "--reason", ""), "mail is not registered"),
        (("decide", SHOP, "mail", "adapt", "--reason", "x"), "Did you mean 'adopt'?"),
        (("decide", SHOP, "mail", "extend", "--reason", "x", "--until", "May"), "'May' does not"),
    ],
)
def test_wrong_input_is_one_message_and_status_2(folder, arguments, words):
    write(folder)
    status, said, wrong = call(*arguments)
    assert (status, said) == (2, "")
    assert words in wrong
    assert [p.name for p in folder.iterdir()] == ["mail.yaml"]


def test_a_folder_that_cannot_be_written_is_one_message(folder):
    write(folder)
    (folder / ".ledger.lock").mkdir()
    status, _said, wrong = call("register", SHOP, "mail")
    assert status == 2
    assert wrong.startswith("Error: ")


def test_help_is_for_newcomers():
    said = call("--help")[1]
    for word in ("params/shop.yaml", "new", "check", "list", "register", "decide"):
        assert word in said
    assert "adopt|drop|extend" in call("decide", "--help")[1]


def test_the_params_may_name_another_folder(folder):
    text = PARAMETERS + '\nregister: str = ""  # the folder of the hypotheses'
    root = folder.parents[2]
    write_notebook(root, "02_hypotheses", parameters=text)
    write_params(root, register="ours/tried")
    write(root / "ours" / "tried")
    assert call("check", SHOP)[1] == "1 hypothesis and the ledger are fine.\n"


RANDOM = {
    "comparison": "randomized",
    "assignment": "lists/mail.csv",
    "target": "{decile: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}",
    "selected": "1998-03-31",
    "start": "1998-04-01",
    "end": "1998-04-30",
}


def test_drawing_comes_before_checking(folder):
    """What is to be drawn can be planned and drawn; until then, the check says how."""
    write(folder, **RANDOM)
    status, _said, wrong = call("check", SHOP, "mail")
    assert status == 2
    assert "hypothesis assign" in wrong
    status, said, wrong = call("assign", SHOP, "mail", "--seed", "3")
    assert (status, wrong) == (0, "")
    assert said == (
        "Drawn with seed 3: params/hypotheses/stub/lists/mail.csv. "
        "Treat only the group 'treated'.\n"
    )
    listed = (folder / "lists" / "mail.csv").read_text().splitlines()
    assert listed[0] == "customer_id,group,segment,seed"
    assert len(listed) == 1 + 7
    assert call("check", SHOP, "mail")[0] == 0
    status, _said, wrong = call("assign", SHOP, "mail")
    assert status == 2
    assert "is there already" in wrong


def test_a_plan_says_what_can_be_seen_or_that_nothing_can(folder):
    write(folder, **RANDOM)
    status, said, _e = call("plan", SHOP, "mail")
    assert status == 0
    assert said.startswith("What this can show is not known: the orders do not reach back")
    assert "Weeks" in said

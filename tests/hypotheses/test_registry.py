"""A register says of each file what is wrong with it, and reads the others."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import MISSING, fields

import pandas as pd
import pytest
import stub_register as stub
import yaml
from stub_register import at, registered, write, write_list

from ltvkit.core import paths
from ltvkit.errors import ParamsError
from ltvkit.hypotheses.hypothesis import Decision, Hypothesis, Record, Target
from ltvkit.hypotheses.registry import schema, store
from ltvkit.hypotheses.registry.fields import DEFAULTS, FIELDS, render_template

DRAWN = {"header": "customer_id,group"}


def problem(folder) -> str:
    """The one problem of a register."""
    [[_file, said]] = store.load(folder).problems.to_numpy().tolist()
    return said


def test_a_file_becomes_a_hypothesis(tmp_path):
    path = write(tmp_path, guardrails="[average_order_value]", cost="1200", notes="sent")
    assert schema.read(path) == Hypothesis(
        id="mail",
        title="Win-back mail",
        hypothesis="A mail brings quiet customers back.",
        owner="A. Sato",
        department="CRM",
        measure="One mail",
        target=Target("segment", ("at risk", "can't lose")),
        selected=dt.date(2024, 2, 29),
        start=dt.date(2024, 3, 1),
        end=dt.date(2024, 3, 31),
        metric="retention_rate",
        comparison="before_after",
        smallest_effect=0.03,
        guardrails=("average_order_value",),
        cost=1200.0,
        notes="sent",
    )


def test_the_table_of_fields_is_that_of_the_dataclass():
    known = {f.name: f for f in fields(Hypothesis)}
    assert set(FIELDS) - {"assignment"} == set(known) - {"assigned", "record"}
    assert set(FIELDS) - set(DEFAULTS) == {n for n, f in known.items() if f.default is MISSING}


@pytest.mark.parametrize(
    ("target", "read"),
    [
        ("{decile: [9, 10]}", ("decile", ("9", "10"))),
        ("{abc_class: none}", ("abc_class", ("none",))),
        ("{cohort: 2024-03}", ("cohort", ("2024-03",))),
        ("{cohort: [2024, 2024-Q1, 2024-W09]}", ("cohort", ("2024", "2024-Q1", "2024-W09"))),
        ("{channel: search}", ("channel", ("search",))),
        ("{channel: [7, 7]}", ("channel", ("7",))),
    ],
)
def test_targets(tmp_path, target, read):
    assert schema.read(write(tmp_path, target=target)).target == read


BAD = [
    ("title", None, ["title: found nothing, expected a name for tables", "`title: Win-back mail`"]),
    ("title", "", ["line 2: title: found nothing, expected a name for tables"]),
    ("title", "12", ["line 2: title: found 12, expected text; put it in quotes"]),
    ("owner", "no", ["line 4: owner: found no, expected text; put it in quotes"]),
    ("id", "post", ["line 1: id: found post, expected the name of the file; call it post.yaml"]),
    ("id", "My Mail", ["line 1: id: found My Mail, expected small letters, digits, - and _"]),
    ("start", "2024-02-30", ["line 9: start: found 2024-02-30, expected a date, as in 2024-03-01"]),
    ("start", "March", ["found March, expected a date"]),
    ("start", "20240301", ["found 20240301, expected a date"]),
    ("selected", "2024-03-01", ["line 8: selected", "a day before the start, 2024-03-01"]),
    ("end", "2024-02-29", ["line 10: end", "expected the start, 2024-03-01, or a later day"]),
    ("metric", "retention", ["line 11: metric: found retention", "Did you mean 'retention_rate'?"]),
    ("metric", "[a]", ["line 11: metric: found a list, expected one of revenue_per_customer"]),
    ("comparison", "random", ["line 12", "randomized", "Did you mean 'randomized'?"]),
    ("comparison", "control_segment", ["control: found nothing, expected whom to compare with"]),
    (
        "comparison",
        "randomized",
        ["assignment: found lists/mail.csv, expected a file that is there", "hypothesis assign"],
    ),
    ("smallest_effect", "0", ["line 13: smallest_effect: found 0, expected a number above 0"]),
    ("smallest_effect", "3", ["found 3, expected a share, as in 0.03"]),
    ("smallest_effect", ".nan", ["found .nan, expected a number above 0"]),
    ("smallest_effect", "many", ["found many, expected a number above 0"]),
    ("treated_share", "1", ["line 14: treated_share: found 1, expected a share between 0 and 1"]),
    ("tolerance", "5", ["tolerance: found 5, expected a share"]),
    ("cost", "-1", ["cost: found -1, expected an amount of 0 or more"]),
    ("cost", "true", ["cost: found true"]),
    ("decision_rule", "superior", ["Did you mean 'superiority'?"]),
    ("guardrails", "average_order_value", ["guardrails: found", "a list, as in [retention_rate]"]),
    (
        "guardrails",
        "[average_order]",
        ["found average_order,", "Did you mean 'average_order_value"],
    ),
    ("guardrails", "[retention_rate]", ["found retention_rate, expected other metrics"]),
    ("guardrails", "[{}]", ["guardrails: found {}"]),
    ("control", "{segment: lost}", ["control", "nothing with comparison: before_after; remove it"]),
    ("assignment", "lists/x.csv", ["assignment", "remove it, or say randomized"]),
    ("target", "at risk", ["line 7: target: found at risk, expected one rule and its values"]),
    ("target", "{segment: lost, decile: 1}", ["found a mapping, expected one rule"]),
    ("target", "{segement: lost}", ["found segement", "Did you mean 'segment'?"]),
    ("target", "{segment: at rsk}", ["found at rsk", "Did you mean 'at risk'?"]),
    ("target", "{segment: []}", ["found an empty list, expected a segment or several"]),
    ("target", "{segment: }", ["found nothing, expected text after segment"]),
    ("target", "{decile: [0, 10]}", ["found 0, expected decile of 1, 2"]),
    ("target", "{abc_class: a}", ["found a, expected abc_class of A, B, C, none"]),
    ("target", "{cohort: 2024-13}", ["found 2024-13, expected a cohort as in 2024-03"]),
    ("target", "{cohort: 2023-W53}", ["found 2023-W53, expected a cohort"]),
    ("target", "{channel: no}", ["found False, expected text after channel; put it in quotes"]),
    ("target", "{customers: [lists/x.csv, lists/y.csv]}", ["found several, expected one file"]),
    ("target", "{customers: lists/y.csv}", ["line 7: target: found lists/y.csv, expected a file"]),
    ("target", "{customers: /etc/passwd}", ["found /etc/passwd", "copy it to", "lists"]),
    ("target", "{customers: ../x.csv}", ["found ../x.csv, expected a file as in lists/name.csv"]),
    ("target", "{customers: lists/../../x.csv}", ["copy it to"]),
    ("target", "{customers: x.csv}", ["copy it to"]),
    ("tarket", "{decile: 1}", ["line 14: tarket: found this key", "Did you mean 'target'?"]),
    ("title", "[1", ["line", "cannot be read as YAML"]),
    ("title", "'a'\ntitle: b", ["the key 'title' appears twice"]),
]


@pytest.mark.parametrize(("field", "text", "words"), BAD, ids=[f"{f}-{t}" for f, t, _w in BAD])
def test_a_bad_field_is_named_and_the_other_files_load(tmp_path, field, text, words):
    path, _other = write(tmp_path, **{field: text}), write(tmp_path, "other")
    with pytest.raises(ParamsError) as caught:
        schema.read(path)
    assert str(caught.value).startswith(str(path))
    found = store.load(tmp_path)
    assert [h.id for h in found.hypotheses] == ["other"]
    [[file, said]] = found.problems.to_numpy().tolist()
    assert file == "mail.yaml"
    assert str(path) not in said
    for word in words:
        assert word in said


LISTS = [
    (["C1", "C1"], {}, "found the customer of line 2 again in lists/x.csv, line 3"),
    (["C1,", ",", "", ",C2"], {"header": "customer_id,name"}, "no customer_id in lists/x.csv, l"),
    ([], {}, "found nobody in lists/x.csv, expected at least one customer"),
    (
        ["C1"],
        {"header": "customer"},
        "found no column customer_id in lists/x.csv, expected customer_id in its first",
    ),
    (["C1;2"], {"header": "customer_id;n"}, "no column customer_id in lists/x.csv"),
    (["C1,2"], {}, "found 2 values in lists/x.csv, line 2, expected 1, one for each column"),
    (['"C1'], {}, "expected a CSV file that can be read"),
]


@pytest.mark.parametrize(("rows", "more", "words"), LISTS)
def test_a_bad_list_is_named_with_its_line(tmp_path, rows, more, words):
    name = write_list(tmp_path, *rows, **more)
    write(tmp_path, target=f"{{customers: {name}}}")
    said = problem(tmp_path)
    assert said.startswith("line 7: target: found ")
    assert words in said


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            ["C1,treated", "C2,contrl"],
            "found another group in lists/x.csv, line 3, expected treated or control. Did you",
        ),
        (["C1,treated"], "found no control in lists/x.csv, expected both groups"),
    ],
)
def test_a_bad_assignment_is_named(tmp_path, rows, words):
    name = write_list(tmp_path, *rows, **DRAWN)
    write(tmp_path, comparison="randomized", assignment=name)
    assert words in problem(tmp_path)


def test_lists_keep_ids_as_they_are(tmp_path):
    name = write_list(tmp_path, "00012", " NA ", '"a,b"')
    path = tmp_path / name
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    write(tmp_path, target=f"{{customers: {name}}}")
    [read] = store.load(tmp_path).hypotheses
    assert read.target == Target("customers", ("00012", "NA", "a,b"))


def test_an_assignment_with_and_without_segments(tmp_path):
    plain = write_list(tmp_path, "01,treated", "2,control", **DRAWN)
    more = write_list(
        tmp_path, "2,lost,control,7", "01,new,treated,7",
        header="customer_id,segment,group,seed", name="y.csv",
    )  # fmt: skip
    columns = ["customer_id", "group", "segment"]
    for name, rows in {
        plain: [("01", "treated", ""), ("2", "control", "")],
        more: [("2", "control", "lost"), ("01", "treated", "new")],
    }.items():
        read = schema.read(write(tmp_path, comparison="randomized", assignment=name))
        pd.testing.assert_frame_equal(read.assigned, pd.DataFrame(rows, columns=columns))


def test_a_list_outside_of_the_folder_is_refused_through_a_link_too(tmp_path):
    write_list(tmp_path / "away", "C1")
    (tmp_path / "in" / "lists").mkdir(parents=True)
    (tmp_path / "in" / "lists" / "x.csv").symlink_to(tmp_path / "away" / "lists" / "x.csv")
    write(tmp_path / "in", target="{customers: lists/x.csv}")
    assert "copy it to" in problem(tmp_path / "in")


@pytest.mark.parametrize(
    ("control", "words"),
    [
        (
            "{segment: [lost, at risk]}",
            "control: found at risk, expected none who are in the target",
        ),
        ("{segment: los}", "line 14: control: found los, expected segment of"),
    ],
)
def test_a_control_is_none_of_the_treated(tmp_path, control, words):
    write(tmp_path, comparison="control_segment", control=control)
    assert words in problem(tmp_path)


def test_a_control_of_listed_customers_is_checked_without_naming_them(tmp_path):
    target = write_list(tmp_path, "C1", "C2")
    control = write_list(tmp_path, "C2", "C3", name="y.csv")
    write(
        tmp_path,
        target=f"{{customers: {target}}}",
        comparison="control_segment",
        control=f"{{customers: {control}}}",
    )
    said = "line 14: control: found 1 of its customers, expected none who are in the target."
    assert problem(tmp_path) == said


def test_a_control_may_go_by_another_rule(tmp_path):
    path = write(tmp_path, comparison="control_segment", control="{decile: 3}")
    assert schema.read(path).control == Target("decile", ("3",))


SECRET = "Taro-Yamada"  # an id of a customer


@pytest.mark.parametrize(
    "fields",
    [
        {"target": f"{{customers: {SECRET}}}"},
        {"target": f"{{customers: {SECRET}@example.jp}}"},
        {"target": f"{{customers: 2024/{SECRET}}}"},
        {"target": f"{{customers: [{SECRET}, C2]}}"},
        {"target": f"{{customers: [[{SECRET}]]}}"},
        {"target": f"{{customers: {{{SECRET}: treated}}}}"},
        {"comparison": "control_segment", "control": f"{{customers: {SECRET}.2}}"},
        {"comparison": "randomized", "assignment": f"{SECRET}@example.jp"},
        {"comparison": "randomized", "assignment": f"[{SECRET}]"},
        {"target": SECRET},
        {"target": f"{{{SECRET}: treated}}"},
        {"target": f"{{customers: *{SECRET}}}"},
        {"target": f"{{customers: {{{SECRET}: 1, {SECRET}: 2}}}}"},
        {"target": f"{{customers: {{a {SECRET}: 1, a {SECRET}: 2}}}}"},
        {"target": f"{{segment: {SECRET}}}"},
        {"target": f"{{decile: [1, {SECRET}]}}"},
        {"target": f"{{cohort: {SECRET}}}"},
        {"target": f"{{segment: new}}\n{SECRET}: treated"},
    ],
)
def test_an_id_where_a_list_is_meant_is_not_repeated(tmp_path, fields):
    write(tmp_path, **fields)
    said = problem(tmp_path)
    assert SECRET not in said
    assert "line " in said


@pytest.mark.parametrize("form", ["{}", "{{segment: {}}}", "{{decile: {}}}", "{{cohort: {}}}"])
def test_an_id_that_is_a_number_is_not_repeated(tmp_path, form):
    write(tmp_path, target=form.format(201713))
    assert "201713" not in problem(tmp_path)


@pytest.mark.parametrize("text", ["00017", "[00017, 2]", "{00017: 1}", "1_7"])
def test_a_number_that_yaml_would_change_is_not_repeated(tmp_path, text):
    write(tmp_path, target=f"{{customers: {text}}}")
    said = problem(tmp_path)
    assert said.startswith("line 7: ")
    assert "in quotes" in said
    assert not {"00017", "1_7"} & set(re.findall(r"\w+", said))


@pytest.mark.parametrize(
    ("rows", "header"),
    [
        ([SECRET, SECRET], "customer_id"),
        ([SECRET, ""], SECRET),
        ([f"{SECRET},1"], "customer_id"),
        ([f'{SECRET},"{SECRET}" x'], "customer_id,group"),
        ([f"C1,{SECRET}"], "customer_id,group"),
        ([f"{SECRET},trated", "C2,control"], "customer_id,group"),
        ([f"{SECRET},treated", f"{SECRET},control"], "customer_id,group"),
        ([f"{SECRET},treated"], "customer_id,group"),
    ],
)
def test_a_bad_list_names_file_and_line_and_no_id(tmp_path, rows, header):
    name = write_list(tmp_path, *rows, header=header)
    write(tmp_path, comparison="randomized", assignment=name)
    said = problem(tmp_path)
    assert SECRET not in said
    assert name in said


SAME = [
    lambda text: f"# a comment\n{text}\n\n",
    lambda text: "".join(reversed(text.splitlines(keepends=True))),
    lambda text: text.replace("owner: A. Sato", 'owner:   "A. Sato"'),
    lambda text: f"{text}notes: More were sent\n",
    lambda text: f"{text}notes:\ncost:\n",
    lambda text: text.replace("{customers: lists/x.csv}", "\n  customers: lists/x.csv"),
]
OTHER = [
    lambda text: text.replace("0.03", "0.02"),
    lambda text: text.replace("2024-03-31", "2024-04-30"),
    lambda text: text.replace("before_after", "same_period_last_year"),
    lambda text: f"{text}cost: 5\n",
]


@pytest.mark.parametrize(("change", "edited"), [(c, c in OTHER) for c in SAME + OTHER])
def test_what_counts_as_edited(tmp_path, change, edited):
    path = write(tmp_path, target=f"{{customers: {write_list(tmp_path, 'C1')}}}")
    registered(tmp_path, "2024-02-20")
    path.write_text(change(path.read_text("utf-8")), "utf-8")
    [read] = store.load(tmp_path).hypotheses
    assert read.record == Record(dt.date(2024, 2, 20), edited=edited)


@pytest.mark.parametrize(
    "fields",
    [
        {"comparison": "randomized", "assignment": "lists/x.csv"},
        {"target": "{customers: lists/x.csv}"},
        {"target": "{customers: [lists/x.csv]}"},
        {"comparison": "control_segment", "control": "{customers: lists/x.csv}"},
    ],
)
def test_a_changed_list_is_an_edit(tmp_path, fields):
    write_list(tmp_path, "1,treated", "2,control", **DRAWN)
    write(tmp_path, **fields)
    registered(tmp_path, "2024-02-20")
    assert not store.read(tmp_path, "mail").record.edited
    write_list(tmp_path, "1,control", "2,treated", **DRAWN)
    assert store.read(tmp_path, "mail").record.edited


@pytest.mark.parametrize(
    ("days", "counts", "late"),
    [
        ((), None, False),
        (("2024-02-01", "2024-02-20", "2024-03-05"), "2024-02-20", False),
        (("2024-02-29", "2024-03-01"), "2024-02-29", False),
        (("2024-03-01", "2024-03-02"), "2024-03-01", True),
        (("2024-03-02", "2024-03-05"), "2024-03-02", True),
    ],
)
def test_the_last_registration_before_the_start_counts(tmp_path, days, counts, late):
    write(tmp_path)
    registered(tmp_path, *days)
    day = counts and dt.date.fromisoformat(counts)
    assert store.read(tmp_path, "mail").record == Record(day, late)


def test_what_was_registered_last_in_time_is_what_the_file_is_held_against(tmp_path):
    for cost in ("1", "2", "3"):
        write(tmp_path, cost=cost)
        registered(tmp_path, f"2024-0{cost}-20")
    for cost, edited in {"1": True, "2": False, "3": True}.items():
        write(tmp_path, cost=cost)
        assert store.read(tmp_path, "mail").record.edited == edited


def test_decisions_stand_in_the_order_of_time(tmp_path):
    write(tmp_path)
    store.register(tmp_path, "mail", by="Sato", now=at("2024-02-20"))
    later = {"now": at("2024-04-02"), "until": dt.date(2024, 4, 30)}
    read = store.decide(tmp_path, "mail", "extend", reason="Too few", by="Ito", **later)
    assert (read.until, read.days) == (dt.date(2024, 4, 30), 61)
    read = store.decide(tmp_path, "mail", "adopt", reason=" Clear ", now=at("2024-05-02"))
    assert read.record.decisions == (
        Decision("extend", dt.date(2024, 4, 2), "Too few", "Ito", dt.date(2024, 4, 30)),
        Decision("adopt", dt.date(2024, 5, 2), "Clear"),
    )
    assert store.load(tmp_path).hypotheses == (read,)


@pytest.mark.parametrize(
    ("id", "decision", "more", "words"),
    [
        ("mail", "adapt", {}, "Did you mean 'adopt'?"),
        ("mial", "adopt", {}, "Did you mean 'mail.yaml'?"),
        ("../mail", "adopt", {}, "Did you mean 'mail'?"),
        ("other", "adopt", {}, "other is not registered"),
        ("mail", "adopt", {"reason": " "}, "reason is empty"),
        ("mail", "drop", {"until": dt.date(2024, 4, 30)}, "until=2024-04-30 goes with 'extend'"),
        ("mail", "extend", {}, "until=nothing: to extend, name a day after 2024-03-31"),
        ("mail", "extend", {"until": dt.date(2024, 3, 31)}, "name a day after 2024-03-31"),
    ],
)
def test_decisions_that_are_refused(tmp_path, id, decision, more, words):
    write(tmp_path)
    write(tmp_path, "other")
    registered(tmp_path, "2024-02-20")
    before = (tmp_path / "ledger.jsonl").read_bytes()
    with pytest.raises(ParamsError, match=words.replace("?", "[?]")):
        store.decide(tmp_path, id, decision, **{"reason": "So it is", **more})
    assert (tmp_path / "ledger.jsonl").read_bytes() == before


def test_what_cannot_be_used_is_not_registered(tmp_path):
    write(tmp_path, owner="")
    with pytest.raises(ParamsError, match="owner: found nothing"):
        store.register(tmp_path, "mail")
    assert not (tmp_path / "ledger.jsonl").exists()


def test_a_register_is_in_order_and_names_what_is_wrong(tmp_path):
    assert store.load(tmp_path / "none").hypotheses == ()
    assert store.load(tmp_path / "none").problems.columns.tolist() == ["file", "problem"]
    write(tmp_path, "b")
    write(tmp_path, "c")
    write(tmp_path, "a", start="2024-03-02")
    registered(tmp_path, "2024-02-20", id="c")
    (tmp_path / "c.yaml").unlink()
    (tmp_path / "d.yml").write_text((tmp_path / "b.yaml").read_text().replace("id: b", "id: d"))
    with (tmp_path / "ledger.jsonl").open("a") as file:
        file.write("{}\n")
    found = store.load(tmp_path)
    assert [h.id for h in found.hypotheses] == ["b", "a"]
    assert found.problems.to_numpy().tolist() == [
        ["d.yml", "line 1: id: found d, expected the name of the file; call it d.yaml."],
        [
            "ledger.jsonl",
            "line 2: has no action that is known; it is not used. Restore it from git.",
        ],
        ["ledger.jsonl", "c is in the ledger, but c.yaml is gone; restore it."],
    ]


def test_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    assert store.folder("shop") == paths.root() / "params" / "hypotheses" / "shop"
    assert store.folder("shop", "tests/ours") == tmp_path / "tests" / "ours"


def test_a_new_file_explains_every_field(tmp_path):
    path = store.new(tmp_path / "new", "mail")
    text = path.read_text("utf-8")
    assert all(f"\n{n}:" in text or f"\n# {n}: " in text for n in FIELDS)
    with pytest.raises(ParamsError) as caught:
        schema.read(path)
    said = str(caught.value)
    assert "line 11: title: found nothing, expected a name for tables, in a few words" in said
    assert "Also still to be filled in: hypothesis, owner, department, measure, target" in said
    with pytest.raises(ParamsError, match="is there already"):
        store.new(tmp_path / "new", "mail")
    with pytest.raises(ParamsError, match="small letters"):
        store.new(tmp_path, "My mail")
    with pytest.raises(ParamsError, match="Did you mean 'title'"):
        store.new(tmp_path, "other", tilte="a")
    assert path.read_text("utf-8") == text
    assert [p.name for p in tmp_path.rglob("*.yaml")] == ["mail.yaml"]


def test_the_examples_of_the_template_make_a_hypothesis(tmp_path):
    left_out = {"assignment"}
    given = {n: yaml.safe_load(f.example) for n, f in FIELDS.items() if n not in left_out}
    given |= {"id": "mail", "start": dt.date(2024, 3, 1), "title": 'Mail: "10%" # off'}
    read = schema.read(store.new(tmp_path, **given))
    assert (read.start, read.title) == (dt.date(2024, 3, 1), 'Mail: "10%" # off')
    assert read.control == Target("segment", ("about to sleep",))


def test_the_lines_behind_a_hash_can_be_used_as_they_are(tmp_path):
    text = render_template({"id": "mail", **{k: yaml.safe_load(v) for k, v in stub.FIELDS.items()}})
    for name in DEFAULTS.keys() & FIELDS.keys() - {"control", "assignment"}:
        assert text.count(f"\n# {name}: ") == 1
        text = text.replace(f"\n# {name}: ", f"\n{name}: ")
    path = tmp_path / "mail.yaml"
    path.write_text(text, "utf-8")
    assert schema.read(path).guardrails == ("average_order_value",)


def test_the_digest_follows_every_file_of_the_register(tmp_path):
    home = tmp_path / "register"
    seen = [store.digest(home)]
    write(home)
    seen.append(store.digest(home))
    write_list(home, "C1")
    seen.append(store.digest(home))
    registered(home, "2024-02-20")
    seen.append(store.digest(home))
    write_list(home, "C2")
    seen.append(store.digest(home))
    (home / "mail.yaml").rename(home / "post.yaml")
    seen.append(store.digest(home))
    assert seen[0] == ""
    assert len(set(seen)) == len(seen)
    (home / "README").touch()
    assert store.digest(home) == seen[-1]

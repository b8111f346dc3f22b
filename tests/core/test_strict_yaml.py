"""Text in a YAML file stays as written, is refused, or is a number or switch that is meant."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ltvkit.core import strict_yaml
from ltvkit.errors import ParamsError


@pytest.fixture
def read(tmp_path):
    def read(text: str, texts: tuple[str, ...] = ()) -> dict:
        path = Path(tmp_path, "a.yaml")
        path.write_text(text, "utf-8")
        return strict_yaml.read(path, texts=texts)[0]

    return read


WORDS = ["No", "no", "yes", "on", "Off", "TRUE", "false", "null", "Null", "~", "=", "<<", "y"]
NUMBERS = ["1.50", ".5", "1.", "1e3", "1.0e+3", "-0.10", "+5", ".inf", "-.INF", ".NaN"]
CHANGED = ["00123", "017", "0x1F", "0b1", "1_0", "1_0.5", "12:30", "1:30.5", "01.5"]


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("form", ["[{}]", "[a, {}]", "\n- {}\n- b", "[[{}]]"])
def test_words_in_a_list_stay_text(read, form, word):
    found = read(f"a: {form.format(word)}")["a"]
    assert word in (found[0] if isinstance(found[0], list) else found)


@pytest.mark.parametrize("word", [*WORDS, *NUMBERS])
@pytest.mark.parametrize("form", ["{}", "[{}]", "{{b: {}}}", "{{b: [{}, c]}}"])
def test_below_a_key_of_texts_everything_stays_text(read, form, word):
    expected = read(f"a: {form.format(repr(word))}")
    assert read(f"a: {form.format(word)}", ("a",)) == expected
    nested = read(f"p: {{a: {form.format(word)}, n: 1.50}}", ("p.a",))
    assert nested == {"p": {**expected, "n": 1.5}}


@pytest.mark.parametrize("word", CHANGED)
@pytest.mark.parametrize("form", ["{}", "[{}]", "{{b: {}}}", "{{b: [{}, c]}}"])
def test_what_would_be_changed_is_refused_until_it_is_in_quotes(read, form, word):
    with pytest.raises(ParamsError, match="line 1: .* would be changed; put it in quotes"):
        read(f"a: {form.format(word)}")
    assert word in str(read(f"a: {form.format(repr(word))}"))


@pytest.mark.parametrize("form", ["<<: {}", "<<: [{}]", "<<: &m {}"])
def test_what_is_merged_stays_text_as_if_it_stood_there(read, form):
    merged = form.format("{words: [No, 1.50, -0, +5], word: off, n: 1.50}")
    expected = {"words": ["No", "1.50", "-0", "+5"], "word": "off", "n": 1.5}
    assert read(f"p:\n  {merged}", ("p.words", "p.word")) == {"p": expected}
    assert read(merged, ("words", "word")) == expected


def test_an_anchor_is_text_where_text_is_meant_and_a_number_elsewhere(read):
    text = "rate: &n 1.50\non_: &s no\nwords: [*n, *s]\nlists: {w: &l [&f 0.5, No]}\nn: *f\nw: *l"
    expected = {"rate": 1.5, "on_": False, "words": ["1.50", "no"], "n": 0.5}
    found = read(text, ("words", "lists.w"))
    assert found == expected | {"lists": {"w": ["0.5", "No"]}, "w": [0.5, "No"]}


def test_numbers_and_switches_stay_what_they_are(read):
    text = (
        "cuts: [0.70, 0.9]\nedges: {orders: [1, 2.0], paid: [-30, +90]}\nremote: true\nx: {g: off}"
    )
    assert read(text) == {
        "cuts": [0.7, 0.9],
        "edges": {"orders": [1, 2], "paid": [-30, 90]},
        "remote": True,
        "x": {"g": False},
    }


def test_what_is_empty_is_no_text(read):
    assert read("a:\nb: {c: }\nd:\n-\n- e", ("a", "b", "d")) == {
        "a": None,
        "b": {"c": None},
        "d": [None, "e"],
    }


@pytest.mark.parametrize(
    "text",
    [
        *("a: &x [*x]", f"a: {'[' * 5000}", "a: !!bool maybe", "a: !!int x", "a: !!float x"),
        *("a: !!set {b}", "a: !!python/name:os.system", "[a]: 1", "? {b: 1}\n: 2"),
        *(f"a: {'9' * 5000}", "a: !!map x", "!!map x", "a: {<<: x}", "a: {<<: [x]}"),
    ],
)
def test_what_the_kit_has_no_use_for_is_a_message(read, text):
    with pytest.raises(ParamsError, match=r"a\.yaml"):
        read(text)


def name_again(kind: str, levels: int) -> str:
    """Lines of which each names the one before several times."""
    lines = ["a0: &a0 [x, x, x]" if kind == "list" else "a0: &a0 {x: 1}"]
    for n in range(1, levels):
        before = f"*a{n - 1}"
        inner = {
            "list": f"[{', '.join([before] * 9)}]",
            "mapping": f"{{{', '.join(f'k{i}: {before}' for i in range(9))}}}",
            "merge": f"{{<<: [{', '.join([before] * 9)}]}}",
        }[kind]
        lines.append(f"a{n}: &a{n} {inner}")
    return "\n".join(lines)


@pytest.mark.parametrize("kind", ["list", "mapping", "merge"])
def test_aliases_of_aliases_are_bounded(read, kind):
    """Six lines would be half a million values; the message comes before any of them is made."""
    assert read(name_again(kind, 3))
    start = time.process_time()
    with pytest.raises(ParamsError, match=r"line \d+: it names more than 50,000 values"):
        read(name_again(kind, 7))
    assert time.process_time() - start < 1


@pytest.mark.parametrize("text", ["a: &x [*x]", "a: &x {b: *x}", "a: &x {<<: *x}", "&x\na: *x"])
def test_what_contains_itself_is_told(read, text):
    with pytest.raises(ParamsError, match="line 1: a list or mapping in it contains itself"):
        read(text)


def test_many_keys_cost_no_more_than_reading_them(read):
    text = "\n".join(f"k{n}: 1" for n in range(3000))
    start = time.process_time()
    assert len(read(text)) == 3000
    assert time.process_time() - start < 10


def test_all_that_is_refused_is_listed_at_once(tmp_path):
    path, problems = tmp_path / "a.yaml", []
    path.write_text('a: 00123\nb: {c: 12:30, c: 1}\nd: 5\n7: x\ne: ["\\0", 1_0]\nf: &g 1:30.5\n')
    values, _nodes = strict_yaml.read(path, problems=problems)
    assert values == {"d": 5}
    assert [said.partition(":")[0] for said in problems] == [
        f"line {n}" for n in (1, 2, 2, 4, 5, 5, 6)
    ]
    with pytest.raises(ParamsError) as caught:
        strict_yaml.read(path)
    assert all(said in str(caught.value) for said in problems)


def test_what_is_no_text_file_is_told_at_once(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(f"a: {'x' * strict_yaml.MOST_BYTES}")
    with pytest.raises(ParamsError, match="larger than 1,000,000 bytes.*into a CSV file"):
        strict_yaml.read(path)
    for content in ("a: é".encode("latin-1"), "a: 1".encode("utf-16"), "a: 注文".encode("cp932")):
        path.write_bytes(content)
        with pytest.raises(ParamsError, match="save it as UTF-8"):
            strict_yaml.read(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ParamsError, match="a device or a pipe"):
        strict_yaml.read(path)
    with pytest.raises(ParamsError, match="it is a folder"):
        strict_yaml.read(tmp_path)


plain = st.text(alphabet="0123456789.:_-+eExXoOnNyYfFtTrRuUlLsSaAiI~=<", min_size=1, max_size=7)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400)
@given(plain)
def test_any_word_is_text_as_written_or_refused(read, word):
    """In a list of texts; whole numbers may be numbers, as they are written back the same."""
    try:
        [found] = read(f"a: [{word}]", ("a",))["a"]
    except ParamsError:
        return
    assert str(found) == word or isinstance(found, dict | list)

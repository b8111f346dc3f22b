"""Translations: none is missing, stale or orphaned, and each has what its source has."""

from __future__ import annotations

import json
import re
import shutil

import pytest
import stub_catalogues as catalogues
import yaml
from stub_catalogues import DOMAINS, HOME, LOCALE
from stub_figures import read_numbers

from ltvkit.config import translations
from ltvkit.core import i18n
from ltvkit.display.plots import _fonts

LANGUAGES = catalogues.list_languages()
BOOKS = HOME / "notebooks"
LESSONS = sorted((BOOKS / "lessons").glob("*.ipynb"))
NOTEBOOKS = [*sorted(BOOKS.glob("*.ipynb")), *LESSONS]
each = pytest.mark.parametrize("language", LANGUAGES)
# What Markdown shows as it is, or by which code knows a part of a page.
KEPT = (r"^#+(?= )", r"^## \d+\.", r"`[^`\n]+`", r"\$\$.+?\$\$", r"\$[^$\n]+\$", r"\]\(\S+?\)")
# Ranges that are drawn group by group in the order of the groups' names, which languages sort
# differently: the same but for the luck of the draw (forecast.value_groups).
DRAWN = ("7e0b4c11",)
WORDS = re.compile(r"\\text\{[^{}]*\}")  # of formulas


@pytest.fixture(scope="module")
def found():
    return {domain: catalogues.extract(domain) for domain in DOMAINS}


@each
@pytest.mark.parametrize("domain", DOMAINS)
def test_every_text_is_translated_and_no_other(language, domain, found):
    known = catalogues.read(language, domain)
    assert list(catalogues.find_faults(found[domain], known)) == []


@each
@pytest.mark.parametrize("domain", DOMAINS)
def test_programs_read_what_translators_wrote(language, domain):
    compiled = catalogues.compile_(catalogues.read(language, domain))
    assert catalogues.locate(language, domain, "mo").read_bytes() == compiled, "run `make messages`"


@each
@pytest.mark.parametrize("domain", DOMAINS)
def test_make_messages_would_change_nothing(language, domain, found):
    text = catalogues.write(catalogues.update(found[domain], catalogues.read(language, domain)))
    assert catalogues.locate(language, domain).read_bytes() == text, "run `make messages`"


@each
def test_a_term_has_one_translation(language):
    terms = yaml.safe_load((LOCALE / language / "terms.yaml").read_text("utf-8"))
    assert list(catalogues.list_terms(terms, catalogues.read(language, "ltvkit"))) == []


def test_no_text_is_marked_where_babel_does_not_look():
    """Within an f-string it finds a text on Python 3.12 and later alone."""
    marked = re.compile(r"""f(["'])(?:(?!\1).)*\{n?_\(["']""")
    files = sorted((HOME / "ltvkit").rglob("*.py"))
    lines = [(p.name, line) for p in files for line in p.read_text("utf-8").splitlines()]
    assert [(name, line) for name, line in lines if marked.search(line)] == []
    assert marked.search("""f"{_('Left out:')} {n}" """)


def test_one_changed_word_of_a_notebook_is_found(tmp_path):
    shutil.copytree(HOME / "notebooks", tmp_path / "notebooks")
    path = tmp_path / "notebooks" / "01_rfm.ipynb"
    path.write_text(path.read_text("utf-8").replace("## Finding", "## Findings", 1), "utf-8")
    changed, known = catalogues.extract("notebooks", tmp_path), catalogues.read("ja", "notebooks")
    faults = list(catalogues.find_faults(changed, known))
    assert sorted(fault.partition(":")[0] for fault in faults) == ["missing", "orphan"]
    assert all("01_rfm:" in fault for fault in faults)


@pytest.mark.parametrize(
    ("source", "text", "fault"),
    [
        ("{n} of {all}", "{all}中{n}件", ""),
        ("{n} of {all}", "{n}件", "placeholders"),
        ("{share:.1%} of it", "{share:.1%}", ""),
        ("see `--out`", "`--out`を参照", ""),
        ("see `--out`", "`--in`を参照", "code"),
        ("as in {{a: 1}}", "例：{{a: 1}}", ""),
    ],
)
def test_a_translation_has_the_placeholders_and_the_code_of_its_source(source, text, fault):
    assert catalogues.differ(source, text) == fault


def test_a_term_with_two_translations_is_found():
    known = catalogues.parse('msgid "Order"\nmsgstr "オーダー"\n'.encode(), "ja")
    assert list(catalogues.list_terms({"order": "注文"}, known)) == [
        "Order: オーダー, and not 注文"
    ]


@each
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_cell_has_the_headings_formulas_and_code_of_its_source(language, path):
    source = json.loads(path.read_text("utf-8"))
    with i18n.speaking(language):
        said = translations.translate(source, path.stem)
        help_ = f"**{i18n._('How to read it.')}**"
    for before, after in zip(source["cells"], said["cells"], strict=True):
        if before["cell_type"] != "markdown":
            assert after == before
            continue
        texts = [WORDS.sub("", "".join(cell["source"])) for cell in (before, after)]
        for pattern in KEPT:
            found = (re.findall(pattern, text, re.M | re.S) for text in texts)
            first, second = (sorted(map(_without_marks, each)) for each in found)
            assert first == second, (before["id"], pattern)
        assert texts[0].startswith("**How to read it.**") == texts[1].startswith(help_)
        assert after | {"source": None} == before | {"source": None}


def _without_marks(text: str) -> str:
    return re.sub(r"[\s,.]", "", text)


@each
def test_charts_have_a_letter_for_every_sign_of_a_translation(language):
    drawn = _fonts.read_shipped()
    said = [catalogues.read(language, domain) for domain in DOMAINS]
    texts = "".join(catalogues.translation(m) for c in said for m in catalogues.messages(c))
    assert {x for x in texts if not x.isspace() and ord(x) not in drawn} == set()
    assert not {ord(x) for x in "≤≥™µ₩≠±−–…→×÷¥"} - drawn


@each
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_in_a_language_is_that_of_its_catalogue_with_the_same_figures(language, path):
    """The English one is run by nbval; this one has the same code, and so the same figures."""
    source = json.loads(path.read_text("utf-8"))
    written = BOOKS / language / path.relative_to(BOOKS)
    written = json.loads(written.read_text("utf-8"))
    with i18n.speaking(language):
        said = translations.translate(source, path.stem)
    assert written["metadata"]["ltvkit"] == said["metadata"]["ltvkit"]
    for before, after in zip(said["cells"], written["cells"], strict=True):
        assert "".join(before["source"]) == "".join(after["source"]), "run `make translate`"
        assert before["metadata"] == after["metadata"]
        if before["cell_type"] == "code":
            assert before["execution_count"] == after["execution_count"]
            first, second = (read_numbers(_read_outputs(cell)) for cell in (before, after))
            assert first == second or before["id"] in DRAWN, "run `make translate`"


def _read_outputs(cell) -> str:
    """What a cell shows, without its charts; a table as a whole, not as wide as a terminal."""
    data = [output.get("data", {}) for output in cell["outputs"]]
    shown = [each.get("text/html") or each.get("text/plain", "") for each in data]
    said = ["".join(output.get("text", "")) for output in cell["outputs"]]
    texts = ["".join(text) for text in (*shown, *said)]
    return re.sub(r"<[^>]+>", " ", " ".join(texts))


@each
def test_a_notebook_is_written_in_a_language_as_it_runs(language, tmp_path, monkeypatch):
    for folder in ("params", "notebooks"):
        (tmp_path / folder).mkdir()
    home = tmp_path / "notebooks"
    (home / "lessons").mkdir()
    books = [NOTEBOOKS[0], LESSONS[0]]
    names = [path.relative_to(BOOKS) for path in books]
    for path, name in zip(books, names, strict=True):
        shutil.copy(path, home / name)
    monkeypatch.setenv("LTVKIT_ROOT", str(tmp_path))
    monkeypatch.delenv("LTVKIT_LANG", raising=False)
    written = translations.write(language)
    assert written == [home / language / name for name in names]
    for path, made in zip(books, written, strict=True):
        cells = [json.loads(p.read_text("utf-8"))["cells"] for p in (path, made)]
        code = [["".join(c["source"]) for c in cs if c["cell_type"] == "code"] for cs in cells]
        assert code[0] == code[1]
        monkeypatch.chdir(made.parent)  # where its kernel starts
        assert i18n.language() == language

"""Pages in two languages: each shop has its own, with the same figures, and no word is left."""

from __future__ import annotations

import gettext
import html
import json
import re
import shutil
from itertools import zip_longest

import openpyxl
import pytest
from stub_figures import read_numbers
from stub_pages import NOTEBOOKS, run
from stub_project import HOME, make, report

from ltvkit.core import i18n
from ltvkit.report import results

SHOP = (HOME / "params" / "shop.yaml").read_text("utf-8")
BOOKS = ("00_overview", "02_deciles")
PAGES = ("index.html", *(f"{book}.html" for book in BOOKS))
TAGS = "td|th|li|p|h1|h2|h3|caption"
BLOCK = re.compile(rf"<({TAGS})\b[^>]*>(.*?)</\1>|<img\b[^>]*?alt=\"([^\"]*)\"", re.S)
HIDDEN = re.compile(r"<(style|script|pre|math|nav|header)\b.*?</\1>|<details\b.*?</details>", re.S)
JAPANESE = re.compile(r"[ぁ-んァ-ヶ一-龥]")


@pytest.fixture(scope="module")
def shops(tmp_path_factory):
    """The sample shop twice, in English and in Japanese, from one run."""
    root = make(tmp_path_factory.mktemp("languages"))
    for path in (root / "notebooks").glob("*.ipynb"):
        path.unlink()
    for book in BOOKS:
        shutil.copy(NOTEBOOKS / f"{book}.ipynb", root / "notebooks")
    kept = {"source", "policies", "currency", "title", "month", "columns", "engine"}
    for language in ("en", "ja"):
        text = re.sub(r"(?m)^shop: .*", f"shop: of-{language}", SHOP)
        text = re.sub(r"(?m)^language: .*", f"language: {language}", text)
        (root / "params" / f"{language}.yaml").write_text(_keep(text, {*kept, "shop", "language"}))
    done = report(root, "params/en.yaml", "params/ja.yaml", "--month", "2024-09")
    assert done.returncode == 0, done.stderr
    return {name: root / "reports" / f"of-{name}" / "2024-09" for name in ("en", "ja")}


def _keep(text: str, keys: set[str]) -> str:
    """A params file with these keys alone."""
    blocks = re.split(r"(?m)^(?=\w+:)", text)[1:]
    return "".join(block for block in blocks if block.partition(":")[0] in keys)


def read_blocks(page: str) -> list[str]:
    """Cells, sentences, headings and alternative texts of a page, in their order."""
    main = HIDDEN.sub("", page[page.index("<main") :])
    found = [text or alt for _tag, text, alt in BLOCK.findall(main)]
    return [html.unescape(re.sub(r"<[^>]+>", " ", text)) for text in found]


@pytest.mark.parametrize(
    ("english", "japanese"),
    [
        ("We expect 47 million JPY (39 to 58 million)", "4,700万円（3,900〜5,800万円）を見込む"),
        ("on 30 September 2024, +1.2 pp", "2024年9月30日、+1.2ポイント"),
        ("2022-04 to 2024-09: 1,234.5", "22年4月〜24年9月：1,234.5"),
        ("1.2 billion JPY", "12億円"),
    ],
)
def test_the_same_figures_are_read_of_both_languages(english, japanese):
    assert read_numbers(english) == read_numbers(japanese) != set()


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_have_the_same_figures(page, shops):
    both = (read_blocks((shops[name] / page).read_text("utf-8")) for name in ("en", "ja"))
    pairs = list(zip_longest(*both, fillvalue=""))
    differing = [pair for pair in pairs if read_numbers(pair[0]) != read_numbers(pair[1])]
    assert differing == []
    assert sum(len(read_numbers(english)) for english, _japanese in pairs) > 50


def test_each_shop_has_its_own_language(shops):
    for name, folder in shops.items():
        for page in (*PAGES, "glossary.html", "summary.html"):
            text = (folder / page).read_text("utf-8")
            assert f'<html lang="{name}">' in text
            assert bool(JAPANESE.search(text.partition("<body")[2])) == (name == "ja"), page
        assert bool(JAPANESE.search((folder / "summary.md").read_text("utf-8"))) == (name == "ja")
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        assert manifest["parameters"]["language"] == name
        book = openpyxl.load_workbook(folder / "report.xlsx", read_only=True)
        assert bool(JAPANESE.search("".join(book.sheetnames))) == (name == "ja")
    tables = [{p.name for p in (folder / "tables").iterdir()} for folder in shops.values()]
    assert tables[0] == tables[1]  # programs read them, so their names are the same


def test_only_the_words_differ_in_the_metrics(shops):
    texts = [json.loads((f / "metrics.json").read_text("utf-8"))["metrics"] for f in shops.values()]
    assert texts[0] == texts[1]


class Marking(gettext.NullTranslations):
    """A pseudo-locale: each text stands between marks."""

    def gettext(self, message):
        return f"⟦{message}⟧" if message.strip() else message

    def ngettext(self, msgid1, msgid2, n):
        return self.gettext(msgid2)

    def pgettext(self, context, message):
        return self.gettext(message)


def find_unmarked(text: str) -> list[str]:
    """Lines of a text -> what stands outside of marks in words; one that was cut has no end."""
    before = ""
    while before != text:
        before, text = text, re.sub(r"⟦[^⟦⟧]*(⟧|…)", "", text)
    lines = (line for line in text.splitlines() if re.search(r"[A-Za-z]{3,} +[a-z]{2,}", line))
    return [line for line in lines if not re.match(r"finished: |<Axes|<Figure|Out\[", line)]


def test_what_stands_outside_of_marks_is_found():
    assert find_unmarked("⟦Revenue is ⟦up⟧ 7%⟧ on demo:shop\n⟦a⟧ left over here") == [
        " left over here"
    ]


@pytest.mark.parametrize("book", [*BOOKS, "01_rfm"])
def test_no_sentence_of_a_notebook_is_without_a_translation(book, tmp_path, monkeypatch, capsys):
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    monkeypatch.setattr(i18n, "_read", lambda _name, _domain="": Marking())
    monkeypatch.setenv("LTVKIT_LANG", "xx")
    run(NOTEBOOKS / f"{book}.ipynb", {"out": str(tmp_path)})
    said = capsys.readouterr().out
    drawn = [text for n in plt.get_fignums() for text in _list_texts(plt.figure(n))]
    plt.close("all")
    assert "⟦" in said
    assert find_unmarked(said) == []
    found = results.load(tmp_path)
    assert find_unmarked("\n".join([*found.findings, *drawn])) == []


def test_a_run_for_shops_of_one_language_tells_its_progress_in_it(shops, tmp_path):
    root = shops["ja"].parents[2]
    done = report(root, "params/ja.yaml", "--month", "2024-08", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "ノートブック2件を実行します" in done.stderr
    assert re.search(r"秒で完了", done.stderr)
    assert not re.search(r"to run|finished|Published", done.stdout + done.stderr)


def _list_texts(figure) -> list[str]:
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text)]

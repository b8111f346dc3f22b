"""Letters that the kit's fonts lack: drawn by a font of the system, or named in words.

The fonts of the system are made here, of one square for each letter they have.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
from pathlib import Path

import pandas as pd
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib import pyplot as plt
from matplotlib.text import Text
from stub_project import HOME

from ltvkit.display import formats, plots
from ltvkit.display.plots import _fonts

pytestmark = pytest.mark.usefixtures("agg")  # a glyph that is missing is a warning, so an error

KOREAN, CHINESE, RARE = "매크로 컵", "简体马克杯", "𠮷野家"
THAI, EMOJI = "แก้ว", "mug \N{SQUID}"
NOTE = "letters for which no font was found"


def write_font(path: Path, letters: str, *, name: str) -> Path:
    """A font of squares."""
    glyphs = {letter: f"u{ord(letter):X}" for letter in letters}
    pen = TTGlyphPen(None)
    for n, corner in enumerate([(50, 0), (50, 700), (750, 700), (750, 0)]):
        (pen.lineTo if n else pen.moveTo)(corner)
    pen.closePath()
    square, order = pen.glyph(), [".notdef", *glyphs.values()]
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(order)
    font.setupCharacterMap({ord(letter): glyph for letter, glyph in glyphs.items()})
    font.setupGlyf(dict.fromkeys(order, square))
    font.setupHorizontalMetrics(dict.fromkeys(order, (800, 50)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": name, "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(path)
    return path


@pytest.fixture
def system(monkeypatch, tmp_path):
    """Installs fonts of these letters, in place of those of this computer."""
    manager = font_manager.fontManager
    own = [
        e for e in manager.ttflist if e.fname.startswith(str(Path(plt.matplotlib.get_data_path())))
    ]
    numbers = itertools.count()

    def install(*fonts: str) -> None:
        monkeypatch.setattr(manager, "ttflist", list(own))
        for letters in fonts:
            manager.addfont(write_font(tmp_path / f"{next(numbers)}.ttf", letters, name="Squares"))
        _fonts.read_shipped.cache_clear()
        _fonts._system.cache_clear()

    yield install
    monkeypatch.undo()
    _fonts.read_shipped.cache_clear()
    _fonts._system.cache_clear()


def leaders(*names: str) -> pd.DataFrame:
    n = len(names)
    known = {"rank": range(1, n + 1), "product": names, "revenue": range(100 * n, 0, -100)}
    return pd.DataFrame(known | {"class": "A"})


def drawn(ax) -> tuple[bytes, list[str]]:
    """The picture of a chart, and all its texts."""
    picture = io.BytesIO()
    ax.figure.savefig(picture, format="png")
    return picture.getvalue(), [text.get_text() for text in ax.figure.findobj(Text)]


@pytest.mark.parametrize("name", [KOREAN, CHINESE, RARE, THAI, EMOJI])
def test_letters_are_drawn_by_a_font_of_the_system(name, system):
    """Each by the one that has it; with no warning, and no word about it."""
    system("xyz", "".join(sorted({c for c in name if ord(c) > 127})))
    shown, texts = drawn(plots.leaders(leaders("mug", name), currency="₩"))
    assert name in texts
    assert not any(NOTE in text or _fonts.BOX in text for text in texts)
    system()
    boxed, _texts = drawn(plots.leaders(leaders("mug", name), currency="₩"))
    assert shown != boxed


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (KOREAN, "□ (no. 2)"),
        (RARE, "□野家 (no. 2)"),
        ("髙島屋", "髙島屋"),  # the kit's font has it
        (EMOJI, "mug □ (no. 2)"),
        ("a\N{COMBINING ENCLOSING KEYCAP}매", "a□ (no. 2)"),
    ],
)
def test_letters_without_a_font_are_named_in_words(name, shown, system):
    system("xyz")
    ax = plots.leaders(leaders("mug", name, "cup"), currency="JPY", about=KOREAN)
    _picture, texts = drawn(ax)
    assert shown in texts
    assert any(NOTE in text for text in texts)
    assert not any(set(text) & set(KOREAN.replace(" ", "") + "𠮷") for text in texts)
    assert ax.get_title(loc="left").endswith(": □")


def test_the_names_of_a_legend_and_of_a_triangle_are_named_too(system):
    system()
    wide = pd.DataFrame(
        {"cohort": ["web", KOREAN, CHINESE], "customers": 9, 0: 1.0, 1: [0.5, 0.4, 0.3]}
    )
    _picture, texts = drawn(plots.triangle(wide))
    assert {"web (9)", "□ (9) (no. 2)", "□体□克杯 (9) (no. 3)"} <= set(texts)
    _picture, texts = drawn(plots.ltv_curves(wide))
    assert {"web", "□ (no. 2)", "□体□克杯 (no. 3)"} <= set(texts)


def test_fonts_of_the_system_do_not_change_what_the_kit_can_draw(system):
    """Also where one is called as a font of the kit is, or has all letters."""
    table = leaders("mug", "手拭い 髙島屋 ≤ ≥ ™ µ ₩")
    system()
    arabic = plots.leaders(leaders("كوب"), currency="JPY")  # the kit's font has them
    before, texts = drawn(plots.leaders(table, currency="JPY"))
    texts += drawn(arabic)[1]
    assert not any(NOTE in text for text in texts)
    system("".join(map(chr, range(33, 127))) + "手拭い" + KOREAN)
    manager = font_manager.fontManager
    other = manager.ttflist[-1]
    for name in ("DejaVu Sans", "IPAexGothic"):
        manager.ttflist.insert(0, dataclasses.replace(other, name=name, weight=400))
    manager._findfont_cached.cache_clear()
    after, _texts = drawn(plots.leaders(table, currency="JPY"))
    assert after == before


def test_a_broken_font_is_passed_over(system, tmp_path):
    system(KOREAN.replace(" ", ""))
    known = font_manager.fontManager.ttflist[-1]
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    for name in ("broken.ttf", "gone.ttf"):
        entry = dataclasses.replace(known, fname=str(tmp_path / name), name="A Sans")
        font_manager.fontManager.ttflist.append(entry)
    _picture, texts = drawn(plots.leaders(leaders(KOREAN), currency="JPY"))
    assert KOREAN in texts


def test_the_kits_own_words_are_drawn_by_its_own_fonts():
    words = "".join(p.read_text("utf-8") for p in (HOME / "ltvkit").rglob("*texts.yaml"))
    words += "".join(p.read_text("utf-8") for p in (HOME / "ltvkit" / "display").rglob("*.yaml"))
    words += "".join(formats.WHOLE_CURRENCIES) + formats.MISSING + formats.MINUS
    assert _fonts.find_families(words) == (list(_fonts.SHIPPED), set())

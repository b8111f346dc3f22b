"""Fonts of charts: those that come with the kit, then fonts of the system for letters they lack.

A chart of letters that the kit's fonts have looks the same on every machine. So these fonts go by
names of their own: a font of the system that is called the same may be another one.
"""

import dataclasses
import functools
import importlib.util
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

from ltvkit.core.i18n import _

SHIPPED = ("ltvkit Latin", "ltvkit Japanese")
BOX = "\N{WHITE SQUARE}"  # stands for letters that no font has
_LAST_RESORT = "Last Resort"  # matplotlib's font of boxes


def complete(ax: Axes) -> None:
    """Draw the letters that the kit's fonts lack by fonts of the system; say where none has them.

    A label with such letters gets a box in their place, and its number in the table.
    """
    ticks = [label for axis in (ax.xaxis, ax.yaxis) for label in axis.get_ticklabels()]
    texts = [*ax.findobj(Text), *ticks]
    families, unknown = find_families(set().union(*(text.get_text() for text in texts)))
    if len(families) > len(SHIPPED):
        for text in texts:
            text.set_fontfamily(families)
    if unknown:
        _box(ax, texts, unknown)


def _box(ax: Axes, texts: Iterable[Text], unknown: Iterable[str]) -> None:
    """Put boxes for `unknown` letters, with a note below."""
    each = f"[{re.escape(''.join(sorted(unknown)))}]"
    boxed = functools.partial(re.compile(rf"{each}(?:\s*{each})*").sub, BOX)
    for axis in (ax.xaxis, ax.yaxis):
        named = axis.get_major_formatter()
        if any(re.search(each, label.get_text()) for label in axis.get_ticklabels()):
            axis.set_major_formatter(lambda x, at, named=named: _number(boxed, named(x, at), x + 1))
    legend = ax.get_legend()
    for number, text in enumerate(legend.get_texts() if legend else (), start=1):
        text.set_text(_number(boxed, text.get_text(), number))
    for text in texts:
        text.set_text(boxed(text.get_text()))
    note = _("{box}: letters for which no font was found. The table has the names.")
    ax.set_xlabel(f"{ax.get_xlabel()}\n{note.format(box=BOX)}".strip())


def _number(boxed: Callable[[str], str], text: str, number: float) -> str:
    """A label with its number, where it lacks letters: the place of a tick may be a half."""
    said = boxed(text)
    return said if said == text else _("{name} (no. {n})").format(name=said, n=int(number))


def find_families(letters: Iterable[str]) -> tuple[list[str], set[str]]:
    """The families that draw `letters`, those of the kit first; and the letters that none has."""
    shipped, found = read_shipped(), _system()
    lacking = sorted({x for x in letters if not x.isspace() and ord(x) not in shipped})
    if new := set(lacking) - set(found):
        found |= dict.fromkeys(new) | _search(new)
    families = dict.fromkeys(name for letter in lacking if (name := found[letter]))
    return [*SHIPPED, *families], {letter for letter in lacking if not found[letter]}


@functools.cache
def read_shipped() -> frozenset[int]:
    """Make the kit's fonts known to matplotlib, and read which letters they have."""
    # Importing matplotlib-fontja would change rcParams, so its font is taken from its folder.
    package = importlib.util.find_spec("matplotlib_fontja")
    latin = Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    files = latin, Path(package.origin).with_name("fonts") / "ipaexg.ttf"
    fonts = [FT2Font(str(file)) for file in files]
    for name, font in zip(SHIPPED, fonts, strict=True):
        _register(font_manager.ttfFontProperty(font), name)
    return frozenset().union(*(font.get_charmap() for font in fonts))


def _register(entry: font_manager.FontEntry, name: str) -> None:
    plain = dataclasses.replace(entry, name=name, style="normal", weight=400, stretch="normal")
    font_manager.fontManager.ttflist.append(plain)


@functools.cache
def _system() -> dict[str, str | None]:
    """What was searched for in this process: letter -> family; None where no font has it."""
    return {}


def _search(letters: set[str]) -> dict[str, str]:
    """Letters -> the first family of the system that draws each, by a name of the kit's own."""
    found: dict[str, str] = {}
    for entry in _list_system_fonts():
        if drawn := _list_drawn(entry, letters - set(found)):
            name = f"ltvkit {entry.fname} {_index(entry)}"
            if all(known.name != name for known in font_manager.fontManager.ttflist):
                _register(entry, name)
            found |= dict.fromkeys(drawn, name)
        if len(found) == len(letters):
            break
    return found


def _list_system_fonts() -> list[font_manager.FontEntry]:
    """Upright fonts of normal weight first, then by name, so that the choice does not vary."""

    def rank(entry: font_manager.FontEntry) -> tuple:
        odd = entry.style != "normal", entry.weight not in (400, "normal", "regular")
        return *odd, "sans" not in entry.name.lower(), entry.name, entry.fname, _index(entry)

    home = mpl.get_data_path()
    found = {(e.fname, _index(e)): e for e in font_manager.fontManager.ttflist}
    own = (*SHIPPED, _LAST_RESORT)
    found = {k: e for k, e in found.items() if not e.fname.startswith(home) and e.name not in own}
    return sorted(found.values(), key=rank)


def _list_drawn(entry: font_manager.FontEntry, letters: set[str]) -> list[str]:
    """The letters that a font has an outline of: a font of coloured pictures has none."""
    try:
        face = {"face_index": _index(entry)} if _index(entry) else {}
        font = FT2Font(entry.fname, **face)
        has = [letter for letter in letters if font.get_char_index(ord(letter))]
        if has:
            font.set_size(12, 100)
        return [letter for letter in has if font.load_char(ord(letter)).width > 0]
    except (OSError, RuntimeError, ValueError):  # a file that is gone, or is broken
        return []


def _index(entry: font_manager.FontEntry) -> int:
    """Which font of its file an entry is; matplotlib 3.10 knows the first alone."""
    return getattr(entry, "index", 0)

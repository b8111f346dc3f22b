"""Lines of texts: broken between words, and in Japanese, which has no spaces, between phrases."""

import re
import textwrap

from ltvkit.display import formats

# A phrase of Japanese: opening brackets, a word of any script but hiragana, hiragana, and what may
# begin no line.
_PHRASE = re.compile(
    r"[（「『【]*(?:[^\sぁ-ん（「『【、。，．）」』】：；！？・〜]|か(?=[月所国年]))*[ぁ-ん]*"
    r"[ー々、。，．）」』】：；！？・〜%]*"
)


def split(text: str) -> list[str]:
    """A text in the pieces between which a line may end; a space belongs to the piece before it.

    >>> split("Revenue by month"), split("初回注文からの経過月数（12か月まで）")
    (['Revenue ', 'by ', 'month'], ['初回注文からの', '経過月数', '（12か月まで）'])
    """
    words = re.findall(r"\S+\s*|^\s+", text)
    return [piece for word in words for piece in ([word] if word.isascii() else _phrases(word))]


def _phrases(word: str) -> list[str]:
    if formats.width(word) == len(word):
        return [word]
    bare = word.rstrip()
    found = [piece for piece in _PHRASE.findall(bare) if piece]
    return [*found[:-1], found[-1] + word[len(bare) :]] if "".join(found) == bare else [word]


def wrap(
    text: str, width: int, *, first: str = "", rest: str = "", hyphens: bool = True
) -> list[str]:
    """A text in lines of so many columns; a wide letter takes two (see `formats.width`).

    `hyphens`: whether a line may end with one.

    >>> wrap("初回注文からの経過月数", 16)
    ['初回注文からの', '経過月数']
    """
    if formats.width(text) == len(text):
        beside = {"initial_indent": first, "subsequent_indent": rest}
        return textwrap.wrap(text, width, break_on_hyphens=hyphens, **beside)
    lines = [first]
    for piece in split(" ".join(text.split())):
        if formats.width(lines[-1] + piece.rstrip()) > width and lines[-1] not in (first, rest):
            lines.append(rest)
        lines[-1] += piece
    cut = [part for line in lines for part in _cut(line.rstrip(), width, rest)]
    return cut if text.strip() else []


def _cut(line: str, width: int, rest: str) -> list[str]:
    """A line that is too wide, as one without a place to break, in parts that fit."""
    parts, start = [line], 0
    while formats.width(parts[-1]) > width:
        last, size = parts.pop(), 0
        for start, letter in enumerate(last):  # noqa: B007
            size += formats.width(letter)
            if size > width:
                break
        parts += [last[:start], rest + last[start:]]
    return parts

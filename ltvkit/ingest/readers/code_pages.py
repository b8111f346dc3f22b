"""Tell code pages of the West apart, in which almost any bytes are text, by the letters it has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from ltvkit.core import files

USUAL = files.read_yaml(__name__, "code_pages.yaml")
ENOUGH, NEAR = 0.5, 0.3  # the score that a page needs, and how far it may be behind the best
MOST = 5000  # words that are looked at
SHOWN = 8  # letters named for each page
_RARE = 0.3  # the weight of a letter that is none of the usual
_WORD = re.compile(r"[^\W\d_]*[^\x00-\x7f\s]\w*")
# Signs that stand in texts of any language, and tell nothing.
_SIGNS = frozenset("€£¥°§©®™–—‘’“”„…•·´ºª«»½¼¾±×²³µ\xa0")
_PLAIN = re.compile("[A-Za-z]")
_RUN = re.compile(r"(?:(?<=[A-Za-z])()|)[^\x00-\x7f]+(?:(?=[A-Za-z])()|)")
_GLUED = 0.5  # above this share of Japanese runs beside Latin letters, a text is hardly Japanese


def rank_pages(texts: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Code page -> the text in it, in pieces -> the pages that may be right, and some letters.

    The best come first; of pages in which the text is the same, only the likeliest. A letter is
    usual, rare, or out of place, as a capital amid small ones.

    >>> written = "Café Crème, Müller".encode("cp1252")
    >>> rank_pages({page: [written.decode(page)] for page in ("cp1252", "mac_roman")})
    {'cp1252': 'è é ü'}
    """
    scores, letters = {}, {}
    for page, pieces in texts.items():
        weights = dict(_weigh_letters(pieces, page))
        if weights:
            count = sum(n for _weight, n in weights.values())
            scores[page] = sum(weight * n for weight, n in weights.values()) / count
            letters[page] = set(weights)
    best = max(scores.values(), default=0.0)
    near = [page for page, score in scores.items() if score >= max(ENOUGH, best - NEAR)]
    near.sort(key=scores.__getitem__, reverse=True)
    named = {frozenset(letters[page]): page for page in reversed(near)}.values()
    return {
        page: " ".join(sorted(filter(str.isalpha, letters[page]))[:SHOWN])
        for page in near
        if page in named
    }


def _weigh_letters(pieces: Iterable[str], page: str) -> Iterator[tuple[str, tuple[float, int]]]:
    """Characters that are not ASCII -> their mean weight, and how many there are."""
    sums: dict[str, list[float]] = {}
    for word in _find_words(pieces):
        for place, letter in enumerate(word):
            if not letter.isascii() and letter not in _SIGNS:
                sums.setdefault(letter, []).append(_weigh(word, place, USUAL[page]))
    for letter, weights in sums.items():
        yield letter, (sum(weights) / len(weights), len(weights))


def _weigh(word: str, place: int, usual: str) -> float:
    """How well a letter fits its place in a word: 1, `_RARE` or 0."""
    letter, before = word[place], word[place - 1] if place else ""
    if not letter.isalpha() or (letter.isupper() and before.islower()):
        return 0.0
    if letter.isupper() and before and word[place + 1 : place + 2].islower():
        return 0.0
    if 3 * len(_PLAIN.findall(word)) < len(word):  # words have plain letters as well
        return 0.0
    return 1.0 if letter.lower() in usual else _RARE


def _find_words(pieces: Iterable[str]) -> Iterator[str]:
    found = 0
    for piece in pieces:
        for match in _WORD.finditer(piece):
            yield match[0]
            found += 1
            if found >= MOST:
                return


def is_hardly_japanese(pieces: Iterable[str]) -> bool:
    """Whether most that is not ASCII stands alone beside Latin letters, as accents do.

    >>> is_hardly_japanese(["B嗷se,K嗷el"]), is_hardly_japanese(["Tシャツ,煎茶,A4用紙"])
    (True, False)
    """
    glued = runs = 0
    for piece in pieces:
        for run in _RUN.finditer(piece):
            runs += 1
            glued += run.lastindex is not None and len(run[0]) == 1
        if runs >= MOST:
            break
    return glued > _GLUED * runs

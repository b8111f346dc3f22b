"""Phrases of enquiries: pieces of Japanese text that can be read, and English words, without names.

Japanese is written without blanks. A piece is a run of characters that begins where a word of kanji
or katakana does, and ends in none; of pieces that the same enquiries hold, the longest is kept. Of
English, runs of one to three words that neither begin nor end with one of no meaning. E-mails,
telephone numbers, all digits and whom a text names with a form of address are taken out first, and
a piece that fewer than five customers wrote is no phrase: it could tell who wrote it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from ltvkit.core import personal_data
from ltvkit.support.reasons import fold

FEWEST = 5  # customers who wrote a phrase
LONGEST, WORDS = 12, 3  # characters of a Japanese piece, and words of an English one
SAME = 0.9  # of the enquiries that hold a piece hold the longer one, too
_MASK, _DIGITS = "\n", re.compile(r"[\w@.+-]*\d[\w@.+-]*", re.ASCII)
_JAPANESE = re.compile(r"[\u3041-\u309f\u30a1-\u30ff\u3400-\u9fff々]+")
_ENGLISH = re.compile(r"[a-z][a-z'’-]*[a-z]")
_SENTENCE = re.compile(r"[.!?,;:。、！？\n\"()（）「」]+")
_NAME = r"[\u30a1-\u30ff\u3400-\u9fff々]"
# Forms of address, but no word that only looks like one: 仕様, 様子, 氏名, たくさん, ちゃんと.
_ADDRESS = (
    rf"(?:(?<!たく)さん|さま(?!ざま)|(?<![仕模同多異有])様(?![子式々相])|氏(?!名)|君|くん|殿"
    rf"|(?<={_NAME})(?<!赤)ちゃん|(?<!赤)ちゃん(?!と))"
)
_ADDRESSED = re.compile(
    rf"(?:{_NAME}+[ ・])?{_NAME}*[\u3041-\u309f]{{0,6}}? ?{_ADDRESS}"
    r"|\b(?i:mr|mrs|ms|miss|mx|dr|prof)\b\.? *[^\W\d_][\w'’-]*(?: +[A-Z][\w'’-]*)*"
)
_TAIL = set("をにがはのでともへやっゃゅょぁぃぅぇぉ")  # what a piece does not end with
_PARTICLES = set("をにがはのでともへやかだし")  # what may follow a word of kanji
KANJI = 2


class Phrases(NamedTuple):
    """Phrases by name, and which enquiries (rows) hold which (columns), as 0 and 1."""

    names: list[str]
    held: sparse.csr_matrix


def split(text: str, *, names: Iterable[str] = ()) -> set[str]:
    """A text -> all pieces that may be phrases, without `names` of products, people or digits.

    >>> sorted(split("キャップから液漏れ、tel 090-1234-5678"))
    ['tel', 'キャップ', 'キャップから', 'キャップから液漏れ', '液漏れ']
    >>> sorted(split("The bottle is leaking."))
    ['bottle', 'bottle is leaking', 'leaking']
    """
    text = _ADDRESSED.sub(_MASK, unicodedata.normalize("NFKC", text))
    folded = fold(personal_data.hide(fold(text), strict=False))
    for name in names:
        folded = folded.replace(fold(name), _MASK) if name else folded
    found: set[str] = set()
    for sentence in _SENTENCE.split(_DIGITS.sub(_MASK, folded).replace("*", _MASK)):
        for run in _JAPANESE.findall(sentence):
            found |= _cut_japanese(run)
        found |= _join_words(_ENGLISH.findall(sentence))
    return found


def _cut_japanese(run: str) -> set[str]:
    kinds = [_kind(c) for c in run]
    starts = [n for n, k in enumerate(kinds) if k and (not n or kinds[n - 1] != k)]
    found = set()
    for start in starts:
        for end in range(start + 2, min(start + LONGEST, len(run)) + 1):
            if _ends(run, kinds, end) and run[end - 1] not in _TAIL:
                found.add(run[start:end])
    return found


def _ends(run: str, kinds: Sequence[int], end: int) -> bool:
    """Whether a piece may end before this character: words end there, or the stem of a verb."""
    if end == len(run):
        return True
    last, following = kinds[end - 1], kinds[end]
    if last == following:
        return not last and kinds[end - 2] == KANJI  # the first hiragana after kanji: 漏れ
    return last != KANJI or following != 0 or run[end] in _PARTICLES


def _kind(character: str) -> int:
    """0: hiragana, 1: katakana, 2: kanji; the sign of a long vowel is katakana."""
    if "\u3041" <= character <= "\u309f":
        return 0
    return 1 if "\u30a1" <= character <= "\u30ff" else KANJI


def _join_words(words: Sequence[str]) -> set[str]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS as plain

    return {
        " ".join(words[a:b])
        for a in range(len(words))
        for b in range(a + 1, min(a + WORDS, len(words)) + 1)
        if words[a] not in plain and words[b - 1] not in plain
    }


def find(texts: Sequence[str], *, customers: pd.Series, names: pd.Series | None = None) -> Phrases:
    """Texts, who wrote each (missing: not known) and which name is taken out of each -> `Phrases`
    that five customers or more wrote, by name."""
    known = customers.fillna("").astype(str).tolist()
    own = [""] * len(known) if names is None else names.fillna("").astype(str).tolist()
    pieces = [split(text, names=(name,)) for text, name in zip(texts, own, strict=True)]
    writers: dict[str, set[str]] = defaultdict(set)
    counts: Counter[str] = Counter()
    for who, found in zip(known, pieces, strict=True):
        counts.update(found)
        for piece in found if who else ():
            writers[piece].add(who)
    kept = {piece for piece, people in writers.items() if len(people) >= FEWEST}
    kept -= _list_shorter(kept, counts)
    place = {name: n for n, name in enumerate(sorted(kept))}
    rows = [(n, place[p]) for n, found in enumerate(pieces) for p in found if p in place]
    at = np.array(rows, dtype=int).reshape(-1, 2)
    shape = (len(known), len(place))
    held = sparse.csr_matrix((np.ones(len(at)), (at[:, 0], at[:, 1])), shape=shape)
    return Phrases(list(place), held)


def _list_shorter(kept: set[str], counts: Counter[str]) -> set[str]:
    """Pieces of which nearly all enquiries hold a longer one."""
    shorter = set()
    for longer in kept:
        inside = _join_words(longer.split()) if longer.isascii() else _list_inside(longer)
        for piece in inside - {longer}:
            if piece in kept and counts[longer] >= SAME * counts[piece]:
                shorter.add(piece)
    return shorter


def _list_inside(piece: str) -> set[str]:
    ends = range(len(piece) + 1)
    return {piece[a:b] for a in ends for b in ends if b - a >= 2}

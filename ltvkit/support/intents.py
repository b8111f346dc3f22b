"""What an enquiry is about: a linear model on the characters of its text.

Runs of one to three characters, weighed by TF-IDF, and a linear support vector machine for each
intent: no dictionary and no download, so Japanese, English and mixed texts are read alike. How sure
the model is: by how much its first choice is ahead of the second. How much a text is like the known
ones: the cosine of its nearest neighbour among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ltvkit.support.reasons import fold

MOST_WORDS = 50_000  # pieces of texts that are weighed, the most frequent
REFERENCE = 4_000  # known texts that a new one is compared with, the latest
ROWS = 1_000  # texts compared at a time
MOST_LOST = 0.1  # of known intents that may be taken for unknown ones


@dataclass(frozen=True)
class Model:
    """A fitted model: `pieces` (texts -> weights), `linear` (weights -> scores), and the weights
    and intents of the known texts that new ones are compared with."""

    pieces: Any
    linear: Any
    known: Any
    known_intents: np.ndarray

    @property
    def intents(self) -> list[str]:
        """Those it was taught."""
        return [str(name) for name in self.linear.classes_]

    def score(self, texts: Sequence[str]) -> tuple[pd.DataFrame, np.ndarray]:
        """Texts -> `intent` (first choice; equal: by name), `sure` (how far ahead of the second)
        and `similarity` (1 at most), a row per text; and the scores of all intents."""
        if not len(texts):
            table = pd.DataFrame({"intent": pd.Series(dtype=str), "sure": [], "similarity": []})
            return table, np.empty((0, len(self.intents)))
        weights = self.pieces.transform([fold(text) for text in texts])
        scores = self.linear.decision_function(weights)
        if scores.ndim == 1:  # of two intents scikit-learn gives one score
            scores = np.column_stack([-scores, scores])
        two = -np.partition(-scores, 1, axis=1)[:, :2]
        table = pd.DataFrame({"intent": np.asarray(self.intents)[scores.argmax(axis=1)]})
        table["sure"] = two[:, 0] - two[:, 1]
        return table.assign(similarity=self.compare(weights)), scores

    def compare(self, weights: Any, *, but: np.ndarray | None = None) -> np.ndarray:
        """Weights of texts -> how like each is to the known text nearest to it; `but`: to one of
        another intent than this."""
        found = []
        for start in range(0, weights.shape[0], ROWS):
            cosine = (weights[start : start + ROWS] @ self.known.T).toarray()
            if but is not None:
                cosine[self.known_intents[None, :] == but[start : start + ROWS, None]] = 0.0
            found.append(np.minimum(cosine.max(axis=1), 1.0))
        return np.concatenate(found) if found else np.empty(0)


def fit(texts: Sequence[str], intents: Sequence[str]) -> Model:
    """Texts with their intents, two of these at least -> `Model`."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    pieces = TfidfVectorizer(
        analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=2 if len(texts) > 200 else 1,
        max_features=MOST_WORDS, lowercase=False, dtype=np.float32,
    )  # fmt: skip
    weights = pieces.fit_transform([fold(text) for text in texts])
    linear = LinearSVC(C=1.0, random_state=0).fit(weights, list(intents))
    known = np.asarray(intents, dtype=object)[-REFERENCE:]
    return Model(pieces, linear, weights[-REFERENCE:], known)


def choose_unknown(model: Model, texts: Sequence[str], intents: Sequence[str]) -> float:
    """Later texts of known intents -> below which similarity a text is of an unknown intent.

    Each text is compared with known ones of all intents, and of all but its own, as if nobody had
    ever named its intent. The similarity that tells both apart best, at which no more than a tenth
    of the known is lost.
    """
    weights = model.pieces.transform([fold(text) for text in texts])
    own = model.compare(weights)
    unseen = model.compare(weights, but=np.asarray(intents, dtype=object))
    tried = np.unique(np.quantile(own, np.linspace(0, MOST_LOST, 51)))
    gained = [(unseen < cut).mean() - (own < cut).mean() for cut in tried]
    return float(tried[int(np.argmax(gained))])

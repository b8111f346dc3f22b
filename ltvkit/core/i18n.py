"""The words a reader sees, through gettext: English is the source, LTVKIT_LANG picks another."""

from __future__ import annotations

import gettext
import os
from pathlib import Path

N_ = str  # marks a word for the catalogue; it is looked up when it is shown


def _(message: str) -> str:
    """`message` in the language of LTVKIT_LANG; unchanged where there is no catalogue.

    >>> _("revenue")
    'revenue'
    """
    chosen = language()
    return _catalogue(chosen).gettext(message) if chosen else message


def language() -> str | None:
    """The language that LTVKIT_LANG asks for; None is English."""
    return os.environ.get("LTVKIT_LANG")


def _catalogue(language: str) -> gettext.NullTranslations:
    folder = Path(__file__).parents[1] / "locale"
    return gettext.translation("ltvkit", folder, languages=[language], fallback=True)

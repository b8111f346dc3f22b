"""The words a reader sees, through gettext: English is the source, LTVKIT_LANG picks another."""

from __future__ import annotations

import gettext
import os
from pathlib import Path


def _(message: str) -> str:
    """`message` in the language of LTVKIT_LANG; unchanged where there is no catalogue.

    >>> _("revenue")
    'revenue'
    """
    language = os.environ.get("LTVKIT_LANG")
    return _catalogue(language).gettext(message) if language else message


def _catalogue(language: str) -> gettext.NullTranslations:
    folder = Path(__file__).with_name("locale")
    return gettext.translation("ltvkit", folder, languages=[language], fallback=True)

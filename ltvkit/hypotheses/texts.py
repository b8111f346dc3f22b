"""What pages say about hypotheses: the sentences of `texts.yaml`, in the reader's language."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ltvkit.core.i18n import _

TEXTS = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))


def fill(name: str, **values: Any) -> str:
    """The text `name` with its values filled in.

    >>> fill("interval", low=1, high=2)
    '1 to 2'
    """
    return _(TEXTS[name]).format(**values)

"""The report's pages as Jinja templates, with one style sheet put into each of them."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from ltvkit.core.i18n import _

HERE = Path(__file__).parent


def render(name: str, **values: Any) -> str:
    """A template filled in. In HTML everything is escaped unless the template says it is safe."""
    return _environment().get_template(name).render(language=_language(), **values)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=lambda name: ".html" in name,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(_=_, style=(HERE / "style.css").read_text("utf-8"))
    return environment


def _language() -> str:
    return os.environ.get("LTVKIT_LANG") or "en"

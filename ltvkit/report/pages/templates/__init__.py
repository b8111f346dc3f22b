"""The report's pages as Jinja templates, with one style sheet put into each of them."""

from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from ltvkit.core.i18n import _, language, n_
from ltvkit.display import formats, joining

HERE = Path(__file__).parent


def render(name: str, **values: Any) -> str:
    """A template filled in. In HTML everything is escaped unless the template says it is safe."""
    return _environment().get_template(name).render(language=language(), **values)


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
    words = {"_": _, "n_": n_, "month_name": formats.month, "day": formats.day}
    words |= {
        f.__name__: f for f in (joining.colon, joining.items, joining.sentences, joining.stop)
    }
    environment.globals.update(words, style=(HERE / "style.css").read_text("utf-8"))
    return environment

"""Names and literals written into SQL."""

import re
from typing import Any


def quoted(name: str) -> str:
    """A column name as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def one_file(path: Any) -> str:
    """A path as a SQL literal that names this file alone: DuckDB takes [1] in it for a pattern."""
    return literal(re.sub(r"[\[*?]", r"[\g<0>]", str(path)))


def once(sql: str, name: str, body: str) -> str:
    """`body`, which may say `name` often, over `sql`, computed once."""
    return f"list_transform([{sql}], lambda {name}: {body})[1]"

"""Code lines of Python folders: what is no blank, no comment and no docstring.

    python tests/benchmarks/count_code.py ltvkit tests

Two states of the kit are compared by one counter: run it on the folder of each.
"""

from __future__ import annotations

import ast
import sys
import tokenize
from pathlib import Path

NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENCODING, tokenize.ENDMARKER,
}  # fmt: skip
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_lines(path: Path) -> int:
    """How many lines of a file hold code; a text over several lines counts with all of them."""
    with path.open("rb") as file:
        tokens = [t for t in tokenize.tokenize(file.readline) if t.type not in NO_CODE]
    lines = {n for token in tokens for n in range(token.start[0], token.end[0] + 1)}
    return len(lines - _docstrings(ast.parse(path.read_bytes())))


def _docstrings(tree: ast.Module) -> set[int]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            found |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return found


if __name__ == "__main__":
    for folder in map(Path, sys.argv[1:]):
        paths = sorted(folder.rglob("*.py"))
        print(f"{folder}: {sum(map(code_lines, paths)):,} code lines in {len(paths)} files")

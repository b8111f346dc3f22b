"""Params and hypotheses as nobody should write them, made from good ones by a number alone."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import yaml

from ltvkit.config import notebooks, params, shop
from ltvkit.errors import LtvkitError
from ltvkit.hypotheses.registry import schema

HOME = Path(__file__).resolve().parents[1]
SEEDS = [*sorted((HOME / "params").glob("*.yaml"))] * 3
SEEDS += sorted((HOME / "params" / "hypotheses" / "shop").glob("*.yaml"))
SLOWEST = 20.0  # seconds of processor time; what is not bounded takes minutes
VALUES = [
    *(".nan", ".inf", "-.inf", "-1", "0", "1e400", "9" * 90, "9" * 5000, "0x1F", "00123", "1_000"),
    *("1:30", "1:30.5", "2024-01-05", "9999-12-31", "2024-13", "last", "~", "null", "no", "yes"),
    *("[]", "{}", "[[]]", "[1, a, ~]", "{a: 1}", "{a: {b: [1]}}", "{1: 2}", "{~: 1}", '""', "' '"),
    *("&a [*a]", "&a {b: *a}", "*nobody", "!!python/name:os.system", "!!binary aGVs", "!!set {a}"),
    *('"\\0"', '"\\ud800"', "注文", "'; drop table'", "<b>", "%", "@", "`", "|", ">", "- a", "? a"),
    *("x" * 300, "/dev/zero", "../..", "~nobody-of-this-name/x", "https://a.example/b", "'a\n\nb'"),
]
KEYS = ["shop", "tpo", "out", "<<", "12", "on", "''", "[a]", "? a", "Ａ", "a b", "k" * 300, "*a"]
ENCODINGS = ["utf-16", "utf-32", "cp932", "latin-1", "utf-8-sig", "utf-7"]


def make(number: int) -> tuple[Path, bytes]:
    """The `number`-th file: the good one that it was made from, and its bytes."""
    chance = random.Random(f"params {number}")
    seed = chance.choice(SEEDS)
    lines = seed.read_text("utf-8").splitlines()
    lines = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    for _round in range(chance.choice([1, 1, 1, 2, 5])):
        lines = chance.choice(CHANGES)(chance, lines) or [""]
    content = "\n".join([*lines, ""]).encode("utf-8", "surrogatepass")
    return seed, chance.choice(BYTES)(chance, content)


def judge(folder: Path, number: int) -> str:
    """Check the `number`-th file as the command line does -> "read" or "refused".

    Raises what is no message of the kit's own, and `AssertionError` for a message that names no
    file or is too long, and for one that took too long.
    """
    seed, content = make(number)
    path = folder / seed.name
    path.write_bytes(content)
    start = time.process_time()
    said = _complain(path, schema.read if seed.parent.name != "params" else _check)
    assert time.process_time() - start < SLOWEST
    assert not said or seed.name in said, said
    assert len(said) < 50_000, said[:500]
    return "refused" if said else "read"


def _check(path: Path) -> None:
    with mock.patch.object(notebooks, "find_notebooks", _find_notebooks):
        shop.find_missing_files(params.load(path))


def _complain(path: Path, read: Callable[[Path], object]) -> str:
    try:
        read(path)
    except LtvkitError as error:
        return str(error)
    return ""


@functools.cache
def _find_notebooks() -> list[notebooks.Notebook]:
    return [notebooks.read_notebook(path) for path in sorted((HOME / "notebooks").glob("*.ipynb"))]


def _change_value(chance: random.Random, lines: list[str]) -> list[str]:
    at = chance.randrange(len(lines))
    key, mark, _value = lines[at].partition(":")
    changed = f"{key}{mark} {chance.choice(VALUES)}" if mark else chance.choice(VALUES)
    return [*lines[:at], changed, *lines[at + 1 :]]


def _change_key(chance: random.Random, lines: list[str]) -> list[str]:
    at = chance.randrange(len(lines))
    indent = " " * (len(lines[at]) - len(lines[at].lstrip()))
    value = lines[at].partition(":")[2]
    return [*lines[:at], f"{indent}{chance.choice(KEYS)}:{value}", *lines[at + 1 :]]


def _repeat(chance: random.Random, lines: list[str]) -> list[str]:
    return [*lines, chance.choice(lines)]


def _remove(chance: random.Random, lines: list[str]) -> list[str]:
    at = chance.randrange(len(lines))
    return [*lines[:at], *lines[at + 1 :]]


def _indent(chance: random.Random, lines: list[str]) -> list[str]:
    at = chance.randrange(len(lines))
    return [*lines[:at], chance.choice(["  ", "\t", " "]) + lines[at], *lines[at + 1 :]]


def _nest(chance: random.Random, lines: list[str]) -> list[str]:
    depth = chance.choice([5, 50, 300, 3000])
    opened, closed = chance.choice([("[", "]"), ("{a: ", "}")])
    return [*lines, f"deep: {opened * depth}{closed * chance.choice([0, depth])}"]


def _name_again(chance: random.Random, lines: list[str]) -> list[str]:
    """Aliases of aliases: billions of values, were they all made."""
    levels = chance.choice([2, 4, 12])
    named = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return ["a0: &a0 [x]", *named, *lines]


def _add_many(chance: random.Random, lines: list[str]) -> list[str]:
    return [*lines, *(f"key_{n}: {n}" for n in range(chance.choice([30, 500])))]


def _change_type(chance: random.Random, lines: list[str]) -> list[str]:
    """Any value of the mapping, however deep, becomes another."""
    try:
        found = yaml.safe_load("\n".join(lines))
    except (yaml.YAMLError, ValueError, RecursionError):  # another change has broken it already
        return lines
    if not isinstance(found, dict) or not found:
        return lines
    key = chance.choice(list(found))
    other = [
        None,
        True,
        5,
        -0.5,
        float("nan"),
        "x",
        [],
        [1, "a"],
        {},
        {"a": [None]},
        [[1]],
        {"": ""},
    ]
    inner = found[key]
    if isinstance(inner, dict) and inner and chance.random() < 0.7:
        inner[chance.choice(list(inner))] = chance.choice(other)
    else:
        found[key] = chance.choice(other)
    return yaml.safe_dump(found, allow_unicode=True).splitlines()


CHANGES = [_change_value] * 4 + [_change_type] * 4 + [_change_key] * 2
CHANGES += [_repeat, _remove, _indent, _nest, _name_again, _add_many]


def _keep(_chance: random.Random, content: bytes) -> bytes:
    return content


def _cut(chance: random.Random, content: bytes) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def _flip(chance: random.Random, content: bytes) -> bytes:
    at = chance.randrange(len(content) + 1)
    return content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :]


def _encode(chance: random.Random, content: bytes) -> bytes:
    return content.decode("utf-8", "replace").encode(chance.choice(ENCODINGS), "replace")


BYTES = [_keep] * 8 + [_cut, _flip, _encode]

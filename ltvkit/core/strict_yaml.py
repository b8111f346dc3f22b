"""YAML without surprises: what would come out as something else than was written is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import yaml

from ltvkit.core import redaction
from ltvkit.errors import ParamsError, nearest


class _Loader(yaml.SafeLoader):
    """YAML as papermill reads it, without the surprises: what it would change is refused."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen: set[str] = set()
        for key, _value in node.value:
            if not key.tag.endswith((":str", ":merge")):
                self._refuse(key, f"the key {key.value} is not text; put it in quotes")
            if key.value in seen:
                self._refuse(key, f"the key '{key.value}' appears twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)

    def construct_whole(self, node: yaml.ScalarNode) -> int:
        """An id like 00123 would come out as 83, and 12:30 as 750."""
        if not re.fullmatch(r"[-+]?(0|[1-9][0-9]*)", node.value):
            self._refuse(node, f'{node.value} would be changed; put it in quotes: "{node.value}"')
        return int(node.value)

    def _refuse(self, node: yaml.Node, problem: str) -> NoReturn:
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_whole)
# Dates stay text.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if not tag.endswith(":timestamp")]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(path: Path) -> tuple[dict[str, Any], dict[str, yaml.Node]]:
    """The mapping in a YAML file, and the node of each value (it knows the line and the raw text).

    Raises `ParamsError` for a file that cannot be read, is not a mapping, or holds a secret.
    Checks no key beyond that.
    """
    try:
        loader = _Loader(path.read_text("utf-8-sig"))
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise ParamsError(
                f"{path}: expected lines of `key: value`, found "
                f"{'nothing' if node is None else 'a ' + node.id}."
            )
        values = loader.construct_document(node)
        nodes = {key.value: value for key, value in node.value}
        for key, value in values.items():
            _check_secret(path, key, value, nodes)
    except OSError as error:
        hint = nearest(path.name, [p.name for p in path.parent.glob("*.yaml")])
        raise ParamsError(f"{path}: cannot be read ({error.strerror}).{hint}") from error
    except UnicodeDecodeError as error:
        raise ParamsError(f"{path}: is not UTF-8 text; save it as UTF-8.") from error
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        where = f"{path}, line {mark.line + 1}" if mark else str(path)
        text = problem or str(error).partition("\n")[0]
        raise ParamsError(
            f"{where}: cannot be read as YAML: {text}. A key and its value are `key: value`; what "
            "is below a key is indented by two spaces, never by tabs."
        ) from error
    return values, nodes


def _check_secret(path: Path, key: str, value: Any, nodes: Mapping[str, yaml.Node]) -> None:
    try:
        redaction.check(key, value)
    except ParamsError as error:
        where = f", line {nodes[key].start_mark.line + 1}" if key in nodes else ""
        raise ParamsError(f"{path}{where}: {error}") from error


def raw_text(node: yaml.Node) -> str:
    """A value as the file has it; the start of it where it is long."""
    if isinstance(node, yaml.ScalarNode):
        return repr(node.value) if node.style in ("'", '"') else node.value
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"

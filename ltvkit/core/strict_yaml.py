"""YAML files in which text stays as written; what YAML would change without a word is refused."""

import re
from collections.abc import Collection
from copy import copy
from pathlib import Path
from typing import Any, NoReturn

import yaml

from ltvkit.core import redaction
from ltvkit.errors import ParamsError, nearest

TAG = "tag:yaml.org,2002:"
# What YAML takes text without quotes for: in a list, where the kit has no switches; and elsewhere.
SWITCHES = frozenset({f"{TAG}bool", f"{TAG}null"})
WORDS = SWITCHES | {f"{TAG}float"}

_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]{0,99})")
_SIGNED = re.compile(rf"\+{_WHOLE.pattern}|-0")  # whole numbers that are not written back the same
_DECIMAL = re.compile(r"[-+]?(((0|[1-9]\d*)\.?\d*|\.\d+)(e[-+]?\d+)?|\.inf|\.nan)", re.I | re.A)


class _Refusal(yaml.constructor.ConstructorError):
    """What can be read as YAML, and is refused by the kit."""


class _Loader(yaml.SafeLoader):
    """YAML 1.1, as papermill reads it, except that dates stay text and no value is changed."""

    def construct_mapping(self, node: yaml.Node, deep: bool = False) -> dict:
        if not isinstance(node, yaml.MappingNode):
            self._refuse(node, f"{raw_text(node)} is not a mapping")
        seen: set[str] = set()
        for key, _value in node.value:
            if key.tag not in (f"{TAG}str", f"{TAG}merge"):
                self._refuse(key, f"the key {raw_text(key)} is not text; put it in quotes")
            if key.value in seen:
                self._refuse(key, f"the key '{key.value}' appears twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)

    def construct_whole(self, node: yaml.ScalarNode) -> int:
        """YAML would read 00123 as 83, 12:30 as 750, and 1_0 as 10."""
        if not _WHOLE.fullmatch(node.value):
            self._refuse_change(node)
        return int(node.value)

    def construct_decimal(self, node: yaml.ScalarNode) -> float:
        """YAML would read 1:30.5 as 90.5."""
        if not _DECIMAL.fullmatch(node.value):
            self._refuse_change(node)
        return self.construct_yaml_float(node)

    def construct_switch(self, node: yaml.ScalarNode) -> bool:
        """True or False, also of yes, no, on and off."""
        if node.value.lower() not in self.bool_values:
            self._refuse(node, f"{node.value} is not true or false")
        return self.construct_yaml_bool(node)

    def _refuse_change(self, node: yaml.ScalarNode) -> NoReturn:
        self._refuse(node, f'{node.value} would be changed; put it in quotes: "{node.value}"')

    def _refuse(self, node: yaml.Node, problem: str) -> NoReturn:
        raise _Refusal(None, None, problem, node.start_mark)


KEPT = (None, *(TAG + kind for kind in ("map", "null", "seq", "str")))
_Loader.yaml_constructors = {tag: yaml.SafeLoader.yaml_constructors[tag] for tag in KEPT} | {
    f"{TAG}bool": _Loader.construct_switch,
    f"{TAG}float": _Loader.construct_decimal,
    f"{TAG}int": _Loader.construct_whole,
}
# Dates stay text, and so does a lone "=".
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if not tag.endswith((":timestamp", ":value"))]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(path: Path, *, texts: Collection[str] = ()) -> tuple[dict[str, Any], dict[str, yaml.Node]]:
    """The mapping in a YAML file, and the node of each value (it knows the line and the raw text).

    Text stays as written: dates everywhere; `No`, `off` and `null` in any list; and these and
    `1.50` below the keys in `texts` ("columns", "policies.guest_ids"). A number that YAML would
    change (00123, 1:30.5, 1_000) is refused until it is in quotes.

    Raises `ParamsError` for a file that cannot be read, is not a mapping, or holds a secret.
    Checks no key beyond that.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "a.yaml")
    >>> _ = path.write_text("shares: [0.70, 1]\\nwords: [No, 1.50]\\non_sale: off")
    >>> read(path, texts=["words"])[0]
    {'shares': [0.7, 1], 'words': ['No', '1.50'], 'on_sale': False}
    """
    try:
        loader = _Loader(path.read_text("utf-8-sig"))
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise ParamsError(
                f"{path}: expected lines of `key: value`, found "
                f"{'nothing' if node is None else 'a ' + node.id}."
            )
        node = _keep_text(node, texts)
        values = loader.construct_document(node)
        nodes = {key.value: value for key, value in node.value}
        for key, value in values.items():
            try:
                redaction.check(key, value)
            except ParamsError as error:
                line = nodes[key].start_mark.line + 1 if key in nodes else 1  # of a merged key
                raise ParamsError(f"{path}, line {line}: {error}") from error
    except OSError as error:
        hint = nearest(path.name, [p.name for p in path.parent.glob("*.yaml")])
        raise ParamsError(f"{path}: cannot be read ({error.strerror}).{hint}") from error
    except UnicodeDecodeError as error:
        raise ParamsError(f"{path}: is not UTF-8 text; save it as UTF-8.") from error
    except RecursionError as error:
        raise ParamsError(
            f"{path}: a list or mapping in it contains itself, or is too deep."
        ) from error
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        where = f"{path}, line {mark.line + 1}" if mark else str(path)
        if isinstance(error, _Refusal):
            raise ParamsError(f"{where}: {problem}.") from error
        text = redaction.foreign(problem or error)
        raise ParamsError(
            f"{where}: cannot be read as YAML: {text}. A key and its value are `key: value`; what "
            "is below a key is indented by two spaces, never by tabs."
        ) from error
    return values, nodes


def _keep_text(
    node: Any, texts: Collection[str], kept: frozenset[str] = frozenset(), path: str = ""
) -> Any:
    """A copy in which what has a tag in `kept`, or is below a key of `texts`, is text if filled.

    A copy, as an anchor may be named both where text is meant and where a number is.
    """
    node = copy(node)
    if isinstance(node, yaml.ScalarNode):
        signed = kept == WORDS and _SIGNED.fullmatch(node.value)
        if node.tag == f"{TAG}merge" or (node.tag in kept and node.value) or signed:
            node.tag = f"{TAG}str"
    elif isinstance(node, yaml.SequenceNode):
        node.value = [_keep_text(item, texts, kept | SWITCHES, path) for item in node.value]
    else:
        node.value = [(key, _keep_value(key, v, texts, kept, path)) for key, v in node.value]
    return node


def _keep_value(
    key: yaml.Node, value: Any, texts: Collection[str], kept: frozenset[str], path: str
) -> Any:
    """The value of a key, as `_keep_text`; what is merged stands where its `<<` stands."""
    if key.tag != f"{TAG}merge":
        below = f"{path}.{key.value}" if path else key.value
        named = kept == WORDS or below in texts
        return _keep_text(value, texts, WORDS if named else frozenset(), below)
    if isinstance(value, yaml.SequenceNode):
        value = copy(value)
        value.value = [_keep_text(each, texts, kept, path) for each in value.value]
        return value
    return _keep_text(value, texts, kept, path)


def raw_text(node: yaml.Node) -> str:
    """A value as the file has it; the start of it where it is long."""
    if isinstance(node, yaml.ScalarNode):
        return repr(node.value) if node.style in ("'", '"') else node.value
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"

"""YAML files in which text stays as written; what YAML would change without a word is refused."""

import re
from collections.abc import Collection
from copy import copy
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from ltvkit.core import redaction
from ltvkit.errors import ParamsError, nearest, raise_all

TAG = "tag:yaml.org,2002:"
# What YAML takes text without quotes for: in a list, where the kit has no switches; and elsewhere.
SWITCHES = frozenset({f"{TAG}bool", f"{TAG}null"})
WORDS = SWITCHES | {f"{TAG}float"}

MOST_BYTES, MOST_VALUES = 1_000_000, 50_000  # of a file of settings; more is none, or an attack
_SHOWN = 100  # letters of a value in a message

_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]{0,99})")
_SIGNED = re.compile(rf"\+{_WHOLE.pattern}|-0")  # whole numbers that are not written back the same
_DECIMAL = re.compile(r"[-+]?(((0|[1-9]\d*)\.?\d*|\.\d+)(e[-+]?\d+)?|\.inf|\.nan)", re.I | re.A)


class _Refusal(yaml.constructor.ConstructorError):
    """What can be read as YAML, and is refused by the kit."""


class _Loader(yaml.SafeLoader):
    """YAML 1.1, as papermill reads it, except that dates stay text and no value is changed.

    `refused` are the values that are, each with what is wrong; they are read as None.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.refused: list[tuple[yaml.Node, str]] = []

    def construct_mapping(self, node: yaml.Node, deep: bool = False) -> dict:
        if not isinstance(node, yaml.MappingNode):
            self._refuse(node, f"{raw_text(node)} is not a mapping")
            return {}
        seen: dict[str, tuple] = {}
        for key, value in node.value:
            if key.tag not in (f"{TAG}str", f"{TAG}merge"):
                self._refuse(key, f"the key {raw_text(key)} is not text; put it in quotes")
            elif key.value in seen:
                self._refuse(key, f"the key '{key.value}' appears twice")
            else:
                seen[key.value] = key, value
        node = copy(node)
        node.value = [*seen.values()]
        return super().construct_mapping(node, deep=deep)

    def construct_whole(self, node: yaml.ScalarNode) -> int | None:
        """YAML would read 00123 as 83, 12:30 as 750, and 1_0 as 10."""
        if _WHOLE.fullmatch(node.value):
            return int(node.value)
        self._refuse_change(node)
        return None

    def construct_decimal(self, node: yaml.ScalarNode) -> float | None:
        """YAML would read 1:30.5 as 90.5."""
        if _DECIMAL.fullmatch(node.value):
            return self.construct_yaml_float(node)
        self._refuse_change(node)
        return None

    def construct_text(self, node: yaml.ScalarNode) -> str | None:
        """Text without what neither a file nor a page can hold: NUL, and halves of characters."""
        if not _UNWRITABLE.search(node.value):
            return self.construct_yaml_str(node)
        self._refuse(node, f"{node.value[:_SHOWN]!a} holds a character of no text")
        return None

    def construct_switch(self, node: yaml.ScalarNode) -> bool | None:
        """True or False, also of yes, no, on and off."""
        if node.value.lower() in self.bool_values:
            return self.construct_yaml_bool(node)
        self._refuse(node, f"{raw_text(node)} is not true or false")
        return None

    def _refuse_change(self, node: yaml.ScalarNode) -> None:
        raw = raw_text(node)
        self._refuse(node, f'{raw} would be changed; put it in quotes: "{raw}"')

    def _refuse(self, node: yaml.Node, problem: str) -> None:
        self.refused.append((node, problem))


KEPT = (None, *(TAG + kind for kind in ("map", "null", "seq")))
_Loader.yaml_constructors = {tag: yaml.SafeLoader.yaml_constructors[tag] for tag in KEPT} | {
    f"{TAG}bool": _Loader.construct_switch,
    f"{TAG}float": _Loader.construct_decimal,
    f"{TAG}int": _Loader.construct_whole,
    f"{TAG}str": _Loader.construct_text,
}
# Dates stay text, and so does a lone "=".
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if not tag.endswith((":timestamp", ":value"))]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(
    path: Path, *, texts: Collection[str] = (), problems: list[str] | None = None
) -> tuple[dict[str, Any], dict[str, yaml.Node]]:
    """The mapping in a YAML file, and the node of each value (it knows the line and the raw text).

    Text stays as written: dates everywhere; `No`, `off` and `null` in any list; and these and
    `1.50` below the keys in `texts` ("columns", "policies.guest_ids"). A number that YAML would
    change (00123, 1:30.5, 1_000) is refused until it is in quotes.

    Raises `ParamsError` for a file that cannot be read, is not a mapping, or holds a secret.
    Checks no key beyond that. Where a list of `problems` is given, values that are refused are
    added to it, each with its line, and their keys are left out of the mapping.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "a.yaml")
    >>> _ = path.write_text("shares: [0.70, 1]\\nwords: [No, 1.50]\\non_sale: off")
    >>> read(path, texts=["words"])[0]
    {'shares': [0.7, 1], 'words': ['No', '1.50'], 'on_sale': False}
    """
    found: list[str] = []
    try:
        values, nodes = _load(_read_text(path), texts, found)
    except _NoMapping as error:
        raise ParamsError(f"{path}: {error}") from error
    except RecursionError as error:
        raise ParamsError(f"{path}: a list or mapping in it is too deep.") from error
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
    if problems is None:
        raise_all(path, found)
    else:
        problems += found
    return values, nodes


class _NoMapping(ValueError):
    """The file is something else than lines of `key: value`."""


def _read_text(path: Path) -> str:
    """The text of a file; raises `ParamsError` where it cannot be read, or is no params file."""
    try:
        if path.exists() and not path.is_file():
            what = "a folder" if path.is_dir() else "no file, but a device or a pipe"
            raise ParamsError(f"{path}: cannot be read: it is {what}. Give a YAML file.")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        hint = nearest(path.name, [p.name for p in path.parent.glob("*.yaml")])
        raise ParamsError(f"{path}: cannot be read ({error.strerror}).{hint}") from error
    if len(content) > MOST_BYTES:
        raise ParamsError(
            f"{path}: is larger than {MOST_BYTES:,} bytes, so it is no file of settings. Put long "
            "lists into a CSV file."
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ParamsError(f"{path}: is not UTF-8 text; save it as UTF-8.") from error


def _load(
    text: str, texts: Collection[str], problems: list[str]
) -> tuple[dict[str, Any], dict[str, yaml.Node]]:
    """The mapping in a text, without the keys whose values are refused; those are `problems`."""
    loader = _Loader(text)
    node = loader.get_single_node()
    if not isinstance(node, yaml.MappingNode):
        kind = "nothing" if node is None else f"a {node.id}"
        raise _NoMapping(f"expected lines of `key: value`, found {kind}.")
    _count_nodes(node, {})
    node = _keep_text(node, texts)
    values = loader.construct_document(node)
    nodes = {key.value: value for key, value in node.value if key.tag == f"{TAG}str"}
    for key in values.keys() - nodes.keys():  # merged
        nodes[key] = yaml.ScalarNode(f"{TAG}str", str(values[key]), node.start_mark)
    for wrong, problem in sorted(loader.refused, key=lambda found: found[0].start_mark.index):
        problems.append(f"line {wrong.start_mark.line + 1}: {problem}.")
        for key, value in nodes.items():
            if value.start_mark.index <= wrong.start_mark.index < value.end_mark.index:
                values.pop(key, None)
    for key, value in values.items():
        try:
            redaction.check(key, value)
        except ParamsError as error:
            problems.append(f"line {nodes[key].start_mark.line + 1}: {error}")
    return values, nodes


def _count_nodes(node: Any, known: dict[int, int]) -> int:
    """How many nodes there are once each alias is replaced by what it names.

    A few lines of aliases of aliases can name billions. `known`: counts by node; 0 while it is
    being counted. Raises `_Refusal` for too many, and for one that contains itself.
    """
    if (count := known.setdefault(id(node), -1)) >= 0:
        if count == 0:
            what = "a list or mapping in it contains itself"
            raise _Refusal(None, None, what, node.start_mark)
        return count
    known[id(node)] = 0
    inner = () if isinstance(node, yaml.ScalarNode) else node.value
    pairs = isinstance(node, yaml.MappingNode)
    total = 1 + sum(_count_nodes(n, known) for n in (chain(*inner) if pairs else inner))
    if total > MOST_VALUES:
        what = f"it names more than {MOST_VALUES:,} values, by aliases (*) of aliases or one by one"
        raise _Refusal(None, None, what, node.start_mark)
    known[id(node)] = total
    return total


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
        text = node.value if len(node.value) <= _SHOWN else f"{node.value[:_SHOWN]}..."
        return repr(text) if node.style in ("'", '"') else text
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"

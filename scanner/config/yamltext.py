"""YAML text to plain data: safe tags only, no key twice, and remembering in which line everything stands."""

from __future__ import annotations

from collections.abc import Iterator

import yaml
from msgspec import Struct
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from scanner.decoding import Fault, Key, Keys


class Problem(Struct, frozen=True):
    """A fault and its line, counted from 1 (None: of the whole)."""

    line: int | None
    fault: Fault


class YamlError(Exception):
    """The text cannot be read as YAML, or says something twice."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("no usable YAML")
        self.problems = problems


class Document(Struct, frozen=True):
    """Plain data and the tree it was read from."""

    data: object
    root: Node | None

    def line(self, keys: Keys) -> int | None:
        """The line, from 1, of what stands at ``keys``, or of what encloses it; None in an empty document."""
        if self.root is None:
            return None
        node, line = self.root, _line(self.root)
        for key in keys:
            found = _child(node, key)
            if found is None:
                break
            named, node = found
            line = _line(named)
        return line


def read_yaml(text: bytes) -> Document:
    """Read the one document in ``text``; an empty one is an empty mapping. Errors: YamlError."""
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        doubles = [] if root is None else list(_doubles(root, (), set()))
        if doubles:
            raise YamlError(doubles)
        data: object = {} if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        message = ", ".join(part for part in (fault.context, fault.problem) if part)
        raise YamlError([Problem(mark.line + 1 if mark else None, Fault((), message))]) from fault
    except (yaml.YAMLError, ValueError, RecursionError) as fault:
        raise YamlError([Problem(None, Fault((), f"cannot be read: {' '.join(str(fault).split())}"))]) from fault
    return Document({} if data is None else data, root)


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _child(node: Node, key: Key) -> tuple[Node, Node] | None:
    """The node that names ``key`` and the node of its value. What was merged in comes before a mapping's own keys."""
    if isinstance(node, MappingNode):
        return next(((name, value) for name, value in reversed(node.value) if name.value == key), None)
    if isinstance(node, SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key], node.value[key]
    return None


def _doubles(node: Node, keys: Keys, seen: set[int]) -> Iterator[Problem]:
    """Keys that stand twice in one mapping. An anchored node is looked at once, however often it is used."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, SequenceNode):
        for index, child in enumerate(node.value):
            yield from _doubles(child, (*keys, index), seen)
    elif isinstance(node, MappingNode):
        first: dict[str, Node] = {}
        for name, child in node.value:
            key = str(name.value)
            if isinstance(name, ScalarNode) and key in first:
                message = f"stands there twice, first in line {_line(first[key])}"
                yield Problem(_line(name), Fault((*keys, key), message))
            first.setdefault(key, name)
            yield from _doubles(child, (*keys, key), seen)

"""YAML and JSON texts as the API server would get them, with the line of every member. Used by `judge`.

Values are built from the parser's nodes, since only these tell lines and keys that stand there twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, cast

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from sshcredential_operator.manifests.finding import Fault
from sshcredential_operator.manifests.scalars import plain_scalar

Path = tuple[str | int, ...]
Json = Any

MOST_NODES: Final = 200_000
MOST_DEPTH: Final = 100
_TAG: Final = "tag:yaml.org,2002:"
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_resolve: Final = cast("Callable[[type, str, tuple[bool, bool]], str]", yaml.SafeLoader("").resolve)


class TooMuchError(Exception):
    """A document that is nested too deep, refers to itself, or becomes huge by its aliases."""


@dataclass(slots=True)
class Document:
    """One document: its JSON value, the line of each path, and what was wrong in reading it."""

    number: int
    line: int
    value: Json = None
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def line_of(self, path: Path) -> int:
        """Return the line of a member, or of the nearest that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, self.line)


@dataclass(frozen=True, slots=True)
class NoYaml:
    """From this line on the text is no YAML."""

    number: int
    line: int
    says: str


def documents_of(text: str) -> Iterator[Document | NoYaml]:
    """Yield the documents of a text that hold anything; last of all what ends the reading, if it is no YAML."""
    loader = _LOADER(text)
    number, line = 0, 1
    try:
        while loader.check_node():
            node = cast("Node", loader.get_node())
            number += 1
            line = node.start_mark.line + 1
            document = Document(number, line)
            document.value = _Reader(document).value(node, ())
            if document.value is not None:
                yield document
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        yield NoYaml(
            number + 1,
            mark.line + 1 if mark else 1,
            "This is no YAML: indentation, quotes or brackets are not closed or not in line here. Correct it.",
        )
    except yaml.YAMLError:
        yield NoYaml(number + 1, 1, "This is no YAML: it holds characters that YAML does not allow. Remove them.")
    except TooMuchError:
        yield NoYaml(
            number, line, "This document is nested too deep, or becomes too large by its aliases. Write it plainly."
        )
    finally:
        loader.dispose()


class _Reader:
    """Builds the value of one document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._count = 0

    def value(self, node: Node, path: Path) -> Json:
        self._count += 1
        if self._count > MOST_NODES or len(path) > MOST_DEPTH:
            raise TooMuchError
        self._document.lines.setdefault(path, node.start_mark.line + 1)
        match node:
            case MappingNode():
                return self._mapping(node, path)
            case SequenceNode():
                return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return _scalar(cast("ScalarNode", node))

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Json]:
        found: dict[str, Json] = {}
        merged: dict[str, Json] = {}
        for key_node, value_node in node.value:
            if isinstance(key_node, ScalarNode) and key_node.value == "<<" and not key_node.style:
                merged |= self._merged(value_node, path)
                continue
            key = self._key(key_node, path)
            here = (*path, key)
            if key in found:
                self._document.lines[here] = key_node.start_mark.line + 1
                self._fault(
                    here, "DuplicateKey", "This key stands here twice, and only one of them counts. Remove one."
                )
            self._document.lines[here] = key_node.start_mark.line + 1
            found[key] = self.value(value_node, here)
        return merged | found

    def _merged(self, node: Node, path: Path) -> dict[str, Json]:
        """YAML 1.1's merge key: members of another mapping, or of several, the first of which wins."""
        value = self.value(node, path)
        merged: dict[str, Json] = {}
        for part in reversed(value) if isinstance(value, list) else [value]:
            merged |= part if isinstance(part, dict) else {}
        return merged

    def _key(self, node: Node, path: Path) -> str:
        if not isinstance(node, ScalarNode):
            self._fault(path, "KeyNoText", "A key here is a list or a mapping. Keys must be texts.")
            return "?"
        value = _scalar(node)
        return value if isinstance(value, str) else json.dumps(value)

    def _fault(self, path: Path, rule: str, says: str) -> None:
        self._document.faults.append(Fault(path, rule, says))


def _scalar(node: ScalarNode) -> str | int | float | bool | None:
    text = str(node.value)
    if node.style:
        return text
    # A tag that stands in the text is one that the text alone would not have got.
    if node.tag == f"{_TAG}str" and _resolve(ScalarNode, text, (True, False)) != node.tag:
        return text
    return plain_scalar(text)

"""Writes the chart's values.schema.json and the table in its README.md from the comments of values.yaml.

Called by `make generate`, and by `make check` with `--check`: then nothing is written, and the exit status says whether
both are what they should be. The comments are in the form that helm-docs reads; one small program writes the table and
the schema alike, and `make check` needs Python alone.

    # -- What the value is for, in sentences over one line or several.
    # @schema {minimum: 1}             members of its JSON schema, where its default does not say it all
    replicas: 2
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
CHART: Final = ROOT / "charts" / "sshcredential-operator"
VALUES: Final = CHART / "values.yaml"
SCHEMA: Final = CHART / "values.schema.json"
README: Final = CHART / "README.md"
BEGIN: Final = "<!-- Generated from values.yaml by `make generate`. Do not edit this table. -->\n"
END: Final = "<!-- The end of the table. -->\n"

TYPES: Final = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
POLICY: Final[dict[str, Any]] = {
    "type": "object",
    "description": "What new keys of a workspace have to be.",
    "additionalProperties": False,
    "properties": {
        "minRsaBits": {"type": "integer", "minimum": 2048, "maximum": 8192},
        "algorithms": {"type": "array", "minItems": 1, "items": {"enum": ["Ed25519", "ECDSA", "RSA"]}},
        "longestAge": {"type": ["string", "null"], "minLength": 2},
    },
}
"""As api/policy.py reads it; used twice in the schema."""


class Undescribed(Exception):
    """A value without a comment, or one whose type nothing tells."""


class Value(NamedTuple):
    """One value with what its comment says."""

    path: str
    default: Any
    description: str
    schema: dict[str, Any]
    members: tuple[Value, ...]
    """Those that are described one by one; none for a value that is one thing to its reader."""


def values_of(text: str) -> tuple[Value, ...]:
    """Return the values of a file, in its order."""
    return tuple(_members(yaml.compose(text), yaml.safe_load(text), text.splitlines(), ""))


def _members(mapping: yaml.Node | None, defaults: dict[str, Any], lines: list[str], path: str) -> Iterator[Value]:
    if not isinstance(mapping, yaml.MappingNode):
        return
    for key, node in mapping.value:
        here = f"{path}{key.value}"
        description, schema = _comment(lines, key.start_mark.line)
        default = defaults[key.value]
        described = "additionalProperties" in schema or not default
        members = () if described else tuple(_members(node, default, lines, f"{here}."))
        if not members and not description:
            raise Undescribed(f"{here} has no comment")
        yield Value(here, default, description, schema, members)


def _comment(lines: list[str], end: int) -> tuple[str, dict[str, Any]]:
    """Return what the comment right above a line says: its description, and its part of the schema."""
    begin = end
    while begin and lines[begin - 1].lstrip().startswith("#"):
        begin -= 1
    words: list[str] = []
    schema: dict[str, Any] = {}
    for line in (line.strip().removeprefix("#").strip() for line in lines[begin:end]):
        if line.startswith("@schema "):
            schema |= yaml.safe_load(line.removeprefix("@schema "))
        elif line.startswith("-- "):
            words = [line.removeprefix("-- ")]
        elif words:
            words.append(line)
    return " ".join(words), schema


def schema_of(values: tuple[Value, ...]) -> dict[str, Any]:
    """Return the JSON schema of the whole file."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart sshcredential-operator",
        "$comment": "Generated from values.yaml by `make generate`. Do not edit.",
        "type": "object",
        "additionalProperties": False,
        "properties": {value.path: _schema(value) for value in values},
        "$defs": {"policy": POLICY},
    }


def _schema(value: Value) -> dict[str, Any]:
    schema: dict[str, Any] = {"description": value.description} if value.description else {}
    schema |= {"type": TYPES[type(value.default)], "default": value.default} | value.schema
    if value.members:
        del schema["default"]
        schema |= {
            "additionalProperties": False,
            "properties": {member.path.rpartition(".")[2]: _schema(member) for member in value.members},
        }
    if schema["type"] == "object" and "additionalProperties" not in schema:
        raise Undescribed(f"{value.path}: say in @schema what may be in it")
    if schema["type"] == "array" and "items" not in schema:
        raise Undescribed(f"{value.path}: say in @schema what its items are")
    return schema


def table_of(values: tuple[Value, ...]) -> str:
    """Return the table for people."""
    rows = [f"| `{leaf.path}` | {_cell(leaf.default)} | {leaf.description} |\n" for leaf in _leaves(values)]
    return "".join(["| Value | Default | What it is |\n", "|---|---|---|\n", *rows])


def _leaves(values: tuple[Value, ...]) -> Iterator[Value]:
    for value in values:
        yield from _leaves(value.members) if value.members else (value,)


def _cell(default: Any) -> str:  # noqa: ANN401 - a value may be anything
    return f"`{json.dumps(default)}`"


def main() -> int:
    """Write both files, or compare them."""
    values = values_of(VALUES.read_text(encoding="utf-8"))
    readme = README.read_text(encoding="utf-8")
    head, _, rest = readme.partition(BEGIN)
    tail = rest.partition(END)[2]
    wanted = {
        SCHEMA: json.dumps(schema_of(values), indent=2) + "\n",
        README: f"{head}{BEGIN}\n{table_of(values)}\n{END}{tail}",
    }
    stale = [path for path, text in wanted.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not what values.yaml says: run `make generate`", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.write_text(wanted[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

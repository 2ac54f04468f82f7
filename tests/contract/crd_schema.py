"""The CRD as tests look at it: every field with its path, and defaults as the API server fills them in.

Used by the contract tests here and by the schema tests in tests/cluster.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

ROOT: Final = Path(__file__).parents[2]
CRD_FILE: Final = ROOT / "crds" / "sshcredentials.dev_sshcredentials.yaml"
EXAMPLES: Final = ROOT / "examples"

CRD: Final[dict[str, Any]] = yaml.safe_load(CRD_FILE.read_text())
VERSION: Final[dict[str, Any]] = CRD["spec"]["versions"][0]
SCHEMA: Final[dict[str, Any]] = VERSION["schema"]["openAPIV3Schema"]


class Field(NamedTuple):
    """One node of the schema; `path` is what `kubectl explain` takes after the kind, with `[]` for a list's items."""

    path: str
    schema: dict[str, Any]


def fields(schema: dict[str, Any] = SCHEMA, path: str = "") -> Iterator[Field]:
    """Yield every node below this one, the items of lists too."""
    for name, child in schema.get("properties", {}).items():
        yield from _with_children(child, f"{path}.{name}".lstrip("."))
    if items := schema.get("items"):
        yield from _with_children(items, f"{path}[]")


def _with_children(schema: dict[str, Any], path: str) -> Iterator[Field]:
    yield Field(path, schema)
    yield from fields(schema, path)


def field(path: str) -> dict[str, Any]:
    """Return the schema at a path."""
    return next(found.schema for found in fields() if found.path == path)


def rules(schema: dict[str, Any]) -> list[dict[str, str]]:
    """Return the CEL rules that stand at this node."""
    return schema.get("x-kubernetes-validations", [])


def with_defaults(value: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return the value with absent members filled in, as the API server does it before anybody sees the object."""
    filled = dict(value)
    for name, child in schema.get("properties", {}).items():
        if name not in filled and "default" in child:
            filled[name] = child["default"]
        if isinstance(filled.get(name), dict):
            filled[name] = with_defaults(filled[name], child)
    return filled

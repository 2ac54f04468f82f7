"""The CRDs as tests look at them: every field with its path, and defaults as the API server fills them in.

Used by the contract tests here and by the schema tests in tests/cluster.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

ROOT: Final = Path(__file__).parents[2]
CRDS: Final = ROOT / "crds"
EXAMPLES: Final = ROOT / "examples"


class Field(NamedTuple):
    """One node of the schema; `path` is what `kubectl explain` takes after the kind, with `[]` for a list's items."""

    path: str
    schema: dict[str, Any]


@dataclass(frozen=True)
class Definition:
    """One kind of the API."""

    crd: dict[str, Any]

    def __str__(self) -> str:
        """Return the kind, for the ids of tests."""
        return str(self.names["kind"])

    @property
    def names(self) -> dict[str, Any]:
        """Kind, plural, short names and so on."""
        names: dict[str, Any] = self.crd["spec"]["names"]
        return names

    @property
    def version(self) -> dict[str, Any]:
        """The one version."""
        version: dict[str, Any] = self.crd["spec"]["versions"][0]
        return version

    @property
    def schema(self) -> dict[str, Any]:
        """The schema of the whole object."""
        schema: dict[str, Any] = self.version["schema"]["openAPIV3Schema"]
        return schema

    @property
    def columns(self) -> list[str]:
        """What `kubectl get` shows after the name."""
        columns = self.version["additionalPrinterColumns"]
        return [column["name"] for column in columns if not column.get("priority")]

    def fields(self) -> Iterator[Field]:
        """Yield every node of the schema."""
        return fields(self.schema)

    def field(self, path: str) -> dict[str, Any]:
        """Return the schema at a path."""
        return next(found.schema for found in self.fields() if found.path == path)


def fields(schema: dict[str, Any], path: str = "") -> Iterator[Field]:
    """Yield every node below this one, the items of lists too."""
    for name, child in schema.get("properties", {}).items():
        yield from _with_children(child, f"{path}.{name}".lstrip("."))
    if items := schema.get("items"):
        yield from _with_children(items, f"{path}[]")


def _with_children(schema: dict[str, Any], path: str) -> Iterator[Field]:
    yield Field(path, schema)
    yield from fields(schema, path)


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


def _definition(plural: str) -> Definition:
    return Definition(yaml.safe_load((CRDS / f"sshcredentials.dev_{plural}.yaml").read_text()))


CREDENTIAL: Final = _definition("sshcredentials")
EXPORT: Final = _definition("sshcredentialexports")
TARGET: Final = _definition("sshtargets")
DEFINITIONS: Final = (CREDENTIAL, EXPORT, TARGET)

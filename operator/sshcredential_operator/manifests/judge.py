"""One object of ours, judged as the API server would, with strict field validation. Used by `inspect`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sshcredential_operator.manifests.crd import Kind, our_kinds
from sshcredential_operator.manifests.finding import Fault, Level
from sshcredential_operator.manifests.object_meta import metadata_faults
from sshcredential_operator.manifests.schema import Schema, faults_of, unknown_fields, with_defaults

Json = dict[str, Any]

_APART: Final = ("metadata", "status")
"""metadata has a form of its own; a status that is given with a new object is dropped by the API server."""
_RANDOM: Final = "xxxxx"
_LONGEST_GENERATED: Final = 58


def is_ours(value: Json) -> bool:
    """Whether a mapping is, or means to be, an object of this API."""
    group = str(value.get("apiVersion")).partition("/")[0]
    return str(value.get("kind")) in our_kinds() or group in {kind.group for kind in our_kinds().values()}


def object_faults(value: Json) -> Iterator[Fault]:
    """Find what is wrong with an object of this API; levels tell what the API server would take."""
    kind = our_kinds().get(str(value.get("kind")))
    if kind is None:
        yield Fault(("kind",), "UnknownKind", f"kind must be one of: {', '.join(sorted(our_kinds()))}.")
        return
    schema = _served(value, kind)
    if schema is None:
        versions = " or ".join(f"{kind.group}/{version}" for version in kind.versions)
        yield Fault(("apiVersion",), "NotServed", f"apiVersion of {kind.kind} must be {versions}.")
        return
    yield from _checked(value, schema)


def _served(value: Json, kind: Kind) -> Schema | None:
    group, _, version = str(value.get("apiVersion")).partition("/")
    return kind.versions.get(version) if group == kind.group else None


def _checked(value: Json, schema: Schema) -> Iterator[Fault]:
    properties = schema["properties"] | {"metadata": {"type": "object", "additionalProperties": True}}
    yield from unknown_fields(value, schema | {"properties": properties})
    found = list(metadata_faults({} if value.get("metadata") is None else value["metadata"]))
    yield from found
    body = with_defaults({name: member for name, member in value.items() if name not in _APART}, schema)
    body.pop("status", None)
    # Rules about the name are asked where there is a name to ask about; what is wrong elsewhere is told anyway.
    body["metadata"] = {"name": _name(value) if not found else "placeholder"}
    yield from faults_of(body, schema)
    if not found and not value["metadata"].get("name"):
        says = "kubectl apply does not take generateName, only kubectl create does. Give metadata.name."
        yield Fault(("metadata", "generateName"), "GeneratedName", says, Level.WARNING)


def _name(value: Json) -> str:
    metadata = value["metadata"]
    return str(metadata.get("name") or metadata["generateName"][:_LONGEST_GENERATED] + _RANDOM)

"""The CRDs as they are shipped with this package: schema and rules of both kinds. Used by `judge`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of ours, and the schema of each version that is served."""

    group: str
    kind: str
    versions: dict[str, Schema]


@cache
def our_kinds() -> dict[str, Kind]:
    """Return the kinds by their names."""
    folder = files("sshcredential_operator.manifests") / "crds"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    texts = [entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.name.endswith(".yaml")]
    kinds = [_kind(yaml.load(text, Loader=loader)["spec"]) for text in texts]  # noqa: S506 - the safe loader in C
    return {kind.kind: kind for kind in kinds}


def _kind(spec: dict[str, Any]) -> Kind:
    served = {
        version["name"]: version["schema"]["openAPIV3Schema"] for version in spec["versions"] if version["served"]
    }
    return Kind(spec["group"], spec["names"]["kind"], served)

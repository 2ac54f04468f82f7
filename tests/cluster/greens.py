"""How three programs that people trust tell from an object that it is green. Used by `false_greens` and `test_greens`.

Written from their public rules, with nothing of the operator's: `kubectl wait --for=condition=Ready`, the library
kstatus (Flux, `kubectl apply --prune` and others go by it), and Argo CD with the health rule of examples/argocd.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cluster.shown import Object
from contract.lua import CREDENTIAL_HEALTH, answers


class Greens(NamedTuple):
    """Who takes an object for done and healthy."""

    kubectl_wait: bool
    kstatus: bool
    argo_cd: bool


def greens_of(objects: Sequence[Object]) -> list[Greens]:
    """Judge all objects."""
    health = argo_cd_health(objects)
    return [
        Greens(kubectl_wait(found), kstatus(found) == "Current", said == "Healthy")
        for found, said in zip(objects, health, strict=True)
    ]


def kubectl_wait(found: Object, wanted: str = "Ready") -> bool:
    """Whether `kubectl wait --for=condition=Ready` would end: an older observedGeneration does not count."""
    for condition in found.get("status", {}).get("conditions", []):
        if condition["type"].lower() == wanted.lower():
            observed = condition.get("observedGeneration", found["status"].get("observedGeneration"))
            if observed is not None and observed < found["metadata"]["generation"]:
                return False
            return str(condition["status"]).lower() == "true"
    return False


def kstatus(found: Object) -> str:
    """Return the status of an object whose kind kstatus does not know: Terminating, InProgress, Failed or Current."""
    metadata, status = found["metadata"], found.get("status", {})
    if metadata.get("deletionTimestamp"):
        return "Terminating"
    if status.get("observedGeneration", metadata["generation"]) != metadata["generation"]:
        return "InProgress"
    held = {condition["type"]: condition["status"] for condition in status.get("conditions", [])}
    if held.get("Reconciling") == "True":
        return "InProgress"
    if held.get("Stalled") == "True":
        return "Failed"
    return "Current" if held.get("Ready", "True") == "True" else "InProgress"


def argo_cd_health(objects: Sequence[Object]) -> list[str]:
    """Return what Argo CD's health rule says of each object, run by the Lua interpreter."""
    return [str(said["status"]) for said in answers(CREDENTIAL_HEALTH, objects)]

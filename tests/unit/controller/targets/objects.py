"""Targets as the watch shows them, made in one line."""

from __future__ import annotations

from typing import Any

from sshcredential_operator.api.names import Namespace, TargetKey
from sshcredential_operator.api.target import Target, parse_target
from unit.controller.objects import GENOMICS

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIsvUCeHXCOIgQ6yTV8XAJmKPY1rAG05zAdwf22CPDq3"


def target_key(name: str, namespace: Namespace = GENOMICS) -> TargetKey:
    return TargetKey(namespace, name)


def raw_target(
    name: str,
    version: int,
    *,
    credential: str = "hpc-login",
    jump: str | None = None,
    bootstrap: str | None = None,
    namespace: Namespace = GENOMICS,
    **status: Any,
) -> dict[str, Any]:
    """Return a target of this revision."""
    spec: dict[str, Any] = {
        "credentialRef": {"name": credential},
        "host": "login.example.org",
        "username": "nextflow",
        "hostKeys": {"policy": "Pinned", "keys": [HOST_KEY]},
    }
    if jump:
        spec["jumpTargetRef"] = {"name": jump}
    if bootstrap:
        spec["authorizedKey"] = {"manage": "Install", "bootstrap": {"credentialRef": {"name": bootstrap}}}
    metadata = {"namespace": namespace, "name": name, "uid": f"uid-of-{name}", "resourceVersion": str(version)}
    return {"metadata": {**metadata, "generation": 1}, "spec": spec, "status": status}


def target(name: str, version: int, **members: Any) -> Target:
    return parse_target(raw_target(name, version, **members))

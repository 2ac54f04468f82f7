"""What the process was told to be, as values. Made by `cli/targets_process.py`."""

from __future__ import annotations

from dataclasses import dataclass

from sshcredential_operator.api.names import Namespace
from sshcredential_operator.controller.root_sources import IN_SECRET, NamedSource
from sshcredential_operator.controller.targets.cluster_ranges import Told


@dataclass(frozen=True, slots=True)
class TargetOptions:
    """What `sshcredential-operator targets` was told. No workspaces means all namespaces."""

    operator_namespace: Namespace
    workspaces: tuple[Namespace, ...]
    host: str
    port: int
    told: Told
    guarded: bool = True
    """Whether targets are followed only under the admission policy."""
    root_sources: tuple[NamedSource, ...] = IN_SECRET
    """Where the root key is, as the operator was told."""

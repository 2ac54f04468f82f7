"""The manifests of a workspace: its Namespace and who may do what in it. Pure. Used by `workspace`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sshcredential_operator.api.names import GROUP

WORKSPACE_LABEL: Final = f"{GROUP}/workspace"
OPERATOR_ROLE: Final = "sshcredential-operator-workspace"
OPERATOR_BINDING: Final = "sshcredential-operator"
EDITOR_ROLE: Final = "sshcredential-editor"
USER_ROLE: Final = "sshcredential-user"
RBAC: Final = "rbac.authorization.k8s.io"
"""Roles and names that the chart, and the manifests in its files/rbac, bring."""

Manifest = dict[str, Any]


def workspace_manifests(name: str, person: str | None, operator: tuple[str, str] | None) -> list[Manifest]:
    """Return Namespace and RoleBindings; a person makes it a personal workspace, which only that person writes.

    `operator` is namespace and name of its ServiceAccount, for a binding beside those that Helm makes.
    """
    kind = "organization" if person is None else "personal"
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {WORKSPACE_LABEL: kind}},
    }
    bindings = []
    if operator is not None:
        account = {"kind": "ServiceAccount", "namespace": operator[0], "name": operator[1]}
        bindings.append(_binding(name, OPERATOR_BINDING, OPERATOR_ROLE, account))
    if person is not None:
        owner = {"kind": "User", "name": person, "apiGroup": RBAC}
        bindings += [_binding(name, f"{role}-owner", role, owner) for role in (EDITOR_ROLE, USER_ROLE)]
    return [namespace, *bindings]


def _binding(namespace: str, name: str, role: str, subject: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": namespace},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [dict(subject)],
    }

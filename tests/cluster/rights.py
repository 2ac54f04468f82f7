"""Rights for the users of a test cluster: the project's own roles, and single ones.

Everything may be granted twice. Each function returns when the API server goes by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, TypeVar

from kubernetes import client, config

from controlplane.clusters import CHART_FILES, Cluster
from controlplane.waiting import wait_until

ROLES: Final = CHART_FILES / "rbac"
RBAC: Final = "rbac.authorization.k8s.io"
CONFLICT: Final = 409

Api = TypeVar("Api")


class Right(NamedTuple):
    """One thing that a user may do or not. Without a namespace it is meant for the whole cluster."""

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def grant_workspace(cluster: Cluster, namespace: str, user: str) -> None:
    """Let the user be the operator of a workspace."""
    _bind(cluster, namespace, user, "sshcredential-operator-workspace")
    wait_for_right(cluster, user, Right("delete", "secrets", namespace=namespace))


def grant_operator_namespace(cluster: Cluster, namespace: str, user: str) -> None:
    """Let the user keep the key ring in a namespace."""
    _bind(cluster, namespace, user, "sshcredential-operator-operator-namespace")
    wait_for_right(cluster, user, Right("create", "secrets", namespace=namespace))


def grant_targets_workspace(cluster: Cluster, namespace: str, user: str) -> None:
    """Let the user be the process of targets in a workspace."""
    _bind(cluster, namespace, user, "sshcredential-operator-targets-workspace")
    wait_for_right(cluster, user, Right("get", "secrets", namespace=namespace))


def grant_targets_operator_namespace(cluster: Cluster, namespace: str, user: str) -> None:
    """Let the user read the key ring in a namespace, and be the leader among the processes of targets."""
    _bind(cluster, namespace, user, "sshcredential-operator-targets-operator-namespace")
    wait_for_right(cluster, user, Right("list", "secrets", namespace=namespace))


def grant_everybody(cluster: Cluster, namespace: str) -> None:
    """Let every authenticated user read the public sealing keys of an operator's namespace."""
    cluster.kubectl("apply", "-f", str(ROLES))
    role = "sshcredential-sealing-keys-reader"
    group = {"apiGroup": RBAC, "kind": "Group", "name": "system:authenticated"}
    with _api(cluster, client.RbacAuthorizationV1Api) as api:
        binding = _binding(namespace, "everybody", "ClusterRole", role) | {"subjects": [group]}
        _made(api.create_namespaced_role_binding, namespace, binding)


def grant_cluster(cluster: Cluster, user: str) -> None:
    """Let the user see whether the policies for imports and exports are in force."""
    _see_policy(cluster, user, "sshcredential-operator-cluster", "sshcredential-operator-import")


def grant_targets_cluster(cluster: Cluster, user: str) -> None:
    """Let the user see whether the policy for targets is in force."""
    _see_policy(cluster, user, "sshcredential-operator-targets-cluster", "sshcredential-operator-target")


def _see_policy(cluster: Cluster, user: str, role: str, policy: str) -> None:
    cluster.kubectl("apply", "-f", str(ROLES))
    with _api(cluster, client.RbacAuthorizationV1Api) as api:
        _made(api.create_cluster_role_binding, _binding("", user, "ClusterRole", role))
    policies = Right("get", "validatingadmissionpolicies", "admissionregistration.k8s.io")
    wait_for_right(cluster, user, policies._replace(name=policy))


def grant_role(cluster: Cluster, namespace: str, user: str, role: str, right: Right) -> None:
    """Give the user a ClusterRole in a namespace, which is known by one right that it grants."""
    _bind(cluster, namespace, user, role)
    wait_for_right(cluster, user, right._replace(namespace=namespace))


def grant(
    cluster: Cluster, namespace: str, user: str, resource: str, verbs: Sequence[str], *, names: Sequence[str] = ()
) -> str:
    """Let the user do this in a namespace, to all or to the named objects; return the name that `revoke` takes.

    `resource` is plural, with its API group after a dot: `secrets`, `sshcredentials/status.sshcredentials.dev`.
    """
    plural, _, group = resource.partition(".")
    role = "-".join([user, plural.replace("/", "-"), *verbs, *names])
    rule = {"apiGroups": [group], "resources": [plural], "verbs": [*verbs], "resourceNames": [*names]}
    with _api(cluster, client.RbacAuthorizationV1Api) as api:
        _made(api.create_namespaced_role, namespace, {"metadata": {"name": role}, "rules": [rule]})
        _made(api.create_namespaced_role_binding, namespace, _binding(namespace, user, "Role", role))
    kind, _, subresource = plural.partition("/")
    wait_for_right(cluster, user, Right(verbs[-1], kind, group, namespace, "".join(names[-1:]), subresource))
    return role


def revoke(cluster: Cluster, namespace: str, role: str) -> None:
    """Take back what `grant` gave. It may still hold for a moment: see `wait_for_right`."""
    with _api(cluster, client.RbacAuthorizationV1Api) as api:
        api.delete_namespaced_role(role, namespace)


def wait_for_right(cluster: Cluster, user: str, right: Right, *, allowed: bool = True) -> None:
    """Return when the API server says that the user may do this, or no longer may."""
    expected = "has" if allowed else "has no longer"
    with _api(cluster, client.AuthorizationV1Api) as api:
        wait_until(lambda: has_right(api, user, right) is allowed, f"{user} {expected} {right}")


def has_right(api: client.AuthorizationV1Api, user: str, right: Right) -> bool:
    """Ask the API server whether a user may do this."""
    attributes = client.V1ResourceAttributes(**right._asdict())
    spec = client.V1SubjectAccessReviewSpec(user=user, resource_attributes=attributes)
    answer = api.create_subject_access_review(client.V1SubjectAccessReview(spec=spec))
    return bool(answer.status and answer.status.allowed)


def _bind(cluster: Cluster, namespace: str, user: str, role: str) -> None:
    cluster.kubectl("apply", "-f", str(ROLES))
    with _api(cluster, client.RbacAuthorizationV1Api) as api:
        _made(api.create_namespaced_role_binding, namespace, _binding(namespace, user, "ClusterRole", role))


def _binding(namespace: str, user: str, kind: str, role: str) -> dict[str, Any]:
    metadata = {"name": f"{role}-{user}"} | ({"namespace": namespace} if namespace else {})
    subject = {"apiGroup": RBAC, "kind": "User", "name": user}
    return {"metadata": metadata, "subjects": [subject], "roleRef": {"apiGroup": RBAC, "kind": kind, "name": role}}


def _made(create: Callable[..., Any], *arguments: Any) -> None:
    try:
        create(*arguments)
    except client.ApiException as refused:
        if refused.status != CONFLICT:
            raise


@contextmanager
def _api(cluster: Cluster, kind: Callable[[client.ApiClient], Api]) -> Iterator[Api]:
    kubeconfig = str(cluster.kubeconfig_for("admin"))
    with config.new_client_from_config(kubeconfig) as connection:
        yield kind(connection)

"""What somebody gets who took the ServiceAccount's token out of the operator's pod: counted, request by request."""

from __future__ import annotations

import json
from typing import Final

import pytest
import yaml

from chart.rendering import NAMESPACE, RELEASE
from controlplane.clusters import CHART_FILES
from node.installation import ELSEWHERE, WORKSPACES, Installation
from node.thief import FORBIDDEN, OK, Allowed, Thief, allowed_by

ROLES: Final = {
    role["metadata"]["name"]: allowed_by(role["rules"])
    for role in yaml.safe_load_all((CHART_FILES / "rbac" / "operator.yaml").read_text())
}
EVERYWHERE: Final = ROLES["sshcredential-operator-cluster"]
PLACES: Final = {
    WORKSPACES[0]: ROLES["sshcredential-operator-workspace"],
    WORKSPACES[1]: ROLES["sshcredential-operator-workspace"],
    NAMESPACE: ROLES["sshcredential-operator-operator-namespace"],
    ELSEWHERE: set[Allowed](),
    "kube-system": set[Allowed](),
    "default": set[Allowed](),
}
TOKEN_REQUEST: Final = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
RBAC: Final = "/apis/rbac.authorization.k8s.io/v1"
BINDING: Final = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "mine"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"kind": "ServiceAccount", "name": RELEASE, "namespace": NAMESPACE}],
}
POD: Final = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "mine"},
    "spec": {"containers": [{"name": "mine", "image": "mine"}]},
}


@pytest.fixture(scope="module")
def namespaces(installation: Installation) -> set[str]:
    """Every namespace there is, each with a Secret in it."""
    listed = installation.node.kubectl("get", "namespaces", "-o", "jsonpath={.items[*].metadata.name}").stdout.split()
    secrets = [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "somebody-elses", "namespace": namespace}}
        for namespace in listed
    ]
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": secrets})
    installation.node.kubectl("apply", "-f", "-", input=body)
    return set(listed)


@pytest.fixture(scope="module")
def thief(installation: Installation) -> Thief:
    return Thief.of(installation.ensure())


def test_secrets_are_read_in_the_workspaces_and_beside_the_key_ring_only(thief: Thief, namespaces: set[str]) -> None:
    may = {*WORKSPACES, NAMESPACE}
    secret = "/api/v1/namespaces/{}/secrets/somebody-elses"

    assert thief.reads_secrets_of(namespaces) == may
    assert {name for name in namespaces if thief.asks("GET", secret.format(name)) == OK} == may
    assert thief.asks("GET", "/api/v1/secrets") == FORBIDDEN
    assert len(namespaces - may) >= 4


@pytest.mark.parametrize("namespace", PLACES)
def test_it_may_do_what_the_roles_say_and_what_everybody_may(
    installation: Installation, thief: Thief, namespace: str
) -> None:
    nobody = installation.node.kubectl("create", "token", "default", "-n", ELSEWHERE).stdout.strip()
    what_everybody_may = Thief(installation.node, nobody).rights_in(namespace)

    assert thief.rights_in(namespace) == PLACES[namespace] | EVERYWHERE | what_everybody_may


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("GET", "/api/v1/namespaces", None, id="list the namespaces"),
        pytest.param("GET", "/api/v1/nodes", None, id="list the nodes"),
        pytest.param("GET", "/api/v1/pods", None, id="list all pods"),
        pytest.param("GET", f"{RBAC}/clusterroles", None, id="list roles"),
        pytest.param("POST", f"{RBAC}/clusterrolebindings", BINDING, id="make itself an administrator"),
        pytest.param(
            "GET", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies", None, id="list the policies"
        ),
        pytest.param(
            "DELETE",
            "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/sshcredential-operator-import",
            None,
            id="take the policies away",
        ),
    ],
)
def test_of_the_cluster_it_cannot(thief: Thief, method: str, path: str, body: dict[str, object] | None) -> None:
    assert thief.asks(method, path, body) == FORBIDDEN


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("GET", "/api/v1/namespaces/{}/pods", None, id="list pods"),
        pytest.param("POST", "/api/v1/namespaces/{}/pods", POD, id="make a pod"),
        pytest.param("GET", "/api/v1/namespaces/{}/pods/one/exec?command=x&stdout=1", None, id="enter a pod"),
        pytest.param("GET", "/api/v1/namespaces/{}/pods/one/log", None, id="read a pod's log"),
        pytest.param(
            "POST", "/api/v1/namespaces/{}/serviceaccounts/default/token", TOKEN_REQUEST, id="get another token"
        ),
        pytest.param("GET", "/api/v1/namespaces/{}/configmaps", None, id="list ConfigMaps"),
        pytest.param("DELETE", "/api/v1/namespaces/{}/secrets", None, id="delete all Secrets at once"),
        pytest.param("GET", f"{RBAC}/namespaces/{{}}/roles", None, id="list roles"),
        pytest.param(
            "POST", f"{RBAC}/namespaces/{{}}/rolebindings", BINDING | {"kind": "RoleBinding"}, id="bind a role"
        ),
        pytest.param("GET", "/apis/apps/v1/namespaces/{}/deployments", None, id="list Deployments"),
        pytest.param(
            "DELETE", "/apis/sshcredentials.dev/v1alpha1/namespaces/{}/sshcredentials/x", None, id="delete a credential"
        ),
    ],
)
def test_in_no_namespace_it_can(
    thief: Thief, namespaces: set[str], method: str, path: str, body: dict[str, object] | None
) -> None:
    answers = {namespace: thief.asks(method, path.format(namespace), body) for namespace in namespaces}

    assert answers == dict.fromkeys(namespaces, FORBIDDEN)


def test_the_key_ring_is_neither_put_nor_watched_nor_deleted_at_once(installation: Installation, thief: Thief) -> None:
    """To rotate keys, one Secret at a time is patched or deleted; the names cannot be told in a role beforehand."""
    secrets = f"/api/v1/namespaces/{NAMESPACE}/secrets"
    root = f"{secrets}/sshcredential-root-key"

    assert thief.asks("GET", root) == OK
    assert thief.asks("PUT", root, {}) == FORBIDDEN
    assert thief.asks("DELETE", secrets) == FORBIDDEN
    names = [line.removeprefix("secret/") for line in installation.kubectl("get", "secrets", "-o", "name").split()]
    for name in (name for name in names if name.startswith("sshcredential-")):
        assert thief.asks("DELETE", f"{secrets}/{name}") == FORBIDDEN, name
    assert thief.asks("GET", f"{secrets}?watch=1&timeoutSeconds=1") == FORBIDDEN
    assert "sshcredential-root-key" in installation.kubectl("get", "secrets", "-o", "name")


def test_of_config_maps_beside_the_key_ring_it_reads_its_own_two_alone(thief: Thief, namespaces: set[str]) -> None:
    assert NAMESPACE in namespaces
    maps = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
    own = f"{maps}?fieldSelector=metadata.name%3Dsshcredential-key-ring"

    assert thief.asks("GET", own) == OK
    assert thief.asks("GET", f"{maps}?fieldSelector=metadata.name%3Dkube-root-ca.crt") == FORBIDDEN
    assert thief.asks("GET", f"{maps}/kube-root-ca.crt") == FORBIDDEN
    assert thief.asks("DELETE", f"{maps}/sshcredential-key-ring") == FORBIDDEN

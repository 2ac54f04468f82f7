"""The operator's roles are enough for its work, and hold nothing beyond its namespaces. The API server is asked."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest
from kubernetes import client, config

from cluster.rights import Right, grant_cluster, grant_operator_namespace, grant_workspace, has_right
from controlplane.clusters import Cluster
from sshcredential_operator.controller.lease_api import LEASE_NAME

POLICY: Final = "sshcredential-operator-import"
VERBS: Final = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
RESOURCES: Final = (
    "sshcredentials.dev/sshcredentials",
    "sshcredentials.dev/sshcredentials/status",
    "/secrets",
    "/configmaps",
    "/pods",
    "/pods/exec",
    "/serviceaccounts/token",
    "/events",
    "/namespaces",
    "events.k8s.io/events",
    "coordination.k8s.io/leases",
    "rbac.authorization.k8s.io/rolebindings",
    "admissionregistration.k8s.io/validatingadmissionpolicies",
    "admissionregistration.k8s.io/validatingadmissionpolicybindings",
)

RightsOf = Callable[..., dict[str, list[str]]]


@pytest.fixture
def rights_of(cluster: Cluster) -> Iterator[RightsOf]:
    """Tells the verbs for every resource that a user may do anything to; without a namespace, in the whole cluster."""
    kubeconfig = str(cluster.kubeconfig_for("admin"))
    with config.new_client_from_config(kubeconfig) as connection:
        api = client.AuthorizationV1Api(connection)

        def rights_of(user: str, namespace: str = "", name: str = "") -> dict[str, list[str]]:
            found = {}
            for resource in RESOURCES:
                group, plural, *subresource = resource.split("/")
                right = Right("", plural, group, namespace, name, "".join(subresource))
                found[resource] = [verb for verb in VERBS if has_right(api, user, right._replace(verb=verb))]
            return {resource: verbs for resource, verbs in found.items() if verbs}

        yield rights_of


def test_the_operator_of_a_workspace_may_do_exactly_this(cluster: Cluster, namespace: str, rights_of: RightsOf) -> None:
    grant_workspace(cluster, namespace, "bob")

    assert rights_of("bob", namespace) == {
        "sshcredentials.dev/sshcredentials": ["get", "list", "watch"],
        "sshcredentials.dev/sshcredentials/status": ["patch"],
        "/secrets": ["get", "list", "watch", "create", "patch", "delete"],
        "/namespaces": ["get"],
        "events.k8s.io/events": ["create"],
    }


def test_a_workspace_gives_no_right_elsewhere(cluster: Cluster, namespace: str, rights_of: RightsOf) -> None:
    grant_workspace(cluster, namespace, "bob")

    assert rights_of("bob", "default") == {}
    assert rights_of("bob") == {}


def test_a_workspace_lets_its_operator_read_its_namespace_object_alone(cluster: Cluster, namespace: str) -> None:
    grant_workspace(cluster, namespace, "bob")

    assert cluster.kubectl("get", "namespace", namespace, "-o", "jsonpath={.metadata.uid}", user="bob").stdout
    assert "forbidden" in cluster.kubectl("get", "namespace", "default", user="bob", check=False).stderr
    assert "forbidden" in cluster.kubectl("get", "namespaces", user="bob", check=False).stderr


def test_the_keeper_of_the_key_ring_may_do_exactly_this(cluster: Cluster, namespace: str, rights_of: RightsOf) -> None:
    grant_operator_namespace(cluster, namespace, "bob")

    assert rights_of("bob", namespace) == {
        "/secrets": ["get", "list", "create"],
        "coordination.k8s.io/leases": ["create"],
    }
    assert rights_of("bob") == {}


def test_of_leases_its_own_alone_may_be_seen_and_changed(cluster: Cluster, namespace: str, rights_of: RightsOf) -> None:
    grant_operator_namespace(cluster, namespace, "bob")

    own = rights_of("bob", namespace, LEASE_NAME)["coordination.k8s.io/leases"]
    assert own == ["get", "watch", "create", "update"]
    assert rights_of("bob", namespace, "another")["coordination.k8s.io/leases"] == ["create"]
    assert rights_of("bob", "default", LEASE_NAME) == {}


def test_in_the_cluster_the_operator_may_look_at_the_import_policy_alone(cluster: Cluster, rights_of: RightsOf) -> None:
    grant_cluster(cluster, "bob")

    assert rights_of("bob", name=POLICY) == {
        "admissionregistration.k8s.io/validatingadmissionpolicies": ["get"],
        "admissionregistration.k8s.io/validatingadmissionpolicybindings": ["get"],
    }
    assert rights_of("bob", name="another-policy") == {}
    assert cluster.kubectl("get", "validatingadmissionpolicy", POLICY, "-o", "name", user="bob").stdout
    cluster.kubectl("delete", "clusterrolebinding", "sshcredential-operator-cluster-bob")

"""The operator's roles are enough for its work, and hold nothing beyond its namespaces. The API server is asked."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest
from kubernetes import client, config

from cluster.rights import (
    Right,
    grant_cluster,
    grant_operator_namespace,
    grant_role,
    grant_targets_cluster,
    grant_targets_operator_namespace,
    grant_targets_workspace,
    grant_workspace,
    has_right,
)
from controlplane.clusters import Cluster
from sshcredential_operator.api.names import KEY_RING_CONFIG_MAP
from sshcredential_operator.controller.lease_api import LEASE_NAME
from sshcredential_operator.encryption.sealing_keys import SEALING_KEYS_CONFIG_MAP

POLICIES: Final = ("sshcredential-operator-import", "sshcredential-operator-export")
VERBS: Final = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
OWN_VERBS: Final = ("use", "export", "report")
OWN: Final = (
    "sshcredentials.dev/sshcredentials",
    "sshcredentials.dev/sshcredentials/status",
    "sshcredentials.dev/sshcredentialexports",
    "sshcredentials.dev/sshcredentialexports/status",
    "sshcredentials.dev/sshtargets",
    "sshcredentials.dev/sshtargets/status",
)
RESOURCES: Final = (
    *OWN,
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

        def rights_of(
            user: str, namespace: str = "", name: str = "", resources: tuple[str, ...] = RESOURCES
        ) -> dict[str, list[str]]:
            found = {}
            for resource in resources:
                group, plural, *subresource = resource.split("/")
                right = Right("", plural, group, namespace, name, "".join(subresource))
                verbs = VERBS + OWN_VERBS if resource in OWN else VERBS
                found[resource] = [verb for verb in verbs if has_right(api, user, right._replace(verb=verb))]
            return {resource: verbs for resource, verbs in found.items() if verbs}

        yield rights_of


def test_the_operator_of_a_workspace_may_do_exactly_this(cluster: Cluster, namespace: str, rights_of: RightsOf) -> None:
    grant_workspace(cluster, namespace, "bob")

    assert rights_of("bob", namespace) == {
        "sshcredentials.dev/sshcredentials": ["get", "list", "watch", "report"],
        "sshcredentials.dev/sshcredentials/status": ["patch"],
        "sshcredentials.dev/sshcredentialexports": ["get", "list", "watch", "report"],
        "sshcredentials.dev/sshcredentialexports/status": ["patch"],
        "sshcredentials.dev/sshtargets": ["get", "list", "watch"],
        "/secrets": ["get", "list", "watch", "create", "patch", "delete"],
        "/configmaps": ["get"],
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
        "/secrets": ["get", "list", "create", "patch", "delete"],
        "/configmaps": ["create"],
        "events.k8s.io/events": ["create"],
        "coordination.k8s.io/leases": ["create"],
    }
    assert rights_of("bob") == {}


def test_of_config_maps_those_of_the_sealing_keys_and_the_key_ring_alone_may_be_read_and_changed(
    cluster: Cluster, namespace: str, rights_of: RightsOf
) -> None:
    grant_operator_namespace(cluster, namespace, "bob")

    assert rights_of("bob", namespace, SEALING_KEYS_CONFIG_MAP)["/configmaps"] == ["get", "create", "patch"]
    of_key_ring = rights_of("bob", namespace, KEY_RING_CONFIG_MAP)["/configmaps"]
    assert of_key_ring == ["get", "list", "watch", "create", "patch"]
    assert rights_of("bob", namespace, "another")["/configmaps"] == ["create"]


def test_of_leases_its_own_alone_may_be_seen_and_changed(cluster: Cluster, namespace: str, rights_of: RightsOf) -> None:
    grant_operator_namespace(cluster, namespace, "bob")

    own = rights_of("bob", namespace, LEASE_NAME)["coordination.k8s.io/leases"]
    assert own == ["get", "watch", "create", "update"]
    assert rights_of("bob", namespace, "another")["coordination.k8s.io/leases"] == ["create"]
    assert rights_of("bob", "default", LEASE_NAME) == {}


def test_in_the_cluster_the_operator_may_look_at_two_policies_alone(cluster: Cluster, rights_of: RightsOf) -> None:
    grant_cluster(cluster, "bob")

    for policy in POLICIES:
        assert rights_of("bob", name=policy) == {
            "admissionregistration.k8s.io/validatingadmissionpolicies": ["get"],
            "admissionregistration.k8s.io/validatingadmissionpolicybindings": ["get"],
        }
        assert cluster.kubectl("get", "validatingadmissionpolicy", policy, "-o", "name", user="bob").stdout
    assert rights_of("bob", name="another-policy") == {}
    cluster.kubectl("delete", "clusterrolebinding", "sshcredential-operator-cluster-bob")


# --- the process of targets


def test_the_process_of_targets_may_do_exactly_this_in_a_workspace(
    cluster: Cluster, namespace: str, rights_of: RightsOf
) -> None:
    grant_targets_workspace(cluster, namespace, "bob")

    assert rights_of("bob", namespace) == {
        "sshcredentials.dev/sshcredentials": ["get", "list", "watch"],
        "sshcredentials.dev/sshtargets": ["get", "list", "watch", "report"],
        "sshcredentials.dev/sshtargets/status": ["patch"],
        "/secrets": ["get"],
        "/configmaps": ["get"],
        "/namespaces": ["get"],
        "events.k8s.io/events": ["create"],
    }
    assert rights_of("bob", "default") == {}
    assert rights_of("bob") == {}


def test_the_process_of_targets_reads_the_key_ring_and_makes_nothing_of_it(
    cluster: Cluster, namespace: str, rights_of: RightsOf
) -> None:
    grant_targets_operator_namespace(cluster, namespace, "bob")

    assert rights_of("bob", namespace) == {"/secrets": ["get", "list"]}
    assert rights_of("bob") == {}


def test_in_the_cluster_the_process_of_targets_may_look_at_its_policy_and_at_the_clusters_ranges(
    cluster: Cluster, rights_of: RightsOf
) -> None:
    grant_targets_cluster(cluster, "bob")

    ranges = ("/nodes", "networking.k8s.io/servicecidrs")
    assert rights_of("bob", resources=ranges) == {resource: ["list"] for resource in ranges}
    assert rights_of("bob", name="sshcredential-operator-target") == {
        "admissionregistration.k8s.io/validatingadmissionpolicies": ["get"],
        "admissionregistration.k8s.io/validatingadmissionpolicybindings": ["get"],
    }
    assert rights_of("bob", name="sshcredential-operator-import") == {}
    cluster.kubectl("delete", "clusterrolebinding", "sshcredential-operator-targets-cluster-bob")


# --- people

READ: Final = ["get", "list", "watch"]
WRITE: Final = [*READ, "create", "update", "patch", "delete", "deletecollection"]


@pytest.mark.parametrize(
    ("role", "verbs"),
    [
        pytest.param("sshcredential-viewer", (READ, READ, READ), id="a viewer"),
        pytest.param("sshcredential-user", (["use"], [], ["use"]), id="a user"),
        pytest.param("sshcredential-editor", (WRITE, WRITE, WRITE), id="an editor"),
        pytest.param("sshcredential-exporter", (["export"], [], []), id="an exporter"),
        pytest.param("view", (READ, READ, READ), id="who views the namespace"),
        pytest.param("edit", ([*WRITE, "use"], WRITE, [*WRITE, "use"]), id="who edits the namespace"),
        pytest.param("admin", ([*WRITE, "use"], WRITE, [*WRITE, "use"]), id="who administers the namespace"),
    ],
)
def test_people_may_do_exactly_this_and_write_no_status(
    cluster: Cluster, namespace: str, rights_of: RightsOf, role: str, verbs: tuple[list[str], ...]
) -> None:
    last = Right(verbs[0][-1], "sshcredentials", "sshcredentials.dev")
    grant_role(cluster, namespace, "bob", role, last)

    expected = dict(zip(OWN[::2], verbs, strict=True))
    assert rights_of("bob", namespace, resources=OWN) == {kind: may for kind, may in expected.items() if may}
    assert rights_of("bob", resources=OWN) == {}


def test_who_keeps_the_key_ring_asks_in_one_config_map_and_may_do_nothing_else(
    cluster: Cluster, namespace: str, rights_of: RightsOf
) -> None:
    right = Right("patch", "configmaps", name=KEY_RING_CONFIG_MAP)
    grant_role(cluster, namespace, "bob", "sshcredential-key-ring-keeper", right)

    assert rights_of("bob", namespace, KEY_RING_CONFIG_MAP) == {"/configmaps": ["get", "watch", "patch"]}
    assert rights_of("bob", namespace, "another") == {}
    assert rights_of("bob", namespace) == {}
    assert rights_of("bob", "default", KEY_RING_CONFIG_MAP) == {}

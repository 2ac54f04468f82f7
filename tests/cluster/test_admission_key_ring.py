"""Parts of the key ring are deleted by who means it, and by the operator only when it was asked to drop them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
from kubernetes import client, config

from cluster.rights import Right, grant, grant_operator_namespace, grant_role
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until
from sshcredential_operator.api.names import KEY_RING_CONFIG_MAP

ROOT, CANARY, SEALING = "sshcredential-root-key", "sshcredential-canary-0123456789abcdef", "sshcredential-sealing-key-1"
KEK: Final = "sshcredential-kek-625030a1-efa6-40a9-9ba5-4370996162f2-1"
KID: Final = "1.625030a1efa6.0123456789abcdef"
TYPES: Final = {ROOT: "root-key", CANARY: "canary", KEK: "kek", SEALING: "sealing-key"}
MEANT: Final = {"metadata": {"annotations": {"sshcredentials.dev/delete-while-in-use": "true"}}}
CONTROLLERS: Final = [
    "system:serviceaccount:kube-system:namespace-controller",
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:kube-controller-manager",
]
OPERATOR, KEEPER, DELETER = "operator", "alice", "bob"


class Place:
    """The operator's namespace with a Secret of each kind. Each method returns what the API server objects to."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster, self.namespace = cluster, namespace
        self._cores: dict[str, Any] = {}

    def core(self, user: str) -> Any:
        """Return the API as a user has it."""
        if user not in self._cores:
            connection = config.new_client_from_config(str(self._cluster.kubeconfig_for(user)))
            self._cores[user] = client.CoreV1Api(connection)
        return self._cores[user]

    def delete(self, name: str, user: str = "admin", **more: Any) -> str:
        return objection(lambda: self.core(user).delete_namespaced_secret(name, self.namespace, **more))

    def patch(self, name: str, body: Any, user: str = "admin") -> str:
        return objection(lambda: self.core(user).patch_namespaced_secret(name, self.namespace, body))

    def ask(self, user: str = "admin", **data: str | None) -> str:
        named = {"data": {name.replace("_", "-"): value for name, value in data.items()}}
        return self.ask_so(named["data"], user)

    def ask_so(self, data: dict[str, str | None], user: str = "admin") -> str:
        patch = self.core(user).patch_namespaced_config_map
        return objection(lambda: patch(KEY_RING_CONFIG_MAP, self.namespace, {"data": data}))

    def kubectl(self, *words: str, check: bool = True) -> Any:
        return self._cluster.kubectl(*words, "--namespace", self.namespace, check=check)


def objection(call: Any) -> str:
    try:
        call()
    except client.ApiException as refused:
        return str(refused.body)
    return ""


@pytest.fixture
def place(cluster: Cluster, namespaces: Namespaces) -> Iterator[Place]:
    namespace = namespaces.create()
    grant_operator_namespace(cluster, namespace, OPERATOR)
    grant_role(
        cluster,
        namespace,
        KEEPER,
        "sshcredential-key-ring-keeper",
        Right("patch", "configmaps", name=KEY_RING_CONFIG_MAP),
    )
    grant(cluster, namespace, DELETER, "secrets", ["get", "patch", "delete"])
    place = Place(cluster, namespace)
    for name, kind in TYPES.items():
        body = {"metadata": {"name": name}, "type": f"sshcredentials.dev/{kind}", "stringData": {"a": "b"}}
        place.core("admin").create_namespaced_secret(namespace, body)
    state = {"metadata": {"name": KEY_RING_CONFIG_MAP}, "data": {"state.json": "{}"}}
    place.core(OPERATOR).create_namespaced_config_map(namespace, state)
    wait_until(lambda: "root key" in place.delete(ROOT, dry_run="All"), "the key ring is guarded")
    wait_until(lambda: "nobody has asked" in place.delete(KEK, OPERATOR, dry_run="All"), "and its keys")
    wait_until(lambda: "may not ask" in place.ask(OPERATOR, rotate_root="a"), "and requests")
    yield place
    namespaces.delete(namespace)


LOST: Final = {
    ROOT: "the root key: without it, every credential of every workspace is lost",
    CANARY: "the canary, by which the operator proves the root key when it starts",
    KEK: "the key of a workspace: without it, that workspace's credentials are lost",
    SEALING: "a sealing key: without it, what was sealed to it is lost",
}


def test_who_deletes_a_part_by_accident_is_told_what_would_be_lost_and_how_to_mean_it(place: Place) -> None:
    for name, lost in LOST.items():
        refused = place.kubectl("delete", "secret", name, check=False).stderr.strip()
        assert refused.startswith("Error from server (Forbidden): ")
        assert f"Secret {name} is {lost}" in refused
        assert "make one (sshcred keyring backup)" in refused
        place.kubectl(*refused.partition("all the same: kubectl ")[2].split())
        place.kubectl("delete", "secret", name)
    assert place.kubectl("get", "secrets", "-o", "name").stdout == ""


def test_deleting_all_secrets_leaves_the_key_ring(place: Place) -> None:
    place.core("admin").create_namespaced_secret(place.namespace, {"metadata": {"name": "another"}})
    told = place.kubectl("delete", "secrets", "--all", check=False).stderr
    assert "the root key" in told
    assert "sshcredential-kek" in told
    left = place.kubectl("get", "secrets", "-o", "name").stdout.split()
    assert sorted(left) == sorted(f"secret/{name}" for name in TYPES)


@pytest.mark.parametrize("value", ["", "false", "True", "yes"])
def test_nothing_else_in_the_annotation_means_it(place: Place, value: str) -> None:
    place.patch(ROOT, {"metadata": {"annotations": {"sshcredentials.dev/delete-while-in-use": value}}})
    assert "the root key" in place.delete(ROOT)


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_who_cleans_up_is_not_held_up(place: Place, controller: str) -> None:
    for name in TYPES:
        whole = ("delete", "secret", name, "--as", controller, "--as-group=system:masters", "--dry-run=server")
        place.kubectl(*whole)


def test_a_namespace_with_a_key_ring_ends(namespaces: Namespaces, place: Place) -> None:
    ending = namespaces.create()
    for name, kind in TYPES.items():
        body = {"metadata": {"name": name}, "type": f"sshcredentials.dev/{kind}", "stringData": {"a": "b"}}
        place.core("admin").create_namespaced_secret(ending, body)
    place.kubectl("delete", "namespace", ending, "--timeout=60s")


@pytest.mark.parametrize("user", [OPERATOR, DELETER], ids=["the operator", "who may delete Secrets"])
def test_whoever_lacks_the_verb_destroys_nothing_though_he_says_that_he_means_it(place: Place, user: str) -> None:
    for name in TYPES:
        assert place.patch(name, MEANT, user) == ""
        refused = place.delete(name, user)
        assert "ask for the verb destroy" in refused or "nobody has asked for it" in refused, name
    assert len(place.kubectl("get", "secrets", "-o", "name").stdout.split()) == len(TYPES)


def test_the_operator_drops_the_very_key_that_a_keeper_asked_to_drop(place: Place) -> None:
    others = ["2.625030a1efa6.0123456789abcdef", "1.725030a1efa6.0123456789abcdef", "11.625030a1efa6.0123456789abcdef"]
    for kid in others:
        assert place.ask_so({"drop.genomics": kid}, KEEPER) == ""
        assert "nobody has asked for it" in place.delete(KEK, OPERATOR), kid
    assert place.ask_so({"drop.genomics": None, "rotate.genomics": KID}, KEEPER) == ""
    assert "nobody has asked for it" in place.delete(KEK, OPERATOR)
    assert place.ask_so({"drop.genomics": KID}, KEEPER) == ""
    wait_until(lambda: place.delete(KEK, OPERATOR) == "", "the request has come to the policy")
    assert "the root key" in place.delete(ROOT, OPERATOR)


def test_the_operator_changes_the_root_key_only_when_that_is_asked_for(place: Place) -> None:
    changed = {"stringData": {"a": "another"}}
    assert "may not change Secret sshcredential-root-key" in place.patch(ROOT, changed, OPERATOR)
    assert place.patch(ROOT, {"metadata": {"labels": {"a": "b"}}}, OPERATOR) == ""
    assert place.patch(KEK, changed, OPERATOR) == ""  # it wraps keys anew by itself
    assert place.ask(KEEPER, rotate_root="0123456789abcdef") == ""
    wait_until(lambda: place.patch(ROOT, changed, OPERATOR) == "", "the request has come to the policy")


def test_the_operator_tells_and_answers_but_asks_nothing(place: Place) -> None:
    assert place.ask_so({"state.json": '{"more": 1}', "verify": "now"}, OPERATOR) == ""
    assert place.ask_so({"drop.genomics": KID, "rotate-root": "a"}, KEEPER) == ""
    assert "may not ask for drop.genomics" in place.ask_so({"drop.genomics": KID + "0"}, OPERATOR)
    assert "sshcredential-key-ring-keeper" in place.ask_so({"drop-root": "b"}, OPERATOR)
    assert place.ask_so({"drop.genomics": None, "rotate-root": None, "state.json": "{}"}, OPERATOR) == ""
    assert place.core("admin").read_namespaced_config_map(KEY_RING_CONFIG_MAP, place.namespace).data.keys() == {
        "state.json",
        "verify",
    }


def test_a_config_map_that_is_made_asks_nothing_either(cluster: Cluster, namespaces: Namespaces, place: Place) -> None:
    namespace = namespaces.create()
    grant_operator_namespace(cluster, namespace, OPERATOR)
    body = {"metadata": {"name": KEY_RING_CONFIG_MAP}, "data": {"drop.genomics": KID}}
    create = place.core(OPERATOR).create_namespaced_config_map
    assert "may not ask for drop.genomics" in objection(lambda: create(namespace, body))
    namespaces.delete(namespace)


def test_other_secrets_and_config_maps_are_nobodys_business(place: Place) -> None:
    core = place.core(DELETER)
    for kind in ("Opaque", "sshcredentials.dev/credential"):
        place.core("admin").create_namespaced_secret(place.namespace, {"metadata": {"name": "other"}, "type": kind})
        assert place.patch("other", {"stringData": {"c": "d"}}, DELETER) == ""
        assert objection(lambda: core.delete_namespaced_secret("other", place.namespace)) == ""
    made = {"metadata": {"name": "other"}, "data": {"drop.genomics": KID}}
    assert objection(lambda: place.core(OPERATOR).create_namespaced_config_map(place.namespace, made)) == ""

"""The operator's sealing keys on a real API server: made once, published for everybody, repaired, renewed, retired."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

import pytest
from kubernetes import client, config

from cluster.conftest import StartOperator
from cluster.desk import Desk
from cluster.encodings import Search
from cluster.installation import USER, Installation, installation
from cluster.needles import NOWHERE, of_words
from cluster.opened import root_of, sealing_key_of
from cluster.rights import Right, grant, grant_everybody, grant_operator_namespace, grant_workspace, wait_for_right
from cluster.shown import Object, generated
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.plane import ControlPlane
from controlplane.waiting import wait_until
from faultproxy.proxy import FaultProxy
from faultproxy.rules import Hang, Rule
from operators.process import OperatorProcess
from sshcredential_operator.api.names import RETIRED_ANNOTATION
from sshcredential_operator.encryption import b64url
from sshcredential_operator.encryption.canary import canary_secret_name
from sshcredential_operator.encryption.root_key import ROOT_SECRET_NAME, RootSource
from sshcredential_operator.encryption.sealing_key import (
    SEALING_KEY_DATA_KEY,
    SEALING_KEY_SECRET_TYPE,
    new_sealing_key,
    sealing_key_secret_name,
    wrap_sealing_key,
)
from sshcredential_operator.encryption.sealing_keys import (
    SEALING_KEYS_CONFIG_MAP,
    SEALING_KEYS_DATA_KEY,
    SealingKeys,
    from_jwks,
)

PUBLISHED: Final = "sshcredential_operator_sealing_keys_published"
QUICK: Final = ("--sealing-key-period", "1m")
"""Makes the operator look every six seconds."""
NOT_FOUND: Final = 404


class Ring:
    """An operator that is not started yet, with its workspace; and what lies in its own namespace."""

    def __init__(self, prepared: Installation, desk: Desk, own: Desk, core: Any) -> None:
        self.prepared, self.desk, self.own, self._core = prepared, desk, own, core
        self.namespace = own.namespace

    def start(self, *options: str) -> OperatorProcess:
        """Start the operator, and return when it has published its keys."""
        operator = self.prepared.start(*options)
        return until_published(operator)

    def restart(self, *options: str) -> OperatorProcess:
        """Stop it and start it again."""
        self.prepared.operator.stop()
        return self.start(*options)

    def secrets(self) -> list[Object]:
        """Return the sealing keys' Secrets."""
        selector = f"type={SEALING_KEY_SECRET_TYPE}"
        found = self._core.list_namespaced_secret(self.namespace, field_selector=selector)
        return [secret.to_dict() for secret in found.items]

    def slots(self) -> set[str]:
        """Return the names of the sealing keys' Secrets."""
        return {secret["metadata"]["name"] for secret in self.secrets()}

    def config_map(self) -> Object | None:
        """Return the ConfigMap as it is."""
        try:
            return cast(
                "Object", self._core.read_namespaced_config_map(SEALING_KEYS_CONFIG_MAP, self.namespace).to_dict()
            )
        except client.ApiException as refused:
            if refused.status != NOT_FOUND:
                raise
            return None

    def published(self) -> SealingKeys:
        """Return what the ConfigMap says; no keys where it is none of ours."""
        found = self.config_map()
        text = ((found or {}).get("data") or {}).get(SEALING_KEYS_DATA_KEY, "")
        return from_jwks(text.encode()) or SealingKeys()

    def spoil_config_map(self) -> None:
        """Change it as nobody should."""
        data = {SEALING_KEYS_DATA_KEY: "{}"}
        self._core.patch_namespaced_config_map(SEALING_KEYS_CONFIG_MAP, self.namespace, {"data": data})

    def delete_config_map(self) -> None:
        """Delete it."""
        self._core.delete_namespaced_config_map(SEALING_KEYS_CONFIG_MAP, self.namespace)

    def make_old_key(self, slot: int, age: timedelta) -> str:
        """Put the Secret of a key there that was made so long ago; return its kid."""
        key = new_sealing_key(slot, datetime.now(UTC) - age)
        document = wrap_sealing_key(key, root_of(self.own), RootSource.SECRET)
        data = {SEALING_KEY_DATA_KEY: document.to_bytes()}
        self.own.make_secret(sealing_key_secret_name(slot), data, kind=SEALING_KEY_SECRET_TYPE)
        return key.kid


def until_published(operator: OperatorProcess) -> OperatorProcess:
    wait_until(lambda: operator.metric(PUBLISHED) == 1, "the sealing keys are published")
    return operator


@pytest.fixture
def ring(cluster: Cluster, namespaces: Namespaces, tmp_path: Path) -> Iterator[Ring]:
    with ExitStack() as until_the_end:
        prepared, desk, own = until_the_end.enter_context(installation(cluster, namespaces, tmp_path))
        admin = str(cluster.kubeconfig_for("admin"))
        connection = until_the_end.enter_context(config.new_client_from_config(admin))
        yield Ring(prepared, desk, own, client.CoreV1Api(connection))


def versions(ring: Ring) -> list[str]:
    found = [*ring.secrets(), ring.config_map() or {}]
    return [one["metadata"]["resource_version"] for one in found]


def test_the_first_start_makes_one_key_and_tells_it_and_a_restart_makes_nothing(ring: Ring) -> None:
    operator = ring.start()

    (key,) = ring.published().keys
    assert ring.slots() == {sealing_key_secret_name(1)}
    assert key.slot == 1
    told = ring.prepared.until_logged("the newest sealing key")
    assert (told["kid"], told["fingerprint"]) == (key.kid, key.fingerprint)
    assert operator.metric("sshcredential_operator_sealing_keys") == 1
    assert operator.metric("sshcredential_operator_sealing_key_created_timestamp_seconds") == key.created_at.timestamp()

    before = versions(ring)
    ring.restart()
    assert versions(ring) == before


def test_every_user_reads_the_public_keys_and_nothing_else(ring: Ring, cluster: Cluster) -> None:
    ring.start()
    everybody = Right("get", "configmaps", namespace=ring.namespace, name=SEALING_KEYS_CONFIG_MAP)
    wait_for_right(cluster, "carol", everybody, allowed=False)
    grant_everybody(cluster, ring.namespace)

    def read(*what: str) -> int:
        return cluster.kubectl("get", *what, "-n", ring.namespace, user="carol", check=False).returncode

    wait_until(lambda: read("configmap", SEALING_KEYS_CONFIG_MAP) == 0, "everybody reads the ConfigMap")
    assert [read(*what) for what in (("configmaps",), ("secrets",), ("configmap", "kube-root-ca.crt"))] == [1, 1, 1]
    assert read("secret", sealing_key_secret_name(1)) == 1


def test_two_operators_at_once_make_one_key(
    cluster: Cluster, namespaces: Namespaces, start_operator: StartOperator, ring: Ring
) -> None:
    grant_operator_namespace(cluster, ring.namespace, "bob")
    grant_workspace(cluster, ring.desk.namespace, "bob")
    both = [
        start_operator(operator_namespace=ring.namespace, workspaces=[ring.desk.namespace], user=user, ready=False)
        for user in (USER, "bob")
    ]
    for operator in both:
        until_published(operator)

    assert ring.slots() == {sealing_key_secret_name(1)}
    assert len(ring.published().keys) == 1


def test_an_operator_that_dies_between_key_and_config_map_is_healed_by_the_next(
    embedded: ControlPlane, cluster: Cluster, ring: Ring, tmp_path: Path
) -> None:
    folder = tmp_path / "proxy"
    folder.mkdir()
    with FaultProxy(embedded.server, embedded.ca_file, folder) as proxy:
        proxy.break_by(Rule(Hang(60), "POST", "/configmaps$"))
        dying = OperatorProcess(
            proxy.kubeconfig(USER, embedded.token(USER)),
            tmp_path / "dying.log",
            operator_namespace=ring.namespace,
            workspaces=[ring.desk.namespace],
        )
        with dying:
            wait_until(lambda: ring.slots() == {sealing_key_secret_name(1)}, "the key is made")
            dying.kill()
    assert ring.config_map() is None

    ring.start()
    assert [key.slot for key in ring.published().keys] == [1]
    assert ring.slots() == {sealing_key_secret_name(1)}


def test_a_key_that_is_old_gets_a_next_one_and_stays_published(ring: Ring) -> None:
    ring.start()
    ring.own.delete_secret(sealing_key_secret_name(1))
    old = ring.make_old_key(1, timedelta(hours=721))
    ring.restart()

    newest, second = ring.published().keys
    assert (newest.slot, second.kid) == (2, old)
    ring.restart()
    assert ring.published().keys == (newest, second)


def test_a_clock_that_was_ahead_costs_one_key(ring: Ring) -> None:
    ring.start()
    ring.make_old_key(2, timedelta(days=-400))
    for _ in range(2):
        ring.restart()
        assert [key.slot for key in ring.published().keys] == [3, 2, 1]


@pytest.mark.parametrize("spoil", [Ring.spoil_config_map, Ring.delete_config_map], ids=["changed", "deleted"])
def test_a_config_map_is_repaired(ring: Ring, spoil: Callable[[Ring], None]) -> None:
    ring.start(*QUICK)
    before = ring.published()
    spoil(ring)
    assert ring.published() != before
    wait_until(lambda: set(ring.published().keys) >= set(before.keys), "the ConfigMap is repaired")


def test_a_retired_key_is_published_as_such_beside_a_new_one(ring: Ring) -> None:
    ring.start(*QUICK)
    (first,) = ring.published().keys
    ring.own.change_secret(sealing_key_secret_name(1), annotations={RETIRED_ANNOTATION: "true"})
    wait_until(lambda: ring.published().find(first.kid) == first._replace(retired=True), "the key is retired")

    newest = ring.published().newest
    assert newest is not None
    assert newest.slot == 2


def test_without_rights_for_config_maps_credentials_are_served_and_the_lack_is_told(
    cluster: Cluster, namespaces: Namespaces, start_operator: StartOperator, ring: Ring
) -> None:
    grant(cluster, ring.namespace, "alice", "secrets", ["get", "list", "create"])
    grant_workspace(cluster, ring.desk.namespace, "alice")
    operator = start_operator(operator_namespace=ring.namespace, workspaces=[ring.desk.namespace], user="alice")
    sentence = f"cannot be written to ConfigMap {SEALING_KEYS_CONFIG_MAP} in namespace {ring.namespace} (Forbidden)"
    wait_until(lambda: sentence in operator.get("/readyz")[1], "the lack is told")

    ring.desk.apply({"served": generated()})
    ring.desk.wait_for_ready(["served"])
    assert operator.get("/readyz")[0] == 200
    assert operator.metric(PUBLISHED) == 0
    grant(cluster, ring.namespace, "alice", "configmaps", ["create"])
    grant(cluster, ring.namespace, "alice", "configmaps", ["get", "patch"], names=[SEALING_KEYS_CONFIG_MAP])
    wait_until(lambda: operator.metric(PUBLISHED) == 1, "the keys are published", 90)
    assert ring.slots() == {sealing_key_secret_name(1)}
    assert len([said for said in operator.messages() if sentence in said]) == 1


def test_no_root_is_made_beside_a_sealing_key_that_lost_its_own(ring: Ring) -> None:
    ring.start()
    root = ring.own.secret(ROOT_SECRET_NAME)
    canary = canary_secret_name(root_of(ring.own).kid)
    ring.prepared.operator.stop()
    for name in (ROOT_SECRET_NAME, canary):
        ring.own.delete_secret(name)
    ring.prepared.start(ready=False)
    ring.prepared.until_not_ready("The root key (Secret sshcredential-root-key) is gone")
    assert ring.own.secret(ROOT_SECRET_NAME) is None

    assert root is not None
    ring.own.put_back(root)
    ring.prepared.operator.wait_until_ready()
    assert ring.own.secret(canary) is not None


def test_the_private_half_is_in_no_log_no_answer_and_no_config_map(ring: Ring) -> None:
    operator = ring.start()
    half = sealing_key_of(1, ring.own).reveal()
    needles = of_words("octets", half, NOWHERE) | of_words("JWK", b64url.encode(half), NOWHERE)
    search = Search(needles)
    places = {
        "log": operator.log.read_bytes(),
        "metrics": operator.get("/metrics")[1].encode(),
        "ConfigMap": str(ring.config_map()).encode(),
        "Secret": str(ring.own.secret(sealing_key_secret_name(1))).encode(),
    }
    assert {name: list(search.hits(content)) for name, content in places.items()} == {name: [] for name in places}
    assert list(search.hits(b"d=" + b64url.encode(half).encode()))

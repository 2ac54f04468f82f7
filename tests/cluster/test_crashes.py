"""A killed operator, and two at once: every credential becomes Ready, and never had more than one key.

What happened is told by a watcher of its own, which saw every revision (`history`), and judged by `one_key_each`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Final, NamedTuple

import pytest
from kubernetes import client, config

from cluster.conftest import StartOperator
from cluster.credentials import Credentials, Refused
from cluster.desk import desk_in
from cluster.history import CREDENTIALS, SECRETS, History
from cluster.one_key_each import broken, is_ready, ring_broken
from cluster.opened import kek_of
from cluster.rights import grant_operator_namespace, grant_workspace
from cluster.shown import generated
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until
from operators.process import OperatorProcess
from sshcredential_operator.api.names import SECRET_TYPE
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.root_key import ROOT_SECRET_TYPE

COUNT: Final = 200
KILLS: Final = 3
MOST_KEYS_OF_A_LIFE: Final = 45
"""Three of them, and what is under way when they end, leave some for the last."""

AT_ONCE: Final = 4
"""Connections that create credentials: enough to keep the operator behind."""

PASSES: Final = "sshcredential_operator_reconciles_total"
USERS: Final = ("operator", "bob")
NAMES: Final = [f"hpc-{number}" for number in range(COUNT // 2)]
"""Each in two workspaces."""

Where = tuple[str, str]
"""Namespace and name."""


class Scene(NamedTuple):
    """Two fresh workspaces and an operator namespace without a key ring, watched from the beginning."""

    own: str
    workspaces: list[str]
    history: History
    connection: client.ApiClient

    @property
    def everybody(self) -> list[Where]:
        """The credentials to create, in turn in both workspaces."""
        return [(workspace, name) for name in NAMES for workspace in self.workspaces]

    def create(self, credentials: Sequence[Where]) -> None:
        """Create credentials and return when they are all there."""
        with ThreadPoolExecutor(AT_ONCE) as creators:
            for _ in creators.map(self._create, credentials):
                pass

    def keys_stored(self) -> int:
        """How many credentials' Secrets were seen."""
        seen = self.history.seen(SECRETS)
        return len({(one.namespace, one.name) for one in seen if one.object["type"] == SECRET_TYPE})

    def wait_for_keys(self, count: int) -> None:
        """Return in the moment in which so many credentials' Secrets are there."""
        self.history.wait_until(lambda: self.keys_stored() >= count, f"{count} keys are stored")

    def has_root_key(self) -> bool:
        """Whether a root key was seen."""
        return any(one.object["type"] == ROOT_SECRET_TYPE for one in self.history.seen(SECRETS))

    def ready(self) -> int:
        """How many credentials were seen Ready."""
        seen = self.history.seen(CREDENTIALS)
        return len({(one.namespace, one.name) for one in seen if is_ready(one.object)})

    def keys(self, cluster: Cluster) -> dict[str, Kek]:
        """Return the keys of the workspaces by their kid."""
        with ExitStack() as desks:
            ring, *places = [desks.enter_context(desk_in(cluster, name)) for name in (self.own, *self.workspaces)]
            keks = [kek_of(place.namespace_uid(), ring) for place in places]
        return {kek.kid: kek for kek in keks}

    def _create(self, where: Where) -> None:
        namespace, name = where
        answer = Credentials(self.connection, namespace).create(generated(), name)
        assert not isinstance(answer, Refused), answer.says


@pytest.fixture
def scene(cluster: Cluster, namespaces: Namespaces) -> Iterator[Scene]:
    own, *workspaces = [namespaces.create() for _ in range(3)]
    for user in USERS:
        grant_operator_namespace(cluster, own, user)
        for workspace in workspaces:
            grant_workspace(cluster, workspace, user)
    kubeconfig = str(cluster.kubeconfig_for("admin"))
    with config.new_client_from_config(kubeconfig) as connection, History(cluster, [own, *workspaces]) as history:
        yield Scene(own, workspaces, history, connection)
    for namespace in (own, *workspaces):
        namespaces.delete(namespace)


@pytest.fixture
def creating() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def wait_for_the_end(scene: Scene, created: Future[None]) -> None:
    created.result()
    scene.history.wait_until(lambda: scene.ready() == COUNT, f"all {COUNT} credentials are Ready")


def assert_one_key_each(scene: Scene, cluster: Cluster) -> None:
    revisions = scene.history.complete()
    assert ring_broken(revisions, scene.workspaces) == []
    assert broken(revisions, scene.everybody, scene.keys(cluster).get) == []


def test_killed_while_it_makes_its_root_key_and_three_times_during_200_creates_each_credential_gets_one_key(
    cluster: Cluster, scene: Scene, creating: ThreadPoolExecutor, start_operator: StartOperator, rng: random.Random
) -> None:
    def start() -> OperatorProcess:
        return start_operator(operator_namespace=scene.own, workspaces=scene.workspaces, ready=False)

    operator = start()
    scene.history.wait_until(scene.has_root_key, "the root key is stored")
    operator.kill()
    operator = start()
    created = creating.submit(scene.create, scene.everybody)
    left_undone = []
    for more in (rng.randint(1, MOST_KEYS_OF_A_LIFE) for _ in range(KILLS)):
        scene.wait_for_keys(scene.keys_stored() + more)
        operator.kill()
        left_undone.append(scene.keys_stored() - scene.ready())
        operator = start()
    wait_for_the_end(scene, created)

    print(f"keys stored without a status when it was killed: {left_undone}")
    assert_one_key_each(scene, cluster)


def test_two_operators_at_once_from_the_very_first_start_make_one_key_each(
    cluster: Cluster, scene: Scene, creating: ThreadPoolExecutor, start_operator: StartOperator
) -> None:
    """Half of the credentials wait for them, so that both begin with everything at once; the others come to both."""
    created = creating.submit(scene.create, scene.everybody[: COUNT // 2])
    places = {"operator_namespace": scene.own, "workspaces": scene.workspaces}
    both = [start_operator(**places, user=user, ready=False) for user in USERS]
    wait_until(lambda: all(operator.metric(PASSES) for operator in both), "both are at work")
    created.result()
    wait_for_the_end(scene, creating.submit(scene.create, scene.everybody[COUNT // 2 :]))

    assert all(made_a_key(operator) for operator in both)
    assert_one_key_each(scene, cluster)


def made_a_key(operator: OperatorProcess) -> bool:
    return any(entry.get("act") == "create" for entry in operator.entries())

"""An operator without its namespace, rights or root key says so in one clear sentence, and goes on with the rest.

One operator of three namespaces goes through all of it; what it lacks is given to it in the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final, NamedTuple

import pytest

from cluster.desk import Desk, desk_in
from cluster.installation import USER, Installation
from cluster.rights import grant, grant_cluster, grant_operator_namespace, grant_workspace
from cluster.shown import generated, message_of, reason_of, states_of
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces, new_name
from controlplane.waiting import wait_until
from sshcredential_operator.encryption.root_key import (
    ROOT_DATA_KEY,
    ROOT_SECRET_NAME,
    ROOT_SECRET_TYPE,
    new_root_keys,
    root_keys_to_bytes,
)

NO_NAMESPACE: Final = "does the namespace exist, and may the operator use Secrets there?"
NO_RIGHT: Final = "no right to list and watch: bind the operator's workspace role there"
ROOT_LOST: Final = (
    "The root key (Secret sshcredential-root-key) is gone, but things encrypted under it exist. No new one is made. "
    "Restore it from its backup."
)
ROOT_WRONG: Final = (
    "The root key in Secret sshcredential-root-key is not the one that the workspaces' keys were wrapped with. "
    "Restore the right one from its backup."
)


class Starved(NamedTuple):
    """The operator and its namespaces: only the first one was ready for it."""

    installed: Installation
    said_first: str
    served: Desk
    half: Desk
    refused: Desk
    key_ring: Desk


@pytest.fixture(scope="module")
def starved(cluster: Cluster, namespaces: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starved]:
    """It is started before its own namespace exists."""
    with ExitStack() as until_the_end:
        workspaces, own = [namespaces.create() for _ in range(3)], new_name()
        for namespace in (*workspaces, own):
            until_the_end.callback(namespaces.delete, namespace)
        desks = [until_the_end.enter_context(desk_in(cluster, namespace)) for namespace in (*workspaces, own)]
        installed = Installation(cluster, tmp_path_factory.mktemp("starved"), own, workspaces)
        until_the_end.callback(installed.end)
        installed.start(ready=False)
        grant_cluster(cluster, USER)
        grant_workspace(cluster, workspaces[0], USER)
        grant_all_but_secrets(cluster, workspaces[1])
        for desk in desks[:3]:
            desk.create("patient", generated())
        said = installed.until_not_ready(NO_NAMESPACE)
        cluster.kubectl("create", "namespace", own)
        grant_operator_namespace(cluster, own, USER)
        installed.operator.wait_until_ready()
        yield Starved(installed, said, *desks)


def grant_all_but_secrets(cluster: Cluster, namespace: str) -> None:
    grant(cluster, namespace, USER, "sshcredentials.sshcredentials.dev", ["get", "list", "watch"])
    grant(cluster, namespace, USER, "sshcredentials/status.sshcredentials.dev", ["patch"])
    grant(cluster, namespace, USER, "sshcredentials.sshcredentials.dev", ["report"])


def test_a_missing_namespace_of_its_own_is_told(starved: Starved) -> None:
    start = f"The key ring in namespace {starved.key_ring.namespace} cannot be read or written (Forbidden)"
    assert f"{start}: {NO_NAMESPACE}" in starved.said_first.splitlines()
    starved.served.wait_for_ready(["patient"])


def test_a_namespace_without_rights_is_told_and_holds_nobody_up(cluster: Cluster, starved: Starved) -> None:
    starved.served.wait_for_ready(["patient"])
    wait_until(lambda: starved.refused.namespace in refused_scopes(starved), "the log names the namespace")
    assert reason_of(starved.refused.get("patient")) == "Pending"
    assert starved.installed.operator.metric("sshcredential_operator_blocked_watches") >= 1

    grant_workspace(cluster, starved.refused.namespace, USER)

    starved.refused.wait_for_ready(["patient"])


def refused_scopes(starved: Starved) -> set[str]:
    return {entry["scope"] for entry in starved.installed.operator.entries() if entry["message"] == NO_RIGHT}


def test_a_namespace_without_the_right_to_secrets_is_told_in_its_credentials(
    cluster: Cluster, starved: Starved
) -> None:
    forbidden = starved.half.until("patient", "Forbidden")
    assert states_of(forbidden) == {"Ready": "False", "Reconciling": "True"}
    assert message_of(forbidden) == (
        "The API server does not let the operator list secrets in this namespace. "
        "Bind the operator's workspace role in this namespace; it is tried again until then."
    )

    grant_workspace(cluster, starved.half.namespace, USER)

    starved.half.wait_for_ready(["patient"])


def test_a_root_key_that_is_gone_is_told_and_never_replaced(starved: Starved) -> None:
    """While it runs, the operator has the key in its memory; a new start is where it shows."""
    key_ring, served = starved.key_ring, starved.served
    starved.served.wait_for_ready(["patient"])
    root, patient = key_ring.secret(ROOT_SECRET_NAME), served.get("patient")
    assert root is not None
    key_ring.delete_secret(ROOT_SECRET_NAME)
    served.create("before-the-restart", generated())
    served.wait_for_ready(["before-the-restart"])
    assert key_ring.secret(ROOT_SECRET_NAME) is None

    starved.installed.operator.stop()
    served.create("after-the-restart", generated())
    starved.installed.start(ready=False)
    assert ROOT_LOST in starved.installed.until_not_ready(ROOT_LOST).splitlines()
    assert key_ring.secret(ROOT_SECRET_NAME) is None

    another = key_ring.make_secret(
        ROOT_SECRET_NAME, {ROOT_DATA_KEY: root_keys_to_bytes(new_root_keys())}, kind=ROOT_SECRET_TYPE
    )
    assert ROOT_WRONG in starved.installed.until_not_ready(ROOT_WRONG).splitlines()
    assert key_ring.secret(ROOT_SECRET_NAME) == another
    assert reason_of(served.get("after-the-restart")) == "Pending"

    key_ring.delete_secret(ROOT_SECRET_NAME)
    key_ring.put_back(root)

    starved.installed.operator.wait_until_ready()
    served.wait_for_ready(["after-the-restart"])
    assert served.get("patient") == patient

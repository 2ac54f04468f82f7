"""A workspace full of files that are made to cost delays no other workspace, and each is told what is wrong with it.

How long the others wait is measured by `make bench-neighbours`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from cluster.conftest import StartOperator
from cluster.desk import Desk, desk_in
from cluster.keyfiles import KeyFiles
from cluster.poison import PASSPHRASE, poisoned_files
from cluster.rights import grant_cluster, grant_operator_namespace, grant_workspace
from cluster.shown import generated, imported, message_of, reason_of, states_of
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from operators.process import OperatorProcess
from sshcredential_operator.api.keyreasons import KeyRefusal

OF_EACH: Final = 3
NEIGHBOURS: Final = 10
MOST_GROWTH: Final = 24 * 1024
"""KiB. One file may take 96 MiB to be judged: not in this process."""


class Scene(NamedTuple):
    """Two workspaces of one operator."""

    operator: OperatorProcess
    flooded: Desk
    quiet: Desk


@pytest.fixture
def scene(cluster: Cluster, namespaces: Namespaces, start_operator: StartOperator) -> Iterator[Scene]:
    flooded, quiet, own = (namespaces.create() for _ in range(3))
    for namespace in (flooded, quiet):
        grant_workspace(cluster, namespace, "operator")
    grant_operator_namespace(cluster, own, "operator")
    grant_cluster(cluster, "operator")
    operator = start_operator(operator_namespace=own, workspaces=[flooded, quiet])
    with desk_in(cluster, flooded) as one, desk_in(cluster, quiet) as other:
        yield Scene(operator, one, other)
    for namespace in (flooded, quiet, own):
        namespaces.delete(namespace)


def resident(operator: OperatorProcess) -> int:
    """Return the memory of the operator's own process in KiB."""
    lines = Path(f"/proc/{operator.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def test_poison_of_one_workspace_is_no_burden_to_another(scene: Scene, key_files: KeyFiles) -> None:
    scene.quiet.make_secret("brought", {"ssh-privatekey": key_files.key().content})
    scene.quiet.apply({"first": generated(), "second": imported("brought")})
    scene.quiet.wait_for_ready(["first", "second"])
    before, pid = resident(scene.operator), scene.operator.pid
    poison = {f"poison-{number}": one for number, one in enumerate(poisoned_files() * OF_EACH)}
    for name, one in poison.items():
        scene.flooded.make_secret(name, {"ssh-privatekey": one.file, "passphrase": PASSPHRASE})
    scene.flooded.apply({name: imported(name, name) for name in poison})

    names = [f"neighbour-{number}" for number in range(NEIGHBOURS)]
    specs = [generated(), imported("brought")]
    scene.quiet.apply({name: specs[number % 2] for number, name in enumerate(names)})
    scene.quiet.wait_for_ready(names)
    waiting = [name for name in poison if reason_of(scene.flooded.get(name)) == "Pending"]

    told = {one.name: set[str]() for one in poison.values()}
    for name, one in poison.items():
        found = scene.flooded.until_object(name, lambda seen: reason_of(seen) != "Pending", "it is judged")
        told[one.name].add(reason_of(found))
        assert states_of(found) == {"Ready": "False", "Stalled": "True"}
        assert len(message_of(found)) > 20
    assert waiting, "all was judged before the others came: this test has shown nothing"
    assert {reason for reasons in told.values() for reason in reasons} <= {refusal.value for refusal in KeyRefusal}
    assert {name for name, reasons in told.items() if len(reasons) > 1} == set()
    assert scene.operator.pid == pid
    assert scene.operator.is_running
    assert resident(scene.operator) - before < MOST_GROWTH

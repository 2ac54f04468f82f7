"""One rotation after the other through a bastion and a login node behind it, while a client logs in all the time.

The client is a real ssh that takes the key from an export at that moment: not one of its logins is refused. `make test`
sees a few rotations; `make campaign` fifty.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from kubernetes import config

from cluster.export_desk import ExportDesk, exported
from cluster.login_client import Door, LoginClient
from cluster.target_doors import home, ready, rotate, until_key_number
from cluster.target_stage import Stage, installed_at, stage
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until
from ssh.accounts import Account

SAMPLE: Final = 6
ALL: Final = 50


@pytest.fixture(scope="module")
def staged(cluster: Cluster, namespaces: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(cluster, namespaces, tmp_path_factory.mktemp("rotated")) as made:
        yield made


def export(staged: Stage, name: str) -> str:
    """Let the key in use lie in a Secret; return its name."""
    with config.new_client_from_config(str(staged.cluster.kubeconfig_for("admin"))) as connection:
        desk = ExportDesk(connection, staged.namespace)
        desk.create(name, exported(name, f"{name}-copy"))
        desk.until(name, "Exported")
    return f"{name}-copy"


def rotated_under_way(staged: Stage, name: str, folder: Path, rotations: int) -> None:
    public_key = ready(staged, name)
    with ExitStack() as until_the_end:
        bastion, outer = until_the_end.enter_context(home(folder / "bastion"))
        login, inner = until_the_end.enter_context(home(folder / "login"))
        for account in (outer, inner):
            account.holds(f"# somebody else's\n{public_key}\n")
        staged.targets.create(f"{name}-b", installed_at(bastion, outer, name))
        staged.targets.create(name, installed_at(login, inner, name, jumpTargetRef={"name": f"{name}-b"}))
        for one in (f"{name}-b", name):
            staged.targets.until(one, "LoggedIn")
        outside = Door(bastion.port, outer.name)
        doors = [outside, Door(login.port, inner.name, jump=outside)]
        keys = folder / "keys"
        keys.mkdir(0o700)
        began = time.monotonic()
        with LoginClient(staged.desk, export(staged, name), doors, keys) as client:
            for serial in range(1, rotations + 1):
                rotate(staged, name, serial)
                until_key_number(staged, name, serial + 1)
            for account in (outer, inner):
                until_one_key_is_left(account, public_key)
        print(f"\n{rotations} rotations in {time.monotonic() - began:.1f} s: {client}")

    assert client.refused == []
    assert len(client.keys) > rotations // 2
    assert client.logins > 2 * rotations


def until_one_key_is_left(account: Account, by_hand: str) -> None:
    """All our lines but that of the key in use are gone, and what others wrote is not."""
    wait_until(lambda: account.content.count("sshcredential-operator:") == 1, "one line of ours is left", 60)
    assert account.content.startswith(f"# somebody else's\n{by_hand}\n")


def test_nobody_is_refused_while_keys_are_rotated_through_a_bastion(staged: Stage, name: str, tmp_path: Path) -> None:
    rotated_under_way(staged, name, tmp_path, SAMPLE)


@pytest.mark.campaign
def test_nobody_is_refused_during_fifty_rotations(staged: Stage, name: str, tmp_path: Path) -> None:
    rotated_under_way(staged, name, tmp_path, ALL)

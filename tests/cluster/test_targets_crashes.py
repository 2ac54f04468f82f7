"""The process of targets, or the operator, is killed at random moments of rotations: nothing is lost, torn or refused.

A real ssh logs in all the time with the key that an export holds, and every reading of authorized_keys is whole.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest
from kubernetes import config

from cluster.export_desk import ExportDesk, exported
from cluster.login_client import Door, LoginClient
from cluster.target_doors import home, ready, rotate
from cluster.target_stage import OPERATOR, Stage, installed_at, stage
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until
from operators.process import OperatorProcess
from ssh.accounts import Account

OTHERS: Final = "# somebody else's\nssh-ed25519 AAAA junk of somebody\n"
LONGEST_SECONDS: Final = 1.5
"""Most rotations are over by then: kills hit each part of one."""
PATIENCE: Final = 90
LINE: Final = re.compile(r"^ssh-ed25519 [A-Za-z0-9+/]{68} sshcredential-operator:\S+:\S+$")


@pytest.fixture
def staged(cluster: Cluster, namespaces: Namespaces, tmp_path: Path) -> Iterator[Stage]:
    with stage(cluster, namespaces, tmp_path) as made:
        yield made


def kill_targets(staged: Stage, _: ExitStack) -> None:
    staged.process.kill()
    staged.start()


def kill_operator(staged: Stage, until_the_end: ExitStack) -> None:
    staged.operator.kill()
    again = OperatorProcess(
        staged.cluster.kubeconfig_for(OPERATOR),
        staged.folder / f"operator-{time.monotonic_ns()}.log",
        operator_namespace=staged.own,
        workspaces=[staged.namespace],
        options=["--debug"],
    )
    staged.operator = until_the_end.enter_context(again)


Kill = Callable[[Stage, ExitStack], None]


@contextmanager
def never_torn(*accounts: Account) -> Iterator[list[str]]:
    """Read the files all the time; give what was wrong in any of them."""
    wrong: list[str] = []
    over = threading.Event()

    def read() -> None:
        while not over.wait(0.005):
            wrong.extend(content for one in accounts if not is_whole(content := one.content))

    reading = threading.Thread(target=read)
    reading.start()
    try:
        yield wrong
    finally:
        over.set()
        reading.join()


def is_whole(content: str) -> bool:
    """Whether others' lines are there, and ours are lines of ours to their end; there is always one."""
    ours = content.removeprefix(OTHERS).splitlines()
    return content.startswith(OTHERS) and content.endswith("\n") and bool(ours) and all(map(LINE.match, ours))


def rotations_with_kills(staged: Stage, name: str, rng: random.Random, kill: Kill, times: int) -> None:
    public_key = ready(staged, name)
    with ExitStack() as until_the_end:
        doors = [until_the_end.enter_context(home(staged.folder / f"sshd-{n}")) for n in range(2)]
        for number, (server, person) in enumerate(doors):
            person.holds(f"{public_key}\n")  # as its owner put it there; from now on it is the operator's
            staged.targets.create(f"{name}-{number}", installed_at(server, person, name))
            staged.targets.until(f"{name}-{number}", "LoggedIn")
            marked = f"{public_key} sshcredential-operator:{staged.namespace}/{name}:{'0' * 32}\n"
            person.holds(OTHERS + marked)
        with config.new_client_from_config(str(staged.cluster.kubeconfig_for("admin"))) as connection:
            exports = ExportDesk(connection, staged.namespace)
            exports.create(name, exported(name, f"{name}-copy"))
            exports.until(name, "Exported")
        keys = staged.folder / "keys"
        keys.mkdir(0o700)
        accounts = [person for _, person in doors]
        client = LoginClient(staged.desk, f"{name}-copy", [Door(s.port, p.name) for s, p in doors], keys)
        with client, never_torn(*accounts) as torn:
            for serial in range(1, times + 1):
                rotate(staged, name, serial)
                until_passed(rng.uniform(0, LONGEST_SECONDS))
                kill(staged, until_the_end)
                until_rotated(staged, name, serial + 1)
            current = str(staged.desk.get(name)["status"]["publicKey"]).split()[1]
            for person in accounts:
                until_it_holds(person, current)
            wait_until(lambda: len(client.keys) > 1, "a rotated key was used to log in", PATIENCE)
        print(f"\n{times} kills: {client}")

    assert torn == []
    assert client.refused == []


def until_passed(seconds: float) -> None:
    moment = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > moment, "the moment has come")


def until_it_holds(person: Account, key: str) -> None:
    wait_until(lambda: key in person.content, "the key in use lies there", PATIENCE)


def until_rotated(staged: Stage, name: str, number: int) -> None:
    wait_until(lambda: staged.desk.get(name)["status"]["keyNumber"] == number, f"key {number} is used", PATIENCE)


KILLS: Final = {"targets": kill_targets, "operator": kill_operator}


@pytest.mark.parametrize(("killed", "times"), [("targets", 3), ("operator", 1)])
def test_nothing_is_lost_or_torn_by_a_killed(
    staged: Stage, name: str, rng: random.Random, killed: str, times: int
) -> None:
    rotations_with_kills(staged, name, rng, KILLS[killed], times)


@pytest.mark.campaign
@pytest.mark.parametrize("killed", KILLS)
def test_nothing_is_lost_or_torn_by_many_times_a_killed(
    staged: Stage, name: str, rng: random.Random, killed: str
) -> None:
    rotations_with_kills(staged, name, rng, KILLS[killed], 15)

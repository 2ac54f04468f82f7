"""Hostile servers behind real SSHTargets: they cost their timeout and little memory, and nothing of theirs shows.

The process of targets logs all it can. Another namespace's target is tried meanwhile.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import paramiko  # type: ignore[import-untyped]  # it has no types
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from kubernetes import config

from cluster.desk import desk_in
from cluster.shown import Object, answered, condition_of, generated, reason_of
from cluster.target_doors import IN_THE_HOME, ready
from cluster.target_stage import Stage, TargetDesk, at, installed_at, stage
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from ssh import hostile
from ssh.accounts import account
from ssh.hostile import MARK, TEXT, Conversation, Door, drips, says, says_and_goes, says_for_ever, speaks
from ssh.servers import ADDRESS, make_key, running

MIB: Final = 1024 * 1024
BANNER: Final = f"{MARK} 220 a line of a banner\r\n".encode()
MOST_MIB: Final = 48
"""So much more memory than before may sixteen threads and what they read take."""


class Refuses(Door):
    """Lets nobody in."""

    says_no = True


HOSTILE: Final[dict[str, Conversation]] = {
    "an endless banner": says_for_ever(BANNER * 100),
    "a banner of 10 MB": says(BANNER * (10 * MIB // len(BANNER))),
    "one line of 10 MB": says(MARK.encode() * (10 * MIB // len(MARK))),
    "a version of one line": says(f"SSH-2.0-{TEXT}\r\n".encode()),
    "a slow drip": drips(BANNER),
    "silence": hostile.silence,
    "another protocol": says_and_goes(f"HTTP/1.1 400 {TEXT}\r\n\r\n".encode()),
    "a server that lets everybody in and talks": speaks(Door),
    "a server that refuses and talks": speaks(Refuses),
}
NEVER_READY: Final = [what for what in HOSTILE if "lets everybody in" not in what]


@pytest.fixture(scope="module")
def staged(cluster: Cluster, namespaces: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(cluster, namespaces, tmp_path_factory.mktemp("hostile"), workspaces=2) as made:
        yield made


def peak_of(pid: int) -> float:
    """Return the most memory that a process ever held, in MiB."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) / 1024


def at_port(port: int, credential: str, host_key: str = "") -> Object:
    """Return a spec for a hostile server; without a host key, the first one is taken."""
    trust: dict[str, Any] = {"policy": "Pinned", "keys": [host_key]} if host_key else {"policy": "TrustOnFirstUse"}
    where = {"host": ADDRESS, "port": port, "username": "nextflow", "hostKeys": trust}
    return {"credentialRef": {"name": credential}, **where, "probe": {"timeout": "3s"}}


@contextmanager
def elsewhere(staged: Stage, folder: Path) -> Iterator[TargetDesk]:
    """A good target in another namespace."""
    with ExitStack() as until_the_end:
        desk = until_the_end.enter_context(desk_in(staged.cluster, staged.elsewhere[0]))
        server = until_the_end.enter_context(running(folder))
        desk.create("good", generated())
        server.let_in(desk.until("good", "Available")["status"]["publicKey"])
        connection = until_the_end.enter_context(
            config.new_client_from_config(str(staged.cluster.kubeconfig_for("admin")))
        )
        targets = TargetDesk(connection, staged.elsewhere[0])
        targets.create("good", at(server, "good"))
        targets.until("good", "LoggedIn")
        yield targets


def all_that_shows(staged: Stage) -> dict[str, str]:
    """Return every place where a server's words could have got to."""
    kinds = "sshtargets,sshcredentials,configmaps,events.events.k8s.io"
    return {
        "objects": staged.cluster.kubectl("get", kinds, "-n", staged.namespace, "-o", "json").stdout,
        "operator's log": staged.operator.log.read_text(),
        **{f"log {process.log.name}": process.log.read_text() for process in staged.started},
        **{path: staged.process.get(path)[1] for path in ("/metrics", "/readyz", "/healthz")},
    }


def test_hostile_servers_cost_their_time_and_nothing_of_theirs_shows(staged: Stage, name: str, tmp_path: Path) -> None:
    ready(staged, name)
    with elsewhere(staged, tmp_path / "sshd") as good, ExitStack() as until_the_end:
        process, before = staged.process, peak_of(staged.process.pid)
        names = {what: f"{name}-{number}" for number, what in enumerate(HOSTILE)}
        for what, conversation in HOSTILE.items():
            port = until_the_end.enter_context(hostile.serving(conversation))
            staged.targets.create(names[what], at_port(port, name))
        request = good.probe("good")
        good.until_object("good", lambda one: one["status"].get("handledProbeRequest") == request, "probed")
        for what in NEVER_READY:
            staged.targets.until_object(names[what], is_judged, f"judged: {what}", 60)
        talker = staged.targets.until_object(names["a server that lets everybody in and talks"], is_judged, "judged")
        reasons = {what: reason_of(staged.targets.get(names[what])) for what in NEVER_READY}
        more = peak_of(process.pid) - before

        assert "LoggedIn" not in reasons.values()
        assert reason_of(talker) == "LoggedIn"
        assert condition_of(good.get("good"))["status"] == "True"
        assert staged.process.is_running
        assert more < MOST_MIB, reasons
        for what in names.values():
            staged.targets.delete(what)
    shown = {place: text for place, text in all_that_shows(staged).items() if MARK in text or "jndi" in text}
    assert {place: lines_with(text) for place, text in shown.items()} == {}


def is_judged(found: Object) -> bool:
    """Whether a probe of this spec came to its end."""
    status = found.get("status") or {}
    return bool(status.get("conditions")) and answered(found) and reason_of(found) not in {"Pending", "Probing"}


def lines_with(text: str) -> list[str]:
    return [line[:300] for line in text.splitlines() if MARK in line or "jndi" in line][:3]


def test_a_server_that_is_another_one_when_the_line_is_to_be_written_gets_none(
    staged: Stage, name: str, tmp_path: Path
) -> None:
    """The first host key was seen at a probe, and then the address is somebody else's, who would take the key."""
    public_key = ready(staged, name)
    keys = [make_key(tmp_path / f"host-{number}").private for number in range(2)]
    with account() as person:
        person.holds(f"{public_key}\n")
        with running(tmp_path / "first", IN_THE_HOME, host_keys=(keys[0],)) as server:
            spec = installed_at(server, person, name, hostKeys={"policy": "TrustOnFirstUse"})
            staged.targets.create(name, spec | {"authorizedKey": {"manage": "None"}})
            known = staged.targets.until(name, "LoggedIn")["status"]["hostKey"]
        with running(tmp_path / "second", IN_THE_HOME | {"Port": server.port}, host_keys=(keys[1],)) as swapped:
            person.holds("")
            staged.targets.edit(name, {"authorizedKey": {"manage": "Install"}})
            found = staged.targets.until(name, "HostKeyChanged")
            assert (person.content, swapped.accepted()) == ("", [])
    assert found["status"]["hostKey"] == known


def test_a_server_that_shows_another_host_key_at_the_second_visit_of_one_probe_is_not_trusted(
    staged: Stage, name: str
) -> None:
    ready(staged, name)
    turns = iter([hostile.HOST_KEY])
    other = paramiko.RSAKey(key=rsa.generate_private_key(public_exponent=65537, key_size=2048))

    def swaps(connection: socket.socket) -> None:
        speaks(Door, host_key=next(turns, other))(connection)

    with hostile.serving(swaps) as port:
        staged.targets.create(name, at_port(port, name) | {"authorizedKey": {"manage": "Install"}})
        found = staged.targets.until_object(name, is_judged, "judged")
        staged.targets.delete(name)
    assert reason_of(found) == "HostKeyChanged", json.dumps(found, indent=1)
    assert "authenticatedFingerprints" not in found["status"]
    assert MARK not in json.dumps(found)

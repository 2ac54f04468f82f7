"""Over jump hosts: each with a key and a host key of its own, and reasons that say which of them it was."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ssh.people import LOOPBACK, Only, hop_at, hop_to, new_key, private_key, route_to
from ssh.servers import ADDRESS, Sshd, make_key, running
from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.ssh.client import Session, login, query, session
from sshcredential_operator.ssh.destinations import destinations
from sshcredential_operator.ssh.host_keys import Distrust
from sshcredential_operator.ssh.visit import Failed, Hop, PrivateKey, Queried, Visited


@pytest.fixture(scope="module")
def bastion(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running(tmp_path_factory.mktemp("bastion")) as server:
        yield server


@pytest.fixture(scope="module")
def pass_key(bastion: Sshd, tmp_path_factory: pytest.TempPathFactory) -> PrivateKey:
    return private_key(new_key(tmp_path_factory.mktemp("pass"), bastion))


def named(hop: Hop) -> str:
    return f"{hop.host}:{hop.port}"


def test_one_jump_host_leads_to_the_target(sshd: Sshd, key: PrivateKey, bastion: Sshd, pass_key: PrivateKey) -> None:
    visited = login(route_to(hop_to(sshd), (hop_to(bastion), pass_key)), key, LOOPBACK)

    assert isinstance(visited, Visited)
    assert visited.host_key.public_key == sshd.host_keys[0]
    assert bastion.accepted()[-1] == pass_key.fingerprint
    assert sshd.accepted()[-1] == key.fingerprint


def test_two_jump_hosts_lead_to_the_target(
    sshd: Sshd, key: PrivateKey, bastion: Sshd, pass_key: PrivateKey, tmp_path: Path
) -> None:
    with running(tmp_path / "inner") as inner:
        inner_key = private_key(new_key(tmp_path, inner))
        route = route_to(hop_to(sshd), (hop_to(bastion), pass_key), (hop_to(inner), inner_key))
        with session(route, key, LOOPBACK) as at:
            assert isinstance(at, Session)
            channel = at.transport.open_session(timeout=at.deadline.remaining())
            channel.exec_command("echo $SSH_CONNECTION")
            port = channel.makefile().read().split()[-1]

    assert int(port) == sshd.port
    assert inner.accepted() == [inner_key.fingerprint]


def test_keys_are_asked_about_behind_a_jump_host(
    sshd: Sshd, bastion: Sshd, pass_key: PrivateKey, tmp_path: Path
) -> None:
    pair = new_key(tmp_path, sshd)
    queried = query(route_to(hop_to(sshd), (hop_to(bastion), pass_key)), (pair.public,), LOOPBACK)

    assert isinstance(queried, Queried)
    assert len(queried.accepted) == 1


def at_bastion(bastion: Hop, pass_key: PrivateKey, key: PrivateKey, target: Hop) -> Failed:
    failed = login(route_to(target, (bastion, pass_key), timeout=20), key, LOOPBACK)
    assert isinstance(failed, Failed)
    return failed


def test_a_jump_host_that_does_not_let_one_in_is_named(
    sshd: Sshd, key: PrivateKey, bastion: Sshd, tmp_path: Path
) -> None:
    wrong = private_key(make_key(tmp_path / "wrong"))
    failed = at_bastion(hop_to(bastion), wrong, key, hop_to(sshd))

    facts = {"hop": named(hop_to(bastion)), "why": TargetReason.AUTHENTICATION_FAILED}
    assert failed == Failed(TargetReason.JUMP_FAILED, facts)


def test_a_jump_host_that_is_down_is_named(sshd: Sshd, key: PrivateKey, pass_key: PrivateKey) -> None:
    with socket.create_server((ADDRESS, 0)) as server:
        down = hop_at(server.getsockname()[1])
    failed = at_bastion(down, pass_key, key, hop_to(sshd))

    assert failed == Failed(TargetReason.JUMP_FAILED, {"hop": named(down), "why": TargetReason.CONNECTION_REFUSED})


def test_a_jump_host_with_another_host_key_gets_no_key_and_no_connection_beyond(
    sshd: Sshd, key: PrivateKey, bastion: Sshd, pass_key: PrivateKey
) -> None:
    before = len(bastion.accepted())
    changed = replace(hop_to(bastion), trust=Only(frozenset(), Distrust(TargetReason.HOST_KEY_CHANGED)))
    failed = at_bastion(changed, pass_key, key, hop_to(sshd))

    assert failed == Failed(TargetReason.JUMP_FAILED, {"hop": named(changed), "why": TargetReason.HOST_KEY_CHANGED})
    assert len(bastion.accepted()) == before


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"AllowTcpForwarding": "no"}, id="to anything"),
        pytest.param({"PermitOpen": "none"}, id="to this one"),
    ],
)
def test_a_jump_host_that_does_not_forward_is_named(
    settings: dict[str, str], sshd: Sshd, key: PrivateKey, tmp_path: Path
) -> None:
    with running(tmp_path / "strict", settings) as strict:
        hop = hop_to(strict)
        failed = at_bastion(hop, private_key(new_key(tmp_path, strict)), key, hop_to(sshd))

    assert failed == Failed(TargetReason.JUMP_FAILED, {"hop": named(hop), "why": TargetReason.CHANNEL_REFUSED})


def test_a_target_that_the_jump_host_cannot_reach_is_unreachable(
    key: PrivateKey, bastion: Sshd, pass_key: PrivateKey
) -> None:
    with socket.create_server((ADDRESS, 0)) as server:
        port = server.getsockname()[1]

    assert at_bastion(hop_to(bastion), pass_key, key, hop_at(port)) == Failed(TargetReason.HOST_UNREACHABLE)


def test_a_second_jump_host_that_cannot_be_reached_is_named(
    sshd: Sshd, key: PrivateKey, bastion: Sshd, pass_key: PrivateKey
) -> None:
    with socket.create_server((ADDRESS, 0)) as server:
        down = hop_at(server.getsockname()[1])
    failed = login(route_to(hop_to(sshd), (hop_to(bastion), pass_key), (down, pass_key)), key, LOOPBACK)

    assert failed == Failed(TargetReason.JUMP_FAILED, {"hop": named(down), "why": TargetReason.HOST_UNREACHABLE})


def test_a_second_jump_host_that_does_not_forward_is_the_one_that_is_named(
    sshd: Sshd, key: PrivateKey, bastion: Sshd, pass_key: PrivateKey, tmp_path: Path
) -> None:
    with running(tmp_path / "strict", {"AllowTcpForwarding": "no"}) as strict:
        strict_key, hop = private_key(new_key(tmp_path, strict)), hop_to(strict)
        failed = login(route_to(hop_to(sshd), (hop_to(bastion), pass_key), (hop, strict_key)), key, LOOPBACK)

    assert failed == Failed(TargetReason.JUMP_FAILED, {"hop": named(hop), "why": TargetReason.CHANNEL_REFUSED})


def test_a_target_that_is_silent_behind_a_jump_host_times_out(
    key: PrivateKey, bastion: Sshd, pass_key: PrivateKey
) -> None:
    with socket.create_server((ADDRESS, 0)) as silent:
        failed: object = None
        silent.setblocking(False)
        for timeout in (2, 10, 60):  # until there is time enough on a busy machine to get as far as the target
            route = route_to(hop_at(silent.getsockname()[1]), (hop_to(bastion), pass_key), timeout=timeout)
            failed = login(route, key, LOOPBACK)
            with contextlib.suppress(BlockingIOError):
                silent.accept()[0].close()
                if failed == Failed(TargetReason.TIMED_OUT):
                    break

    assert failed == Failed(TargetReason.TIMED_OUT)


def test_the_targets_own_failures_are_its_own(sshd: Sshd, bastion: Sshd, pass_key: PrivateKey, tmp_path: Path) -> None:
    failed = at_bastion(hop_to(bastion), pass_key, private_key(make_key(tmp_path / "other")), hop_to(sshd))

    assert failed.reason is TargetReason.AUTHENTICATION_FAILED
    assert failed.offered
    assert failed.offered.public_key == sshd.host_keys[0]


@pytest.mark.parametrize("host", ["localhost", "127.1", "169.254.169.254", "::1"])
def test_a_jump_host_is_not_asked_for_what_is_refused(
    host: str, sshd: Sshd, key: PrivateKey, bastion: Sshd, pass_key: PrivateKey
) -> None:
    only_the_bastion = destinations((f"{ADDRESS}:{bastion.port}",))
    route = route_to(replace(hop_to(sshd), host=host), (hop_to(bastion), pass_key))

    assert login(route, key, only_the_bastion) == Failed(TargetReason.DESTINATION_REFUSED)

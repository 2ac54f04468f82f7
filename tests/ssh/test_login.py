"""Logging in to a real sshd, with every kind of key, and asking it about keys."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from ssh.people import CERTIFICATES, LOOPBACK, Anything, Only, fingerprint, hop_to, new_key, private_key, route_to
from ssh.servers import Sshd, certify, make_key, running
from sshcredential_operator.ssh.client import Session, login, query, session
from sshcredential_operator.ssh.signing import blob_of
from sshcredential_operator.ssh.visit import Failed, PrivateKey, Queried, Visited

KINDS = [
    pytest.param("ed25519", None, id="Ed25519"),
    pytest.param("ecdsa", 256, id="ECDSA P-256"),
    pytest.param("ecdsa", 384, id="ECDSA P-384"),
    pytest.param("ecdsa", 521, id="ECDSA P-521"),
    pytest.param("rsa", 2048, id="RSA 2048"),
    pytest.param("rsa", 3072, id="RSA 3072"),
    pytest.param("rsa", 4096, id="RSA 4096"),
]


@pytest.mark.parametrize(("kind", "bits"), KINDS)
def test_every_kind_of_key_logs_in(kind: str, bits: int | None, sshd: Sshd, tmp_path: Path) -> None:
    pair = new_key(tmp_path, sshd, kind, bits)
    visited = login(route_to(hop_to(sshd)), private_key(pair), LOOPBACK)

    assert isinstance(visited, Visited)
    assert sshd.accepted()[-1] == fingerprint(pair.public)
    assert visited.host_key.public_key == sshd.host_keys[0]
    assert visited.host_key.fingerprint == fingerprint(sshd.host_keys[0])
    assert visited.server_version.startswith("OpenSSH_")


@pytest.mark.parametrize(("kind", "bits"), [*KINDS[:4], KINDS[5]])
def test_every_kind_of_host_key_is_proven(kind: str, bits: int | None, tmp_path: Path, key: PrivateKey) -> None:
    host_key = make_key(tmp_path / "host_key", kind, bits)
    with running(tmp_path / "sshd", host_keys=(host_key.private,)) as server:
        failed = login(route_to(hop_to(server)), key, LOOPBACK)

    assert isinstance(failed, Failed)
    assert failed.reason == "AuthenticationFailed"
    assert failed.offered
    assert failed.offered.public_key == host_key.public


@pytest.mark.parametrize(("kind", "bits"), [*KINDS[:4], KINDS[5]])
def test_every_kind_of_host_certificate_is_proven(kind: str, bits: int | None, tmp_path: Path) -> None:
    host_key, ca = make_key(tmp_path / "host_key", kind, bits), make_key(tmp_path / "ca")
    certificate = certify(host_key.private, ca.private)
    with running(tmp_path / "sshd", {"HostCertificate": certificate}, host_keys=(host_key.private,)) as server:
        pair = new_key(tmp_path, server)
        judged = Only(frozenset([blob_of(certificate.read_text()) or b""]), names=CERTIFICATES)
        visited = login(route_to(replace(hop_to(server), trust=judged)), private_key(pair), LOOPBACK)

    assert isinstance(visited, Visited)
    assert visited.host_key.public_key == host_key.public


def test_the_first_common_host_key_algorithm_is_taken(tmp_path: Path) -> None:
    host_keys = make_key(tmp_path / "a"), make_key(tmp_path / "b", "ecdsa", 256)
    with running(tmp_path / "sshd", host_keys=tuple(pair.private for pair in host_keys)) as server:
        hop = replace(hop_to(server), trust=Anything(("ecdsa-sha2-nistp256", "ssh-ed25519")))
        queried = query(route_to(hop), (), LOOPBACK)

    assert isinstance(queried, Queried)
    assert queried.visited.host_key.public_key == host_keys[1].public


def test_a_server_is_asked_about_keys_without_their_private_halves(sshd: Sshd, tmp_path: Path) -> None:
    known = [new_key(tmp_path, sshd, *case.values) for case in KINDS]  # type: ignore[arg-type]  # kind and bits
    unknown = [make_key(tmp_path / f"unknown{number}").public for number in range(4)]
    logins = len(sshd.accepted())
    queried = query(route_to(hop_to(sshd)), (*unknown, *(pair.public for pair in known)), LOOPBACK)

    assert isinstance(queried, Queried)
    assert queried.accepted == {fingerprint(pair.public) for pair in known}
    assert len(sshd.accepted()) == logins


def test_a_server_that_allows_few_tries_is_asked_about_many_keys(tmp_path: Path) -> None:
    with running(tmp_path / "sshd", {"MaxAuthTries": 3}) as server:
        unknown = [make_key(tmp_path / f"unknown{number}").public for number in range(5)]
        known = new_key(tmp_path, server).public
        queried = query(route_to(hop_to(server)), (*unknown, known), LOOPBACK)

    assert isinstance(queried, Queried)
    assert queried.accepted == {fingerprint(known)}


def test_a_session_can_run_a_command_and_is_closed_at_its_end(sshd: Sshd, key: PrivateKey) -> None:
    with session(route_to(hop_to(sshd)), key, LOOPBACK) as at:
        assert isinstance(at, Session)
        channel = at.transport.open_session(timeout=at.deadline.remaining())
        channel.exec_command("echo good morning")
        assert channel.makefile().read() == b"good morning\n"
    assert not at.transport.is_active()
    assert at.transport not in threading.enumerate()


def test_nothing_is_logged_even_when_everything_is(
    sshd: Sshd, key: PrivateKey, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("paramiko.transport").setLevel(logging.DEBUG)
    try:
        assert isinstance(login(route_to(hop_to(sshd)), key, LOOPBACK), Visited)
    finally:
        logging.getLogger("paramiko.transport").setLevel(logging.NOTSET)

    assert caplog.text == ""
    assert capfd.readouterr() == ("", "")

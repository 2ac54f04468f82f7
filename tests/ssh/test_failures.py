"""Each way in which a real server does not let one in has its own reason."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from ssh.people import CERTIFICATES, LOOPBACK, PLAIN, Anything, Only, hop_at, hop_to, new_key, private_key, route_to
from ssh.servers import ADDRESS, Sshd, certify, make_key, running
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.ssh.client import login, query
from sshcredential_operator.ssh.destinations import Destinations, destinations
from sshcredential_operator.ssh.host_certificates import CertificateFault
from sshcredential_operator.ssh.host_keys import Distrust
from sshcredential_operator.ssh.visit import Failed, Hop, PrivateKey, Visited


def failure(hop: Hop, key: PrivateKey, allowed: Destinations = LOOPBACK, timeout: float = 30) -> Failed:
    failed = login(route_to(hop, timeout=timeout), key, allowed)
    assert isinstance(failed, Failed)
    return failed


def test_a_name_that_cannot_be_one_is_not_found(key: PrivateKey) -> None:
    """Its first label is too long for any question to a name server, so that none is asked."""
    failed = failure(replace(hop_at(22), host="a" * 64 + ".example.org"), key)

    assert failed == Failed(TargetReason.NAME_NOT_FOUND)


def test_a_closed_port_refuses(key: PrivateKey) -> None:
    with socket.create_server((ADDRESS, 0)) as server:
        port = server.getsockname()[1]

    assert failure(hop_at(port), key) == Failed(TargetReason.CONNECTION_REFUSED)


@pytest.mark.parametrize("host", ["255.255.255.255", "fe80::1"])
def test_an_address_without_a_way_to_it_is_unreachable(host: str, key: PrivateKey) -> None:
    failed = failure(replace(hop_at(22), host=host), key, destinations((host,)))

    assert failed == Failed(TargetReason.HOST_UNREACHABLE)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1", "::ffff:127.0.0.1", "169.254.169.254"])
def test_what_is_not_allowed_is_not_connected_to(host: str, sshd: Sshd, key: PrivateKey) -> None:
    before = sshd.log.read_text()
    failed = failure(replace(hop_to(sshd), host=host), key, Destinations())

    assert failed == Failed(TargetReason.DESTINATION_REFUSED)
    assert sshd.log.read_text() == before


def test_a_full_server_loses_the_connection(tmp_path: Path, key: PrivateKey) -> None:
    with (
        running(tmp_path / "sshd", {"MaxStartups": 1}) as server,
        socket.create_connection((ADDRESS, server.port)) as other,
    ):
        assert other.recv(4) == b"SSH-"
        assert failure(hop_to(server), key) == Failed(TargetReason.CONNECTION_LOST)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"Ciphers": "aes256-cbc"}, id="ciphers"),
        pytest.param({"KexAlgorithms": "diffie-hellman-group1-sha1"}, id="key exchanges"),
        pytest.param({"Ciphers": "aes256-ctr", "MACs": "hmac-md5"}, id="MACs"),
    ],
)
def test_a_server_with_old_algorithms_only_has_none_in_common(
    settings: dict[str, str], tmp_path: Path, key: PrivateKey
) -> None:
    with running(tmp_path / "sshd", settings) as server:
        failed = failure(hop_to(server), key)

    assert failed.reason is TargetReason.NO_COMMON_ALGORITHM
    assert (failed.server_version or "").startswith("OpenSSH_")


def test_a_host_key_algorithm_that_nobody_has_is_not_in_common(sshd: Sshd, key: PrivateKey) -> None:
    hop = replace(hop_to(sshd), trust=Anything(("ecdsa-sha2-nistp521",)))

    assert failure(hop, key).reason is TargetReason.NO_COMMON_ALGORITHM


@pytest.mark.parametrize(
    "distrust",
    [
        Distrust(TargetReason.HOST_KEY_UNKNOWN),
        Distrust(TargetReason.HOST_KEY_CHANGED),
        Distrust(TargetReason.HOST_KEY_REVOKED),
        Distrust(TargetReason.HOST_CERTIFICATE_REFUSED, CertificateFault.ABSENT),
    ],
    ids=lambda distrust: distrust.reason,
)
def test_a_host_key_that_is_not_trusted_ends_the_visit_before_a_key_is_offered(
    distrust: Distrust, sshd: Sshd, key: PrivateKey
) -> None:
    before = len(sshd.accepted())
    said_before = sshd.log.read_text().count("authenticating user")
    failed = failure(replace(hop_to(sshd), trust=Only(frozenset(), distrust)), key)

    assert failed.reason is distrust.reason
    assert failed.facts == ({"fault": str(distrust.fault)} if distrust.fault else {})
    assert failed.offered
    assert failed.offered.public_key == sshd.host_keys[0]
    assert len(sshd.accepted()) == before
    assert sshd.log.read_text().count("authenticating user") == said_before


def test_a_host_certificate_that_is_not_trusted_shows_the_key_that_it_certifies(
    tmp_path: Path, key: PrivateKey
) -> None:
    host_key, ca = make_key(tmp_path / "host_key", "rsa", 2048), make_key(tmp_path / "ca")
    certificate = certify(host_key.private, ca.private)
    distrust = Distrust(TargetReason.HOST_CERTIFICATE_REFUSED, CertificateFault.CA_UNKNOWN)
    with running(tmp_path / "sshd", {"HostCertificate": certificate}, host_keys=(host_key.private,)) as server:
        trust = Only(frozenset(), distrust, CERTIFICATES + PLAIN)
        failed = failure(replace(hop_to(server), trust=trust), key)

    assert failed.reason is TargetReason.HOST_CERTIFICATE_REFUSED
    assert failed.offered
    assert failed.offered.public_key == host_key.public


def test_a_key_that_is_not_known_fails(sshd: Sshd, tmp_path: Path) -> None:
    failed = failure(hop_to(sshd), private_key(make_key(tmp_path / "other")))

    assert (failed.reason, dict(failed.facts)) == (TargetReason.AUTHENTICATION_FAILED, {})
    assert failed.offered
    assert failed.server_version


def test_a_user_who_is_not_there_fails(sshd: Sshd, key: PrivateKey) -> None:
    assert failure(replace(hop_to(sshd), username="nobody-of-that-name"), key).reason == "AuthenticationFailed"


def test_a_server_that_wants_a_second_factor_is_told_apart(tmp_path: Path) -> None:
    with running(tmp_path / "sshd", {"AuthenticationMethods": "publickey,publickey"}) as server:
        failed = failure(hop_to(server), private_key(new_key(tmp_path, server)))

    assert (failed.reason, failed.facts) == (TargetReason.AUTHENTICATION_FAILED, {"partial": 1})


def test_a_server_that_takes_sha1_only_is_told_apart(tmp_path: Path) -> None:
    with running(tmp_path / "sshd", {"PubkeyAcceptedAlgorithms": "ssh-rsa,ssh-ed25519"}) as server:
        rsa, ed25519 = new_key(tmp_path, server, "rsa", 2048), new_key(tmp_path, server)
        failed = failure(hop_to(server), private_key(rsa))
        other = login(route_to(hop_to(server)), private_key(ed25519), LOOPBACK)

    assert failed.reason is TargetReason.SIGNATURE_ALGORITHM_REFUSED
    assert isinstance(other, Visited)


def test_the_weaker_sha2_is_taken_where_the_server_wants_it(tmp_path: Path) -> None:
    with running(tmp_path / "sshd", {"PubkeyAcceptedAlgorithms": "rsa-sha2-256"}) as server:
        visited = login(route_to(hop_to(server)), private_key(new_key(tmp_path, server, "rsa", 2048)), LOOPBACK)

    assert isinstance(visited, Visited)


def test_a_login_without_a_session_is_told_apart(tmp_path: Path) -> None:
    with running(tmp_path / "sshd", {"MaxSessions": 0}) as server:
        failed = failure(hop_to(server), private_key(new_key(tmp_path, server)))

    assert failed.reason is TargetReason.CHANNEL_REFUSED
    assert failed.offered


def test_a_server_that_stops_answering_times_out(key: PrivateKey) -> None:
    with socket.create_server((ADDRESS, 0)) as silent:
        assert failure(hop_at(silent.getsockname()[1]), key, timeout=0.5) == Failed(TargetReason.TIMED_OUT)


def test_a_private_key_that_is_none_is_not_available(sshd: Sshd) -> None:
    broken = PrivateKey("SHA256:x", Sensitive(b"-----BEGIN OPENSSH PRIVATE KEY-----\nnonsense\n"))

    assert failure(hop_to(sshd), broken).reason is TargetReason.KEY_UNAVAILABLE


def test_a_question_about_keys_fails_with_the_same_reasons(key: PrivateKey, tmp_path: Path) -> None:
    public = make_key(tmp_path / "public").public
    with socket.create_server((ADDRESS, 0)) as server:
        port = server.getsockname()[1]

    assert query(route_to(hop_at(port)), (public,), LOOPBACK) == Failed(TargetReason.CONNECTION_REFUSED)


def test_an_rsa_key_that_is_not_known_fails_also_where_few_tries_are_allowed(tmp_path: Path) -> None:
    with running(tmp_path / "sshd", {"MaxAuthTries": 2}) as server:
        failed = failure(hop_to(server), private_key(make_key(tmp_path / "other", "rsa", 2048)))

    assert failed.reason is TargetReason.AUTHENTICATION_FAILED

"""`ssh/host_certificates.py`: certificates that ssh-keygen makes, each kind and each fault."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sshcredential_operator.keys.wire import string
from sshcredential_operator.ssh.host_certificates import (
    MAX_BYTES,
    CertificateFault,
    fault_of,
    is_certificate,
    plain_key,
    signed,
)
from unit.keys.key_files import ED25519, KINDS, P256, RSA2048, KeyFiles, Kind
from unit.ssh.certificates import HOST, Authority, blob_in

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
VALID = "20260601120000Z:20260601130000Z"
TYPE_AT = 4 + len("ssh-ed25519-cert-v01@openssh.com")


@pytest.fixture(scope="module")
def authority(key_files: KeyFiles, tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(key_files, ED25519, tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def good(authority: Authority) -> bytes:
    return authority.certificate(ED25519)


@pytest.mark.parametrize("signer", KINDS, ids=str)
def test_an_authority_of_every_type_is_taken(signer: Kind, key_files: KeyFiles, tmp_path: Path) -> None:
    authority = Authority(key_files, signer, tmp_path)
    assert fault_of(authority.certificate(P256), [authority.blob], HOST, NOW) is None


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_key_of_every_type_is_certified(kind: Kind, authority: Authority, key_files: KeyFiles) -> None:
    certificate = authority.certificate(kind)
    assert fault_of(certificate, [authority.blob], HOST, NOW) is None
    assert plain_key(certificate) == blob_in(key_files.line(kind))
    assert is_certificate(certificate)


OPTIONS = [
    pytest.param(("-h", "-n", f"other,{HOST}"), None, id="one of its names"),
    pytest.param(("-h", "-n", "*.example.org"), None, id="a pattern"),
    pytest.param(("-h", "-n", HOST, "-V", VALID), None, id="in its first second"),
    pytest.param(("-h", "-n", HOST, "-O", "extension:x=y"), None, id="an extension"),
    pytest.param(("-h", "-n", "login.hpc"), CertificateFault.OTHER_HOST, id="a part of the name"),
    pytest.param(("-h", "-n", f"!{HOST}"), CertificateFault.OTHER_HOST, id="a name with an exclamation mark"),
    pytest.param(("-h", "-n", HOST.upper()), CertificateFault.OTHER_HOST, id="a name in capitals, as for ssh"),
    pytest.param(("-h",), CertificateFault.NO_PRINCIPALS, id="no name"),
    pytest.param(("-n", HOST), CertificateFault.NOT_FOR_HOSTS, id="a user's"),
    pytest.param(
        ("-h", "-n", HOST, "-V", "20260601120001Z:20260601130000Z"), CertificateFault.NOT_YET_VALID, id="too soon"
    ),
    pytest.param(("-h", "-n", HOST, "-V", "20260601100000Z:20260601120000Z"), CertificateFault.EXPIRED, id="too late"),
    pytest.param(("-h", "-n", HOST, "-O", "critical:x=y"), CertificateFault.CRITICAL_OPTION, id="a critical option"),
]


@pytest.mark.parametrize(("options", "fault"), OPTIONS)
def test_what_a_certificate_says_decides(
    options: tuple[str, ...], fault: CertificateFault | None, authority: Authority
) -> None:
    assert fault_of(authority.certificate(ED25519, *options), [authority.blob], HOST, NOW) is fault


def test_a_certificate_for_ever_does_not_expire(good: bytes, authority: Authority) -> None:
    assert fault_of(good, [authority.blob], HOST, NOW + timedelta(days=300_000)) is None


def test_the_host_is_compared_in_lower_case(good: bytes, authority: Authority) -> None:
    assert fault_of(good, [authority.blob], HOST.upper(), NOW) is None


@pytest.mark.parametrize(
    ("algorithm", "fault"),
    [
        pytest.param("ssh-rsa", CertificateFault.WEAK_SIGNATURE, id="SHA-1"),
        pytest.param("rsa-sha2-256", None, id="SHA-256"),
        pytest.param("rsa-sha2-512", None, id="SHA-512"),
    ],
)
def test_an_rsa_authority_signs_without_sha_1(
    algorithm: str, fault: CertificateFault | None, key_files: KeyFiles, tmp_path: Path
) -> None:
    authority = Authority(key_files, RSA2048, tmp_path)
    certificate = authority.certificate(ED25519, "-t", algorithm, "-h", "-n", HOST)
    assert fault_of(certificate, [authority.blob], HOST, NOW) is fault


def test_an_authority_that_is_not_trusted_counts_before_what_it_says(authority: Authority, key_files: KeyFiles) -> None:
    users = authority.certificate(ED25519, "-n", HOST)
    assert fault_of(users, [blob_in(key_files.line(ED25519))], HOST, NOW) is CertificateFault.CA_UNKNOWN
    assert fault_of(users, [], HOST, NOW) is CertificateFault.CA_UNKNOWN


def test_a_certificate_signed_by_a_certificate_is_refused(good: bytes, authority: Authority) -> None:
    nested = good.replace(string(authority.blob), string(good))
    assert nested != good
    assert fault_of(nested, [good, authority.blob], HOST, NOW) is CertificateFault.CA_IS_CERTIFICATE


def test_one_changed_name_breaks_the_signature(good: bytes, authority: Authority) -> None:
    other = HOST.replace("login", "other")
    forged = good.replace(HOST.encode(), other.encode())
    assert fault_of(forged, [authority.blob], other, NOW) is CertificateFault.SIGNATURE_WRONG


BROKEN = [
    pytest.param(lambda good: good[:0], id="nothing"),
    pytest.param(lambda good: good[:-1], id="cut"),
    pytest.param(lambda good: good + b"\0", id="a byte more"),
    pytest.param(lambda good: string(b"ssh-ed25519") + good[TYPE_AT:], id="under the name of a plain key"),
    pytest.param(lambda good: string(b"ssh-dss-cert-v01@openssh.com") + good[TYPE_AT:], id="of a type of old"),
    pytest.param(lambda good: good + bytes(MAX_BYTES), id="very long"),
]


@pytest.mark.parametrize("broken", BROKEN)
def test_what_cannot_be_read_is_no_certificate(broken: object, good: bytes, authority: Authority) -> None:
    assert callable(broken)
    blob = broken(good)
    assert fault_of(blob, [authority.blob], HOST, NOW) is CertificateFault.MALFORMED
    assert signed(blob) is None
    assert plain_key(blob) == blob


@given(st.binary(max_size=300), st.sampled_from(KINDS))
def test_no_bytes_are_too_odd(junk: bytes, kind: Kind) -> None:
    name = {"Ed25519": "ssh-ed25519", "RSA": "ssh-rsa"}.get(kind.algorithm, f"ecdsa-sha2-nistp{kind.bits}")
    for blob in (junk, string(f"{name}-cert-v01@openssh.com".encode()) + junk):
        assert fault_of(blob, [], HOST, NOW) is not None
        assert isinstance(plain_key(blob), bytes)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_goes_unseen(data: st.DataObject, signers: list[tuple[Authority, bytes]]) -> None:
    authority, good = data.draw(st.sampled_from(signers))
    at = data.draw(st.integers(0, len(good) - 1))
    cut = data.draw(st.integers(0, 4))
    damaged = good[:at] + data.draw(st.binary(max_size=5)) + good[at + cut :]
    assert damaged == good or fault_of(damaged, [authority.blob], HOST, NOW) is not None


@pytest.fixture(scope="module")
def signers(key_files: KeyFiles, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Authority, bytes]]:
    made = [Authority(key_files, kind, tmp_path_factory.mktemp("signer")) for kind in (ED25519, P256, RSA2048)]
    return [(signer, signer.certificate(kind)) for signer in made for kind in (ED25519, P256, RSA2048)]

"""Host certificates of OpenSSH (PROTOCOL.certkeys in its source), judged: pure. Used by `host_keys.py` and `client.py`.

`cryptography` reads them and checks the signature; what it does not show, who signed and how, is read here.
"""

from __future__ import annotations

import base64
from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import SSHCertificate, SSHCertificateType, load_ssh_public_identity

from sshcredential_operator.keys.refusal import Refusal
from sshcredential_operator.keys.wire import WireReader, string
from sshcredential_operator.ssh.host_patterns import matches
from sshcredential_operator.ssh.known_hosts import canonical_host, host_key

CERTIFICATE: Final = "-cert-v01@openssh.com"
MAX_BYTES: Final = 32 * 1024
_SUFFIX: Final = CERTIFICATE.encode()
_NUMBERS: Final = {b"ssh-ed25519": 1, b"ssh-rsa": 2} | {b"ecdsa-sha2-nistp%d" % bits: 2 for bits in (256, 384, 521)}
"""How many strings a public key of each type has."""


class CertificateFault(StrEnum):
    """Why a host certificate is refused, as the end of a sentence that begins "The host certificate"."""

    ABSENT = "is missing: the server shows a plain key"
    MALFORMED = "cannot be read"
    CA_IS_CERTIFICATE = "is signed by a certificate, not by a key"
    CA_UNKNOWN = "is signed by a certificate authority that is not trusted for this host"
    WEAK_SIGNATURE = "is signed with SHA-1"
    SIGNATURE_WRONG = "has a signature that does not hold"
    NOT_FOR_HOSTS = "is a user's, not a host's"
    NOT_YET_VALID = "is not valid yet"
    EXPIRED = "has expired"
    NO_PRINCIPALS = "names no host"
    OTHER_HOST = "is for another host"
    CRITICAL_OPTION = "has a critical option, and none is known for hosts"


class Signed(NamedTuple):
    """What a certificate certifies, and who says so: keys in wire form. Nothing of it is checked."""

    key: bytes
    authority: bytes
    signature_type: bytes


def signed(blob: bytes) -> Signed | None:
    """Return the parts of a certificate, or None for everything that is none."""
    try:
        return _signed(WireReader(blob)) if len(blob) <= MAX_BYTES else None
    except Refusal:
        return None


def plain_key(blob: bytes) -> bytes:
    """Return the wire form of the key that a certificate certifies; all that is no certificate comes back as it is."""
    parts = signed(blob)
    return blob if parts is None else parts.key


def is_certificate(blob: bytes) -> bool:
    """Tell whether these bytes say that they are a certificate."""
    try:
        return WireReader(blob).string().endswith(_SUFFIX)
    except Refusal:
        return False


def fault_of(blob: bytes, authorities: Collection[bytes], host: str, now: datetime) -> CertificateFault | None:
    """Return why a certificate does not speak for this host, or None. What it says counts only once it is verified.

    As OpenSSH has it since 10.3: principals may be patterns, and a certificate without any is for no host.
    """
    parts = signed(blob)
    if parts is None or host_key(parts.key) is None:
        return CertificateFault.MALFORMED
    if is_certificate(parts.authority):
        return CertificateFault.CA_IS_CERTIFICATE
    if parts.authority not in authorities:
        return CertificateFault.CA_UNKNOWN
    if parts.signature_type == b"ssh-rsa":
        return CertificateFault.WEAK_SIGNATURE
    certificate = _loaded(blob, parts.key)
    if certificate is None:
        return CertificateFault.MALFORMED
    return _signature_fault(certificate) or _content_fault(certificate, canonical_host(host), int(now.timestamp()))


def _signature_fault(certificate: SSHCertificate) -> CertificateFault | None:
    try:
        certificate.verify_cert_signature()
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return CertificateFault.SIGNATURE_WRONG
    return None


def _content_fault(certificate: SSHCertificate, host: str, now: int) -> CertificateFault | None:
    principals = [name.decode("utf-8", "replace") for name in certificate.valid_principals]
    faults = {
        CertificateFault.NOT_FOR_HOSTS: certificate.type is not SSHCertificateType.HOST,
        CertificateFault.NOT_YET_VALID: now < certificate.valid_after,
        CertificateFault.EXPIRED: now >= certificate.valid_before,
        CertificateFault.NO_PRINCIPALS: not principals,
        CertificateFault.OTHER_HOST: not any(matches(name, host) for name in principals),
        CertificateFault.CRITICAL_OPTION: bool(certificate.critical_options),
    }
    return next((fault for fault, is_so in faults.items() if is_so), None)


def _loaded(blob: bytes, key: bytes) -> SSHCertificate | None:
    name = WireReader(key).string() + _SUFFIX
    try:
        read = load_ssh_public_identity(name + b" " + base64.b64encode(blob))
    except (UnsupportedAlgorithm, ValueError):
        return None
    return read if isinstance(read, SSHCertificate) else None


def _signed(reader: WireReader) -> Signed | None:
    name = reader.string()
    key_type = name.removesuffix(_SUFFIX)
    if key_type == name or key_type not in _NUMBERS:
        return None
    reader.string()  # nonce
    key = b"".join(map(string, (key_type, *(reader.string() for _ in range(_NUMBERS[key_type])))))
    reader.take(8)  # serial
    reader.uint32()  # user or host
    reader.string()  # key id
    reader.string()  # principals
    reader.take(16)  # valid after, before
    for _ in ("critical options", "extensions", "reserved"):
        reader.string()
    authority, signature = reader.string(), WireReader(reader.string())
    reader.end()
    return Signed(key, authority, signature.string())

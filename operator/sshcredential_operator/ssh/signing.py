"""Signatures that prove to a server who logs in (RFC 4252, section 7), made from the canonical OpenSSH file: pure.

Used by `authentication.py`. RSA keys sign with SHA-2 only (RFC 8332), whatever a server asks for. paramiko's key
classes are not used: their parsers fail on many good files, and its Ed25519 class takes nothing but a file.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from sshcredential_operator.keys.wire import mpint, string
from sshcredential_operator.ssh.visit import PrivateKey

RSA: Final = b"ssh-rsa"
RSA_SIGNATURES: Final = (b"rsa-sha2-512", b"rsa-sha2-256")
"""The best first. SHA-1, which the name of the key itself stands for, is not among them."""

_RSA_HASHES: Final[dict[bytes, hashes.HashAlgorithm]] = {
    b"rsa-sha2-512": hashes.SHA512(),
    b"rsa-sha2-256": hashes.SHA256(),
}
_CURVE_HASHES: Final[dict[int, hashes.HashAlgorithm]] = {
    256: hashes.SHA256(),
    384: hashes.SHA384(),
    521: hashes.SHA512(),
}

_Private = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True, repr=False)
class Signer:
    """A private key that can be logged in with. `blob` is the public half in wire form."""

    blob: bytes
    _private: _Private

    @property
    def is_rsa(self) -> bool:
        """Tell whether there is more than one way to sign."""
        return isinstance(self._private, rsa.RSAPrivateKey)

    def sign(self, algorithm: bytes, data: bytes) -> bytes:
        """Return the signature in wire form (RFC 5656, RFC 8332, RFC 8709)."""
        return string(algorithm) + string(_signature(self._private, algorithm, data))


def signer(key: PrivateKey) -> Signer | None:
    """Return the key, ready to sign; None for a file that is none of ours."""
    try:
        private = serialization.load_ssh_private_key(key.private.reveal(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if not isinstance(private, _Private):
        return None
    public = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return Signer(blob_of(public.decode("ascii")) or b"", private)


def blob_of(public_key: str) -> bytes | None:
    """Return the wire form of `type base64 [comment]`; None where it is none."""
    match public_key.split(" ")[:2]:
        case [_, encoded]:
            try:
                return base64.b64decode(encoded, validate=True)
            except ValueError:
                return None
    return None


def type_of(blob: bytes) -> bytes:
    """Return the key type that a wire form begins with; b"" where it does not hold one."""
    length = int.from_bytes(blob[:4], "big")
    return blob[4 : 4 + length] if 0 < length <= len(blob) - 4 else b""


def _signature(private: _Private, algorithm: bytes, data: bytes) -> bytes:
    match private:
        case ed25519.Ed25519PrivateKey():
            return private.sign(data)
        case rsa.RSAPrivateKey():
            return private.sign(data, padding.PKCS1v15(), _RSA_HASHES[algorithm])
        case ec.EllipticCurvePrivateKey():
            der = private.sign(data, ec.ECDSA(_CURVE_HASHES[private.curve.key_size]))
            r, s = decode_dss_signature(der)
            return mpint(r) + mpint(s)

"""PKCS#8 EncryptedPrivateKeyInfo (RFC 5208, section 6), as in `ENCRYPTED PRIVATE KEY`: the schemes that encrypt it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sshcredential_operator.api.keyreasons import KeyRefusal, Note
from sshcredential_operator.keys.der import DerReader
from sshcredential_operator.keys.formats import pbes1, pbes2, pkcs8
from sshcredential_operator.keys.formats.found import Locked, read_decrypted
from sshcredential_operator.keys.refusal import Refusal

LABEL: Final = "ENCRYPTED PRIVATE KEY"


def read(der: bytes) -> Locked:
    """Return the encrypted key in `der`, whose key derivation is affordable."""
    outer = DerReader(der)
    info = outer.sequence()
    outer.end()
    scheme, data = info.sequence(), info.octets()
    info.end()
    oid = scheme.oid()
    if oid == pbes2.OID:
        return _locked(pbes2.decryption(scheme.sequence(), data))
    if (old := pbes1.SCHEMES.get(oid)) is not None:
        return _locked(pbes1.decryption(old, scheme.sequence(), data), Note.LEGACY_KDF)
    raise Refusal(KeyRefusal.UNSUPPORTED_CIPHER)


def _locked(decrypt: Callable[[bytes], bytes], *notes: Note) -> Locked:
    return Locked(lambda passphrase: read_decrypted(pkcs8.read, decrypt(passphrase)), notes=notes)

"""Files that are no text: private keys in DER; other things in DER or in PGP's packets, which are refused by name."""

from __future__ import annotations

from typing import Final

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.keys.der import DerReader, Tag
from sshcredential_operator.keys.formats.der_forms import read_form
from sshcredential_operator.keys.formats.found import Candidate
from sshcredential_operator.keys.formats.shapes import DER_LABELS, label_of
from sshcredential_operator.keys.refusal import Refusal

_BER_PKCS12: Final = b"\x30\x80\x02\x01\x03\x30"
"""The start of a PKCS#12 file whose lengths are left open, as Windows and Java write them."""

_PKCS7: Final = "1.2.840.113549.1.7."
_DSA_NUMBERS: Final = 6
_RSA_PUBLIC_NUMBERS: Final = 2
_PGP_KEY_STARTS: Final = {0x94: 2, 0x95: 3, 0x98: 2, 0x99: 3}
"""First octet of a key packet (RFC 4880, section 4.2): where its version stands, which is 4."""

_PGP_VERSION: Final = 4


def read(file: bytes) -> Candidate | None:
    """Return the key in a DER file, or None for a file that is none of those that are known here."""
    refuse_foreign(file)
    if (at := _PGP_KEY_STARTS.get(file[0])) is not None and file[at : at + 1] == bytes([_PGP_VERSION]):
        raise Refusal(KeyRefusal.PGP_KEY)
    label = label_of(file)
    return read_form(file, label) if label in DER_LABELS else None


def refuse_foreign(body: bytes) -> None:
    """Refuse what is DER but no private key that SSH knows."""
    if body.startswith(_BER_PKCS12):
        raise Refusal(KeyRefusal.PKCS12)
    try:
        reason = _foreign(body)
    except Refusal:
        return
    if reason is not None:
        raise Refusal(reason)


def _foreign(body: bytes) -> KeyRefusal | None:
    outer = DerReader(body)
    members = outer.sequence()
    outer.end()
    tags = members.tags()
    if tags == (Tag.INTEGER,) * _DSA_NUMBERS:
        return KeyRefusal.DSA_KEY
    if tags in {(Tag.SEQUENCE, Tag.BIT_STRING), (Tag.INTEGER,) * _RSA_PUBLIC_NUMBERS}:
        return KeyRefusal.PUBLIC_KEY
    if tags == (Tag.SEQUENCE, Tag.SEQUENCE, Tag.BIT_STRING):
        return KeyRefusal.X509_CERTIFICATE
    if tags[:2] == (Tag.INTEGER, Tag.SEQUENCE):
        members.skip()
        return KeyRefusal.PKCS12 if members.sequence().oid().startswith(_PKCS7) else None
    return None

"""Files between BEGIN and END lines: finds the one private key among the blocks and hands it to its format."""

from __future__ import annotations

from typing import Final

from sshcredential_operator.api.keyreasons import KeyRefusal, Note
from sshcredential_operator.keys import openssh
from sshcredential_operator.keys.formats import dek_info, openssh_v1, pkcs8, pkcs8_encrypted, sec1
from sshcredential_operator.keys.formats.beside import held_to
from sshcredential_operator.keys.formats.der_forms import read_form
from sshcredential_operator.keys.formats.found import Candidate, Found, noted
from sshcredential_operator.keys.formats.shapes import DER_LABELS, label_of
from sshcredential_operator.keys.pem import Block, armoured
from sshcredential_operator.keys.refusal import Refusal, corrupt

_PRIVATE: Final = "PRIVATE KEY"
_ANY_LABEL: Final = "SSH PRIVATE KEY"
"""Written by nobody but people; taken for the label of any PEM form."""

_REFUSED_PRIVATE: Final = {"DSA PRIVATE KEY": KeyRefusal.DSA_KEY, "PGP PRIVATE KEY BLOCK": KeyRefusal.PGP_KEY}
_REFUSED: Final = {
    "CERTIFICATE": KeyRefusal.X509_CERTIFICATE,
    "X509 CERTIFICATE": KeyRefusal.X509_CERTIFICATE,
    "TRUSTED CERTIFICATE": KeyRefusal.X509_CERTIFICATE,
    "CERTIFICATE REQUEST": KeyRefusal.X509_CERTIFICATE,
    "PKCS7": KeyRefusal.X509_CERTIFICATE,
    "PKCS12": KeyRefusal.PKCS12,
    "PUBLIC KEY": KeyRefusal.PUBLIC_KEY,
    "RSA PUBLIC KEY": KeyRefusal.PUBLIC_KEY,
    "PGP PUBLIC KEY BLOCK": KeyRefusal.PGP_KEY,
    "PGP MESSAGE": KeyRefusal.PGP_KEY,
    "AGE ENCRYPTED FILE": KeyRefusal.AGE_ENCRYPTED,
}


def read(text: bytes) -> Candidate | None:
    """Return the private key in the text's blocks, or None for a text without blocks."""
    found = armoured(text)
    if not found.blocks:
        return None
    private = [block for block in found.blocks if _PRIVATE in block.label]
    if not private:
        raise Refusal(_REFUSED.get(found.blocks[0].label, KeyRefusal.NOT_A_KEY))
    others = [block for block in found.blocks if _PRIVATE not in block.label]
    return held_to(_one_of(private), [block for block in others if block.label != sec1.PARAMETERS_LABEL], found.outside)


def _one_of(blocks: list[Block]) -> Candidate:
    """Return the key of all these blocks, which must be one and the same."""
    if len(set(blocks)) == 1:
        return _block(blocks[0]) if len(blocks) == 1 else noted(_block(blocks[0]), Note.DUPLICATE_REMOVED)
    try:
        first, *others = [_block(block) for block in blocks]
    except Refusal:
        raise Refusal(KeyRefusal.MULTIPLE_KEYS) from None
    if not isinstance(first, Found):
        raise Refusal(KeyRefusal.MULTIPLE_KEYS)
    if any(not isinstance(other, Found) or other.private != first.private for other in others):
        raise Refusal(KeyRefusal.MULTIPLE_KEYS)
    return noted(first, Note.DUPLICATE_REMOVED)


def _block(block: Block) -> Candidate:
    if block.label == openssh.LABEL:
        return _openssh(block)
    if block.label not in {*DER_LABELS, _ANY_LABEL}:
        raise Refusal(_REFUSED_PRIVATE.get(block.label, KeyRefusal.UNSUPPORTED_KEY_TYPE))
    if block.headers:
        if block.label == pkcs8_encrypted.LABEL:
            raise corrupt()
        return dek_info.locked(block)
    body = block.body()
    if body.startswith(openssh.MAGIC):
        raise Refusal(KeyRefusal.LABEL_MISMATCH, label=openssh.LABEL)
    return _der(body, block.label)


def _openssh(block: Block) -> Candidate:
    body = block.body()
    if block.headers:
        raise corrupt()
    if not body.startswith(openssh.MAGIC) and (label := label_of(body)):
        raise Refusal(KeyRefusal.LABEL_MISMATCH, label=label)
    return openssh_v1.read(body)


def _der(body: bytes, label: str) -> Candidate:
    """Read a body as what it is. A wrong "ENCRYPTED" in its label cannot come from a mere mix-up of labels."""
    actual = label_of(body)
    if actual is None or {actual, label} == {pkcs8.LABEL, pkcs8_encrypted.LABEL}:
        raise corrupt()
    key = read_form(body, actual)
    return key if actual == label else noted(key, Note.LABEL_REPAIRED)

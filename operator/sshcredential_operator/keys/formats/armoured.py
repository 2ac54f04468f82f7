"""Files between BEGIN and END lines: finds the one private key among the blocks and hands it to its format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.keys import openssh
from sshcredential_operator.keys.formats import dek_info, openssh_v1, pkcs1, pkcs8, pkcs8_encrypted, sec1
from sshcredential_operator.keys.formats.found import Candidate, Found
from sshcredential_operator.keys.formats.shapes import DER_LABELS, label_of
from sshcredential_operator.keys.pem import Block, blocks
from sshcredential_operator.keys.refusal import Refusal, corrupt

_PLAIN: Final[dict[str, Callable[[bytes], Found]]] = {
    pkcs1.LABEL: pkcs1.read,
    sec1.LABEL: sec1.read,
    pkcs8.LABEL: pkcs8.read,
}
"""The forms that DEK-Info may encrypt."""

_PRIVATE: Final = "PRIVATE KEY"
_REFUSED_PRIVATE: Final = {"DSA PRIVATE KEY": KeyRefusal.DSA_KEY}
_REFUSED: Final = {
    "CERTIFICATE": KeyRefusal.X509_CERTIFICATE,
    "X509 CERTIFICATE": KeyRefusal.X509_CERTIFICATE,
    "TRUSTED CERTIFICATE": KeyRefusal.X509_CERTIFICATE,
    "PUBLIC KEY": KeyRefusal.PUBLIC_KEY,
    "RSA PUBLIC KEY": KeyRefusal.PUBLIC_KEY,
}


def read(text: bytes) -> Candidate | None:
    """Return the private key in the text's blocks, or None for a text without blocks."""
    found = blocks(text)
    if not found:
        return None
    private = [block for block in found if block.label.endswith(_PRIVATE)]
    if not private:
        raise Refusal(_REFUSED.get(found[0].label, KeyRefusal.NOT_A_KEY))
    parameters = [block for block in found if block.label == sec1.PARAMETERS_LABEL]
    if len(private) > 1 or len(found) > len(private) + len(parameters):
        raise Refusal(KeyRefusal.MULTIPLE_KEYS)
    return _block(private[0])


def _block(block: Block) -> Candidate:
    if block.label == openssh.LABEL:
        return _openssh(block)
    if block.label not in DER_LABELS:
        raise Refusal(_REFUSED_PRIVATE.get(block.label, KeyRefusal.UNSUPPORTED_KEY_TYPE))
    if block.headers:
        if block.label not in _PLAIN:
            raise corrupt()
        return dek_info.locked(block, _PLAIN[block.label])
    body = block.body()
    if body.startswith(openssh.MAGIC):
        raise Refusal(KeyRefusal.LABEL_MISMATCH, label=openssh.LABEL)
    _require_label(body, block.label)
    return pkcs8_encrypted.read(body) if block.label == pkcs8_encrypted.LABEL else _PLAIN[block.label](body)


def _openssh(block: Block) -> Candidate:
    body = block.body()
    if block.headers:
        raise corrupt()
    if not body.startswith(openssh.MAGIC) and (label := label_of(body)):
        raise Refusal(KeyRefusal.LABEL_MISMATCH, label=label)
    return openssh_v1.read(body)


def _require_label(body: bytes, label: str) -> None:
    """Make sure that the body is what the label says; a wrong "ENCRYPTED" cannot come from a mere mix-up of labels."""
    actual = label_of(body)
    if actual == label:
        return
    if actual is None or {actual, label} == {pkcs8.LABEL, pkcs8_encrypted.LABEL}:
        raise corrupt()
    raise Refusal(KeyRefusal.LABEL_MISMATCH, label=actual)

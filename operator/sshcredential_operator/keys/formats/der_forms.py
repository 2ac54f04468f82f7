"""The forms of a private key in DER, told apart by their shape whatever a label says. Used by the recognisers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sshcredential_operator.keys.formats import pkcs1, pkcs8, pkcs8_encrypted, sec1
from sshcredential_operator.keys.formats.found import Candidate, Found
from sshcredential_operator.keys.formats.shapes import label_of
from sshcredential_operator.keys.refusal import corrupt

PLAIN_FORMS: Final[dict[str, Callable[[bytes], Found]]] = {
    pkcs1.LABEL: pkcs1.read,
    sec1.LABEL: sec1.read,
    pkcs8.LABEL: pkcs8.read,
}
"""By the label that belongs to the form; DEK-Info may encrypt each of them."""


def read_plain(body: bytes) -> Found:
    """Return the key in a body that is not encrypted, of whichever form it is."""
    read = PLAIN_FORMS.get(label_of(body) or "")
    if read is None:
        raise corrupt()
    return read(body)


def read_form(body: bytes, label: str) -> Candidate:
    """Return the key in a body of the form that has this label."""
    return pkcs8_encrypted.read(body) if label == pkcs8_encrypted.LABEL else PLAIN_FORMS[label](body)

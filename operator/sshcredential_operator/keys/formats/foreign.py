"""Other things that people paste where a private key is asked for. Each is named, so that the answer can help."""

from __future__ import annotations

from typing import Final

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.keys.formats import pkcs8_encrypted
from sshcredential_operator.keys.formats.beside import CERTIFICATE_TYPE, key_type_and_blob
from sshcredential_operator.keys.formats.binary import refuse_foreign
from sshcredential_operator.keys.formats.shapes import label_of
from sshcredential_operator.keys.refusal import Refusal
from sshcredential_operator.keys.repairs.encoding import undone_base64

LINE_STARTS: Final = {
    b"---- BEGIN SSH2 PUBLIC KEY ----": KeyRefusal.PUBLIC_KEY,
    b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----": KeyRefusal.SSH_COM_FORMAT,
    b"SSH PRIVATE KEY FILE FORMAT 1.1": KeyRefusal.SSH1_KEY,
    b"AGE-SECRET-KEY-": KeyRefusal.AGE_IDENTITY,
    b"AGE-PLUGIN-": KeyRefusal.AGE_IDENTITY,
    b"age-encryption.org/v1": KeyRefusal.AGE_ENCRYPTED,
}
"""By how a line of them begins."""


def other_file(text: bytes) -> None:
    """Refuse the formats that have a line of their own, in a text without BEGIN line."""
    if b"-----BEGIN" in text:
        return
    for line in text.splitlines():
        for start, reason in LINE_STARTS.items():
            if line.startswith(start):
                raise Refusal(reason)


def public_line(text: bytes) -> None:
    """Refuse a line of `id_*.pub`, `authorized_keys` or `known_hosts`."""
    if b"-----BEGIN" in text:
        return
    line = next((line for line in text.splitlines() if line and not line.startswith(b"#")), b"")
    if (found := key_type_and_blob(line)) is not None:
        certificate = found[0].endswith(CERTIFICATE_TYPE)
        raise Refusal(KeyRefusal.CERTIFICATE if certificate else KeyRefusal.PUBLIC_KEY)


def body_without_armour(text: bytes) -> None:
    """Refuse what is DER in base64, but not the plain key that would have got its BEGIN and END lines back."""
    body = undone_base64(text.decode("utf-8", "replace"))
    if body is None:
        return
    refuse_foreign(body)
    if label_of(body) == pkcs8_encrypted.LABEL:
        raise Refusal(KeyRefusal.TRUNCATED)

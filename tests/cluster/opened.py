"""Opens a stored credential as the operator does, from the Secrets that an administrator can read. For tests only."""

from __future__ import annotations

from typing import NamedTuple

from cluster.desk import Desk
from cluster.shown import Object, data_of, secret_of
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.credential_secret import OpenedCredential, open_credential, open_key
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.kek import (
    FIRST_SLOT,
    KEK_DATA_KEY,
    KekDocument,
    kek_secret_name,
    unwrap_kek,
)
from sshcredential_operator.encryption.record import Record
from sshcredential_operator.encryption.root_key import ROOT_DATA_KEY, ROOT_SECRET_NAME, root_keys_from_bytes
from sshcredential_operator.encryption.sealing_key import (
    SEALING_KEY_DATA_KEY,
    SealingKeyDocument,
    sealing_key_secret_name,
    unwrap_sealing_key,
)
from sshcredential_operator.keys.stored import stored_public_key


class Opened(NamedTuple):
    """What lies in a credential's Secret, in plain."""

    record: Record
    private: bytes
    passphrase: bytes | None


def open_stored(workspace: Desk, name: str, key_ring: Desk) -> Opened:
    """Open the Secret of a credential with the key ring in the operator's namespace."""
    kek = kek_of(workspace.namespace_uid(), key_ring)
    data, place = data_of(workspace.stored(name)), (workspace.namespace, name)
    opened = open_credential(data, *place, {kek.kid: kek}.get, stored_public_key)
    assert isinstance(opened, OpenedCredential), (secret_of(name), opened)
    material = open_key(data, opened.record, opened.record.current, *place, {kek.kid: kek}.get)
    assert material is not None
    return Opened(
        opened.record, material.private.reveal(), material.passphrase.reveal() if material.passphrase else None
    )


def kek_of(namespace_uid: str, key_ring: Desk) -> Kek:
    """Return the key of a workspace."""
    document = KekDocument.from_bytes(_value(key_ring.secret(kek_secret_name(namespace_uid, FIRST_SLOT)), KEK_DATA_KEY))
    assert document is not None
    kek = unwrap_kek(document, root_of(key_ring))
    assert kek is not None
    return kek


def sealing_key_of(slot: int, key_ring: Desk) -> Sensitive:
    """Return the private half of a sealing key."""
    text = _value(key_ring.secret(sealing_key_secret_name(slot)), SEALING_KEY_DATA_KEY)
    document = SealingKeyDocument.from_bytes(text)
    assert document is not None
    half = unwrap_sealing_key(document, root_of(key_ring))
    assert half is not None
    return half


def root_of(key_ring: Desk) -> Kek:
    """Return the root key."""
    roots = root_keys_from_bytes(_value(key_ring.secret(ROOT_SECRET_NAME), ROOT_DATA_KEY))
    assert roots is not None
    return roots.writing


def _value(secret: Object | None, key: str) -> bytes:
    assert secret is not None
    return data_of(secret)[key]

"""Whether the root key can be worked with, from one look at what is stored. Pure; used by the key ring at start.

A new root key is made only where nothing was ever encrypted. A root key is trusted when it opens its canary, a KEK
or a sealing key.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from sshcredential_operator.encryption.canary import (
    CANARY_DATA_KEY,
    CANARY_SECRET_TYPE,
    CanaryDocument,
    canary_secret_name,
    sings,
)
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.kek import (
    KEK_DATA_KEY,
    KEK_SECRET_TYPE,
    KekDocument,
    kek_secret_name,
    unwrap_kek,
)
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.root_key import (
    ROOT_DATA_KEY,
    ROOT_SECRET_TYPE,
    RootKeys,
    RootSource,
    root_keys_from_bytes,
)
from sshcredential_operator.encryption.sealing_key import sealing_key_document_of, unwrap_sealing_key


class RootProblem(StrEnum):
    """Why the operator must not work with the root key, or without one."""

    ROOT_LOST = "RootLost"
    """There is none, but a KEK, a canary, a sealing key or a credential's Secret exists."""
    ROOT_WRONG = "RootWrong"
    """It does not open its canary, or it is not the one that the stored keys were wrapped by."""
    ROOT_MALFORMED = "RootMalformed"
    """The Secret is cut, has another type or size, or holds something else."""
    CANARY_MALFORMED = "CanaryMalformed"
    """The canary's Secret is cut or holds something else. It can be deleted: it is made again if a KEK opens."""
    KEKS_LOST = "KeksLost"
    """The root key is there, but neither its canary nor any KEK, though credentials' Secrets exist."""
    UNSETTLED = "Unsettled"
    """What is stored kept changing, or a Secret of another type has the name of one of ours."""


class Step(StrEnum):
    """What comes next when there is no problem."""

    MAKE_ROOT = "make the root key"
    MAKE_CANARY = "make its canary"
    WORK = "work"


class Seen(NamedTuple):
    """One look: the root's Secret, and all canaries and KEKs. What comes after them matters only without those."""

    root: StoredSecret | None
    canaries: Sequence[StoredSecret]
    keks: Sequence[StoredSecret]
    credentials_exist: bool
    sealing_keys: Sequence[StoredSecret] = ()


class StoredKek(NamedTuple):
    """A KEK that opened, and the document that binds it to its namespace."""

    document: KekDocument
    kek: Kek


def next_step(seen: Seen) -> Step | RootProblem:
    """Return what to do, or why nothing may be done."""
    if seen.root is None:
        anything = seen.canaries or seen.keks or seen.sealing_keys or seen.credentials_exist
        return RootProblem.ROOT_LOST if anything else Step.MAKE_ROOT
    roots = root_keys_of(seen.root)
    if roots is None:
        return RootProblem.ROOT_MALFORMED
    name = canary_secret_name(roots.writing.kid)
    canary = next((secret for secret in seen.canaries if secret.name == name), None)
    return _without_canary(seen, roots) if canary is None else _with_canary(canary, seen, roots)


def _with_canary(secret: StoredSecret, seen: Seen, roots: RootKeys) -> Step | RootProblem:
    value = secret.value(CANARY_SECRET_TYPE, CANARY_DATA_KEY)
    canary = None if value is None else CanaryDocument.from_bytes(value)
    if canary is None:
        return RootProblem.CANARY_MALFORMED
    if not sings(canary, roots.writing):
        return RootProblem.ROOT_WRONG
    wrapped_by = [roots.find(document.wrapped.root_key_id) for document in map(kek_document_of, seen.keks) if document]
    return RootProblem.ROOT_WRONG if wrapped_by and not any(wrapped_by) else Step.WORK


def _without_canary(seen: Seen, roots: RootKeys) -> Step | RootProblem:
    """Judge by KEKs or sealing keys: an operator that starts, or crashed, may not have come to the canary yet."""
    opened = any(stored_kek_of(secret, roots) for secret in seen.keks)
    if opened or any(_opens(secret, roots) for secret in seen.sealing_keys):
        return Step.MAKE_CANARY
    if seen.keks or seen.canaries or seen.sealing_keys:
        return RootProblem.ROOT_WRONG
    return RootProblem.KEKS_LOST if seen.credentials_exist else Step.MAKE_CANARY


def _opens(secret: StoredSecret, roots: RootKeys) -> bool:
    document = sealing_key_document_of(secret)
    root = None if document is None else roots.find(document.wrapped.root_key_id)
    return document is not None and root is not None and unwrap_sealing_key(document, root) is not None


def root_keys_of(secret: StoredSecret) -> RootKeys | None:
    """Return the root keys of their Secret, or None for any other Secret."""
    value = secret.value(ROOT_SECRET_TYPE, ROOT_DATA_KEY)
    return None if value is None else root_keys_from_bytes(value)


def kek_document_of(secret: StoredSecret) -> KekDocument | None:
    """Return the document of a KEK's Secret that lies under its own name, or None for any other Secret."""
    value = secret.value(KEK_SECRET_TYPE, KEK_DATA_KEY)
    document = None if value is None else KekDocument.from_bytes(value)
    if document is None or document.slot is None:
        return None
    return document if secret.name == kek_secret_name(document.namespace_uid, document.slot) else None


def stored_kek_of(secret: StoredSecret, roots: RootKeys) -> StoredKek | None:
    """Return the KEK of its Secret, or None when it does not open under one of these root keys."""
    document = kek_document_of(secret)
    root = None if document is None else roots.find(document.wrapped.root_key_id)
    if document is None or root is None or document.wrapped.root_source is not RootSource.SECRET:
        return None
    kek = unwrap_kek(document, root)
    return None if kek is None else StoredKek(document, kek)

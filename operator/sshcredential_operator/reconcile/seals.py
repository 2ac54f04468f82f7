"""spec.sealed: what it says it is, read without any key, and the key in it, opened. Used by `observe`.

Everything that can be told without decrypting is told first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sshcredential_operator.api.names import CredentialKey
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.spec import Sealed
from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.sealing import Scope, Seal, open_value, seal_of
from sshcredential_operator.keys.judge import Accepted
from sshcredential_operator.reconcile.observed import Input, SealingKeyGone, SealRefused
from sshcredential_operator.reconcile.ports import Sealing, World

_GONE: Final = {
    SealingKeyGone.UNKNOWN: Reason.SEALING_KEY_UNKNOWN,
    SealingKeyGone.RETIRED: Reason.SEALING_KEY_RETIRED,
}


def read_seals(source: Sealed, key: CredentialKey, *, strict_only: bool) -> Seal | SealRefused:
    """Return what the private key's value says it is, if both values are for this credential and belong together."""
    read: dict[Field, Seal] = {}
    for field, text in _values(source):
        seal = seal_of(text)
        if seal is None:
            return SealRefused(Reason.SEALED_VALUE_INVALID, {"field": field})
        if fault := _misplaced(seal, field, key, strict_only=strict_only):
            return fault
        read[field] = seal
    private_key = read[Field.PRIVATE_KEY]
    other = read.get(Field.PASSPHRASE, private_key).fingerprint
    if other != private_key.fingerprint:
        facts = {"fingerprint": private_key.fingerprint, "other_fingerprint": other}
        return SealRefused(Reason.SEALED_VALUES_DIFFER, facts)
    return private_key


def is_sealed_to(source: Sealed, kid: str) -> bool:
    """Whether every value is sealed to this sealing key."""
    return all((seal := seal_of(text)) is not None and seal.kid == kid for _, text in _values(source))


async def unseal(source: Sealed, seal: Seal, world: World, *, min_rsa_bits: int) -> Input:
    """Open and judge the key of a source that `read_seals` has read."""
    halves: dict[Field, Sensitive] = {}
    for field, text in _values(source):
        half = await _private_half(text, world.sealing)
        if isinstance(half, SealRefused):
            return half
        halves[field] = half
    opened: dict[Field, Sensitive] = {}
    for field, text in _values(source):
        value = open_value(text, halves[field])
        if value is None:
            return SealRefused(Reason.SEALED_VALUE_DAMAGED, {"field": field})
        opened[field] = value
    found = await world.keys.judge(opened[Field.PRIVATE_KEY], opened.get(Field.PASSPHRASE), min_rsa_bits=min_rsa_bits)
    if isinstance(found, Accepted) and found.pair.public.fingerprint != seal.fingerprint:
        facts = {"fingerprint": seal.fingerprint, "other_fingerprint": found.pair.public.fingerprint}
        return SealRefused(Reason.SEALED_KEY_MISMATCH, facts)
    return found


def _values(source: Sealed) -> Iterator[tuple[Field, str]]:
    yield Field.PRIVATE_KEY, source.private_key
    if source.passphrase is not None:
        yield Field.PASSPHRASE, source.passphrase


def _misplaced(seal: Seal, field: Field, key: CredentialKey, *, strict_only: bool) -> SealRefused | None:
    if seal.field is not field:
        return SealRefused(Reason.SEALED_FIELD_MISMATCH, {"field": field, "sealed_field": seal.field})
    if not seal.fits(key.namespace, key.name):
        return SealRefused(Reason.SEALED_ELSEWHERE, {"field": field, "place": seal.place})
    if strict_only and seal.scope is not Scope.STRICT:
        return SealRefused(Reason.SEALED_SCOPE_REFUSED, {"field": field, "place": seal.place})
    return None


async def _private_half(text: str, sealing: Sealing) -> Sensitive | SealRefused:
    seal = seal_of(text)
    if seal is None:  # read_seals has read it
        raise TypeError
    half = await sealing.private_half(seal.kid)
    if isinstance(half, SealingKeyGone):
        return SealRefused(_GONE[half], {"field": seal.field, "kid": seal.kid})
    return half

"""The values of one credential's Secret, put under another KEK. Used by `reconcile` while a KEK is replaced.

Wrapping anew takes the data keys out of the old KEK and into the new one: no plaintext, and ciphertexts and tags stay
as they are. Encrypting anew is for a suspected leak: every value gets another data key, and is in plain for a moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sshcredential_operator.encryption.credential_secret import KekOf
from sshcredential_operator.encryption.envelope import Envelope, Kek, open_sealed, parse, rewrap, seal


class Rewrap(NamedTuple):
    """What is wanted: the KEK to be under, and whether data keys are to be new."""

    kek: Kek
    re_encrypt: bool = False


def under_another_kek(data: Mapping[str, bytes], kek_of: KekOf, wanted: Rewrap) -> dict[str, bytes] | None:
    """Return the values that change; none for a Secret that is under that KEK already. None if one does not open."""
    changed: dict[str, bytes] = {}
    for name, value in data.items():
        envelope = parse(value)
        old = None if envelope is None else kek_of(envelope.kid)
        if envelope is None or old is None:
            return None
        if envelope.kid == wanted.kek.kid:
            continue
        anew = _encrypted(envelope, old, wanted.kek) if wanted.re_encrypt else rewrap(envelope, old, wanted.kek)
        if anew is None:
            return None
        changed[name] = anew
    return changed


def _encrypted(envelope: Envelope, old: Kek, new: Kek) -> bytes | None:
    plain = open_sealed(envelope, old, envelope.aad)
    return None if plain is None else seal(plain, new, envelope.aad)

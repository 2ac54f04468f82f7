"""Which keys once logged in at a target and should do so no more: pure. Used by `probe` and the pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sshcredential_operator.api.target_status import RetiredKey
from sshcredential_operator.targets.observed import Observed
from sshcredential_operator.targets.ports import StoredKeys

MOST_RETIRED: Final = 8
"""As many as the CRD takes; of more, the oldest are not watched any longer."""


def retired_keys(observed: Observed, keys: StoredKeys, logged_in: frozenset[str]) -> tuple[RetiredKey, ...]:
    """Return those that the status tells of and those that join them, oldest first.

    A previous key joins as soon as it is replaced, so that it is not forgotten; it is asked for when its time is over.
    """
    wanted = {key.fingerprint for key in (keys.current, keys.next) if key} | logged_in
    status, memory = observed.target.status, observed.memory
    lines = {**memory.logged_in, **{key.fingerprint: key.public_key for key in keys.previous}}
    known = {key.fingerprint: key for key in status.retired_keys}
    for fingerprint in (*status.authenticated_fingerprints, *memory.logged_in):
        if fingerprint in lines:
            known.setdefault(fingerprint, RetiredKey(fingerprint, lines[fingerprint]))
    return tuple(_without(known, wanted))[-MOST_RETIRED:]


def left_behind(observed: Observed) -> tuple[RetiredKey, ...]:
    """Return these when the credential is gone: what it let in stays at the server, and one of its name may come."""
    known = {key.fingerprint: key for key in observed.target.status.retired_keys}
    for fingerprint, public_key in observed.memory.logged_in.items():
        known.setdefault(fingerprint, RetiredKey(fingerprint, public_key))
    return tuple(known.values())[-MOST_RETIRED:]


def _without(known: dict[str, RetiredKey], wanted: set[str] | frozenset[str]) -> Iterator[RetiredKey]:
    return (key for fingerprint, key in known.items() if fingerprint not in wanted)

"""Whether the root for writing can be worked with, from one look at what is stored. Pure; used by the key ring.

A new root key is made only where nothing was ever encrypted. A root key is trusted when it opens its canary, or when
the key ring's roots open a KEK, a sealing key or another root key's canary.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from sshcredential_operator.encryption.root_key import RootSource
from sshcredential_operator.encryption.roots import RootLack


class RootProblem(StrEnum):
    """Why the operator must not work with the root key, or without one."""

    ROOT_LOST = "RootLost"
    """There is none, but a KEK, a canary, a sealing key or a credential's Secret exists."""
    ROOT_MISSING = "RootMissing"
    """There is none, and it is not the operator that makes it."""
    ROOT_WRONG = "RootWrong"
    """It does not open its canary, or it is not the one that the stored keys were wrapped by."""
    ROOT_MALFORMED = "RootMalformed"
    """What lies in its place is cut, has another type or size, or is something else."""
    ROOT_AWAY = "RootAway"
    """It cannot be asked now: a plugin that does not answer or is not healthy, a file that cannot be read."""
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


class Canary(StrEnum):
    """What was seen of the canary of the root key for writing."""

    ABSENT = "absent"
    MALFORMED = "malformed"
    SILENT = "silent"
    """It does not open under its root key, or says something else."""
    SINGS = "sings"


class Seen(NamedTuple):
    """One look at the key ring's Secrets through the roots that are there now."""

    source: RootSource
    """Where the root for writing is kept."""
    lack: RootLack | None
    """Why there is no root for writing."""
    canary: Canary = Canary.ABSENT
    encrypted: bool = False
    """Whether a canary, a KEK or a sealing key exists."""
    proven: bool = False
    """Whether a KEK, a sealing key or another root key's canary opens."""
    strange: bool = False
    """Whether there are KEKs, and all of them were wrapped by root keys that are not there."""
    credentials_exist: bool = False


_LACKS: Final = {RootLack.MALFORMED: RootProblem.ROOT_MALFORMED, RootLack.AWAY: RootProblem.ROOT_AWAY}


def next_step(seen: Seen) -> Step | RootProblem:
    """Return what to do, or why nothing may be done."""
    if seen.lack is RootLack.ABSENT:
        return _without_root(seen)
    if seen.lack is not None:
        return _LACKS[seen.lack]
    match seen.canary:
        case Canary.MALFORMED:
            return RootProblem.CANARY_MALFORMED
        case Canary.SILENT:
            return RootProblem.ROOT_WRONG
        case Canary.SINGS:
            return RootProblem.ROOT_WRONG if seen.strange else Step.WORK
        case Canary.ABSENT:
            return _without_canary(seen)


def _without_root(seen: Seen) -> Step | RootProblem:
    if seen.encrypted or seen.credentials_exist:
        return RootProblem.ROOT_LOST
    return Step.MAKE_ROOT if seen.source is RootSource.SECRET else RootProblem.ROOT_MISSING


def _without_canary(seen: Seen) -> Step | RootProblem:
    """Judge by what opens: an operator that starts, or crashed, may not have come to the canary yet."""
    if seen.proven:
        return Step.MAKE_CANARY
    if seen.encrypted:
        return RootProblem.ROOT_WRONG
    return RootProblem.KEKS_LOST if seen.credentials_exist else Step.MAKE_CANARY

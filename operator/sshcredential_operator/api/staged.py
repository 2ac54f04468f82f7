"""The reasons of the condition RotationStaged, and their texts. Used by `reconcile`, and for docs/reference/reasons.md.

Of their own: Ready goes on to speak of the key in use.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from sshcredential_operator.api.names import TARGET_PLURAL
from sshcredential_operator.api.text import Text


class StagedReason(StrEnum):
    """The reason of the condition RotationStaged."""

    STAGED = "Staged"
    WAITING_FOR_TARGETS = "WaitingForTargets"
    TARGETS_UNKNOWN = "TargetsUnknown"
    FORBIDDEN = "Forbidden"


HELD: Final = frozenset(reason.value for reason in StagedReason if reason is not StagedReason.STAGED)
"""The key was announced for long enough, and is not used yet."""

_FORCE: Final = "or use it all the same with `sshcred rotate {credential} --force`."

STAGED_TEXTS: Final[dict[StagedReason, Text]] = {
    StagedReason.STAGED: Text(
        "The next key {fingerprint} is used from {moment} on.",
        "Put status.next.publicKey into authorized_keys beside the current one.",
    ),
    StagedReason.WAITING_FOR_TARGETS: Text(
        "The next key {fingerprint} is not used yet: it does not log in at SSHTarget {targets}.",
        "See why with `kubectl describe sshtarget {target}`; " + _FORCE,
    ),
    StagedReason.TARGETS_UNKNOWN: Text(
        "The next key {fingerprint} is not used yet: which SSHTargets have to let it in is not known yet.",
        "It goes on by itself as soon as it knows them.",
    ),
    StagedReason.FORBIDDEN: Text(
        "The next key {fingerprint} is not used yet: the API server does not let the operator list "
        f"{TARGET_PLURAL} in this namespace, and a target may not let it in.",
        "Bind the operator's workspace role in this namespace; " + _FORCE,
    ),
}

MOST_NAMED: Final = 5
ROOM_FOR_NAMES: Final = 512
"""So many bytes of a message may name targets; a name has 63 at most, where the schema is ours."""


def targets_named(names: Sequence[str]) -> str:
    """Return the first few of these names for a message. How many more there are changes often, and is not said."""
    named = ", ".join(names[:MOST_NAMED])[:ROOM_FOR_NAMES]
    return f"{named} and others" if len(names) > MOST_NAMED else named


def staged_message(reason: StagedReason, **facts: str) -> str:
    """Return the text of a reason with its facts filled in."""
    text = STAGED_TEXTS[reason]
    return f"{text.says} {text.do}".format(**facts)

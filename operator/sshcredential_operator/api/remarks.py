"""What the message of Ready says beside its reason where a wish was not, or is not yet, fulfilled. Used by `report`.

`kubectl get -o wide` shows the message and not the notes: who mistyped a wish has to see there that nothing came of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sshcredential_operator.api.keyreasons import Note

REMARKS: Final[dict[str, str]] = {
    Note.ROTATION_DUE.value: (
        "The key is older than the policy of this workspace wants: "
        "raise spec.rotation.serial above {serial} to replace it."
    ),
    Note.SERIAL_IGNORED.value: (
        "spec.rotation.serial is lower than {serial}, which was answered before, so nothing is done for it: "
        "raise it above {serial} for another key."
    ),
    Note.ROLLBACK_TARGET_MISSING.value: (
        "No key with the fingerprint in spec.rotation.rollbackTo is stored, so nothing was changed for it: "
        "status.previous.fingerprint names the newest that is, if there is one."
    ),
}

CREDENTIAL_NOTES: Final[dict[Note, str]] = {
    Note.ROTATION_DUE: "The key is older than the policy of this workspace wants keys to be.",
    Note.SERIAL_IGNORED: "spec.rotation.serial is lower than one that was honoured. Nothing is done for it.",
    Note.ROLLBACK_TARGET_MISSING: "No key with the fingerprint in spec.rotation.rollbackTo is stored any more.",
    Note.INPUT_SECRET_PRESENT: "The Secret that you brought the key in still holds it in the clear. Delete it.",
    Note.RESEAL_RECOMMENDED: "The values in spec.sealed were sealed to an older sealing key. They still open; "
    "seal the key again when it suits you.",
}
"""What each note about a credential means; `keymessages.NOTE_TEXTS` has those about keys."""


def remarks(notes: Sequence[str], serial: int) -> str:
    """Return a sentence for each note that needs one; `serial` is the last one that was honoured."""
    return " ".join(REMARKS[note].format(serial=serial) for note in notes if note in REMARKS)

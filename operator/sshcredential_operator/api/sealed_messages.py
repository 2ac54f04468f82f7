"""What is said of `spec.sealed`: a part of the catalogue in `api/messages.py`.

`{field}` is privateKey or passphrase, `{place}` what a value was sealed for, `{kid}` the id of a sealing key.
"""

from __future__ import annotations

from typing import Final

from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.text import Text

SEALED_TEXTS: Final[dict[Reason, Text]] = {
    Reason.SEALED_VALUE_INVALID: Text(
        "spec.sealed.{field} is no sealed value.",
        "Make one from the private key file, and paste it whole: sshcred seal --help. "
        "If it was the private key itself, replace that key pair: it has been sent in plain text.",
    ),
    Reason.SEALED_ELSEWHERE: Text(
        "spec.sealed.{field} was sealed for {place}, not for this credential.",
        "Seal the key again for this namespace and name (sshcred seal), or move the manifest to where it belongs.",
    ),
    Reason.SEALED_SCOPE_REFUSED: Text(
        "spec.sealed.{field} was sealed for {place}, and this operator takes values for one credential only.",
        "Seal the key again with --scope strict (sshcred seal).",
    ),
    Reason.SEALED_FIELD_MISMATCH: Text(
        "spec.sealed.{field} holds a value that was sealed as {sealed_field}.",
        "Put each value into the field that it was sealed for.",
    ),
    Reason.SEALED_VALUES_DIFFER: Text(
        "spec.sealed.privateKey ({fingerprint}) and spec.sealed.passphrase ({other_fingerprint}) belong to different "
        "key pairs.",
        "Take both values from one run of sshcred seal.",
    ),
    Reason.SEALING_KEY_UNKNOWN: Text(
        "spec.sealed.{field} was sealed to the sealing key {kid}, which this operator does not have.",
        "Seal the key again to the present one (sshcred sealing-key, sshcred seal); or restore the sealing key from "
        "the backup of the operator's namespace: it is looked for again until then.",
    ),
    Reason.SEALING_KEY_RETIRED: Text(
        "spec.sealed.{field} was sealed to the sealing key {kid}, which is retired.",
        "Seal the key again to the present one: sshcred sealing-key, sshcred seal.",
    ),
    Reason.SEALED_VALUE_DAMAGED: Text(
        "spec.sealed.{field} does not open: it was changed, or cut, after it was sealed.",
        "Restore the value from Git, or seal the key again: sshcred seal.",
    ),
    Reason.SEALED_KEY_MISMATCH: Text(
        "spec.sealed.privateKey says that it holds {fingerprint}, but holds {other_fingerprint}.",
        "Seal the key again: sshcred seal.",
    ),
}

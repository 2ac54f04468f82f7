"""The one catalogue of texts for people: for every reason what is wrong and what to do next.

`Ready`, `Reconciling` and `Stalled` conditions, events and docs/reference/reasons.md take their words from here.
Only facts that cannot carry key material are filled in: object names, sizes, fingerprints.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sshcredential_operator.api.export_messages import EXPORT_TEXTS, SAID_OF_EXPORTS
from sshcredential_operator.api.keymessages import KEY_TEXTS
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.sealed_messages import SEALED_TEXTS
from sshcredential_operator.api.text import MESSAGE_LIMIT, Text, filled

__all__ = ["CATALOGUE", "MESSAGE_LIMIT", "Text", "message"]


CATALOGUE: Final[dict[Reason, Text]] = {
    Reason.PENDING: Text("No operator has looked at this credential yet.", "Is this namespace among its workspaces?"),
    Reason.AVAILABLE: Text("The key is stored encrypted in Secret {secret}."),
    Reason.CREATING: Text("The key is being made."),
    Reason.UPDATING: Text("Secret {secret} is being brought up to date."),
    Reason.ROTATING: Text("The key is being replaced."),
    Reason.TOO_MANY_KEYS: Text(
        "The key in use stays for now: {count} previous keys are still stored, and more are not kept.",
        "The next of them ends at {until}, and then the request is answered. "
        "A shorter spec.rotation.overlap counts for keys that are replaced later.",
    ),
    Reason.SUSPENDED: Text(
        "Nothing is changed while spec.suspend is true; Ready keeps its last word.",
        "Set spec.suspend to false to go on.",
    ),
    Reason.INPUT_SECRET_MISSING: Text(
        "Waiting for Secret {input_secret}, which spec.importFrom names: it does not exist in this namespace.",
        "Create it; the key is taken as soon as it is there.",
    ),
    Reason.INPUT_KEY_MISSING: Text(
        "Waiting for key {input_key} of Secret {input_secret}, which spec.importFrom names: "
        "the Secret has no such key.",
        "Add it to the Secret, or correct spec.importFrom.",
    ),
    Reason.SECRET_LOST: Text(
        "Secret {secret}, which held the private key, is gone. No new key was made in its place.",
        "Restore the Secret from a backup; or delete this credential and create it again to get a new key.",
    ),
    Reason.SECRET_TAMPERED: Text(
        "Secret {secret} was changed by somebody else: it is not what the operator stored for this credential. "
        "It is left as it is.",
        "Restore the Secret from a backup; or delete Secret and credential, and create the credential again "
        "to get a new key.",
    ),
    Reason.SECRET_CONFLICT: Text(
        "A Secret named {secret} exists that is not ours (its type is another). It was not touched.",
        "Rename or delete that Secret, or create this credential under another name.",
    ),
    Reason.KEY_UNAVAILABLE: Text(
        "Secret {secret} is encrypted with a workspace key that is not in the operator's key ring "
        "(the namespace was made anew, or the key ring was lost). It is left as it is.",
        "Restore the key ring from its backup; or delete Secret and credential, and create the credential again "
        "to get a new key.",
    ),
    Reason.ROLLBACK_DETECTED: Text(
        "Secret {secret} holds key number {stored_number}, but number {status_number} was already in use: "
        "an old copy was put back. It is left as it is.",
        "Restore the latest copy of the Secret.",
    ),
    Reason.ADOPTED_KEY_DIFFERS: Text(
        "Secret {secret} already holds a key of this credential ({stored_fingerprint}), "
        "but the input Secret brings another one ({input_fingerprint}). Neither was changed.",
        "Raise spec.rotation.serial above {serial} to replace the stored key by the input's, "
        "or delete the input Secret to keep it.",
    ),
    Reason.ALGORITHM_CHANGED: Text(
        "spec.generate asks for {wanted}, but the stored key is {stored}. The stored key stays.",
        "Raise spec.rotation.serial above {serial} to replace the key, or change spec.generate back to {stored}.",
    ),
    Reason.SOURCE_CHANGED: Text(
        "The spec names another source than the one that the stored key came from ({stored_source}). "
        "The stored key stays.",
        "Raise spec.rotation.serial above {serial} to replace the key, or change the source back.",
    ),
    Reason.NAME_CONFLICT: Text(
        "The name {name} is already held by credential {rival} of this namespace.",
        "Create this credential with another spec.name, or delete {rival}.",
    ),
    Reason.NOT_ALLOWED_BY_POLICY: Text(
        "The policy of this workspace does not allow a new {key} key. Allowed: {allowed}.",
        "Ask for an allowed one; a stored key stays until then. Whoever runs the operator sets the policy.",
    ),
    Reason.OPERATOR_NAMESPACE: Text(
        "Credentials cannot live in the operator's own namespace: the key ring lives there.",
        "Create this credential in a workspace namespace.",
    ),
    Reason.SPEC_INVALID: Text(
        "The operator cannot read {field} of this credential.",
        "Correct it; `kubectl explain sshcredential.spec` describes every field.",
    ),
    Reason.FORBIDDEN: Text(
        "The API server does not let the operator {verb} {resource} in this namespace.",
        "Bind the operator's workspace role in this namespace; it is tried again until then.",
    ),
    Reason.QUOTA_EXCEEDED: Text(
        "The namespace's ResourceQuota does not allow another Secret.",
        "Raise the quota or delete Secrets that are not needed; it is tried again until then.",
    ),
    Reason.REFUSED_BY_SERVER: Text(
        "The API server refused to {verb} {resource} (HTTP {code}).",
        "Look into the operator's log and the cluster's admission policies; it is tried again until then.",
    ),
    Reason.SERVER_UNAVAILABLE: Text(
        "The API server could not be reached or was too busy.", "It is tried again by itself."
    ),
    Reason.KEY_RING_UNAVAILABLE: Text(
        "The key ring in the operator's namespace cannot be used at the moment.",
        "Look at the operator's /readyz and log; it is tried again until then.",
    ),
    Reason.KEY_CHECK_UNAVAILABLE: Text(
        "The private key could not be checked: the operator could not run the process that does it.",
        "Look at the operator's limits on processes and memory; it is tried again by itself.",
    ),
    **{Reason(refusal.value): text for refusal, text in KEY_TEXTS.items()},
    **{reason: Text(*words) for reason, words in EXPORT_TEXTS.items()},
    **SEALED_TEXTS,
}


def message(reason: Reason, facts: Mapping[str, str | int] | None = None) -> str:
    """Return the text of a reason with its facts filled in, at most 1,024 bytes of UTF-8."""
    return filled(CATALOGUE[reason], facts)


def export_message(reason: Reason, facts: Mapping[str, str | int] | None = None) -> str:
    """Return the text of an export's reason, as `message` does."""
    words = SAID_OF_EXPORTS.get(reason)
    return filled(Text(*words) if words else CATALOGUE[reason], facts)

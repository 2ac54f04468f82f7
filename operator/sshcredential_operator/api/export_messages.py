"""The catalogue's texts of exports: their own reasons, and what a shared one says of an export. See api/messages.py."""

from __future__ import annotations

from typing import Final

from sshcredential_operator.api.reasons import Reason

EXPORT_TEXTS: Final[dict[Reason, tuple[str, str]]] = {
    Reason.EXPORTED: ("Secret {secret} holds a copy of key number {number} of credential {credential}.", ""),
    Reason.EXPORTING: ("The copy in Secret {secret} is being made or removed.", ""),
    Reason.EXPIRED: (
        "The time of this export ended at {until}, and there is no copy any more.",
        "Delete it; create it again for another copy.",
    ),
    Reason.CREDENTIAL_MISSING: (
        "There is no SSHCredential {credential} in this namespace, so there is no copy either.",
        "Create it, or correct spec.credentialRef; the copy is made as soon as its key is there.",
    ),
    Reason.CREDENTIAL_NOT_READY: (
        (
            "The key of SSHCredential {credential} cannot be relied on at the moment, so no copy is made; "
            "one that exists stays as it is."
        ),
        "Look at the credential's own status; the copy follows as soon as its key is good.",
    ),
    Reason.EXPORT_NOT_GUARDED: (
        (
            "No copy is made: the admission policy sshcredential-operator-export, or its binding, is missing or is not "
            "the one that this operator knows, so that nobody was asked for the right to export."
        ),
        (
            "Apply charts/sshcredential-operator/files/admission/export.yaml of this operator's version; "
            "it is looked at again every minute."
        ),
    ),
    Reason.EXPORT_OLDER_THAN_POLICY: (
        (
            "No copy is made: this export was created or changed while the admission policy "
            "sshcredential-operator-export was not in force, so that nobody was asked for the right to export."
        ),
        "Change its spec, or delete and create it again: whoever does that is asked.",
    ),
    Reason.EXPORT_CONFLICT: (
        "Secret {secret} is the copy of an older export, {rival}.",
        "Give another spec.secretName, or delete {rival}.",
    ),
    Reason.PASSPHRASE_NOT_TAKEN: (
        "The key of SSHCredential {credential} has a passphrase, and this profile has no place for one.",
        "Set spec.passphrase to Strip for a copy without it, or use another profile.",
    ),
    Reason.URL_MISSING: ("This profile needs the repository's address.", "Give spec.url."),
    Reason.NO_SUCH_FORMAT: (
        "There is no PEM form of an Ed25519 key that ssh would read.",
        "Set spec.privateKeyFormat to OpenSSH.",
    ),
    Reason.RECIPIENT_INVALID: (
        "spec.recipient.publicKey is no X25519 key that a copy can be encrypted to.",
        "Take the x of the recipient's own public JWK.",
    ),
    Reason.SEALING_KEY_AWAITED: (
        "The operator has no sealing key yet that it could publish, so there is nothing to seal the copy to.",
        "Nothing, if the operator has just started; otherwise its log and /readyz tell what keeps it.",
    ),
    Reason.KNOWN_HOSTS_MISSING: (
        "This profile needs the host keys of the server.",
        (
            "Give spec.targetRef, where an SSHTarget knows them, or spec.knownHosts; ssh-keyscan HOST prints them, and "
            "the server's owner can confirm them."
        ),
    ),
    Reason.KNOWN_HOSTS_INVALID: (
        (
            "Line {line} of the known hosts is no line of a known_hosts file (line 0: there is no host at all, or the "
            "text is too long)."
        ),
        "Every line is hosts, key type and key, as ssh-keyscan HOST prints them.",
    ),
    Reason.KNOWN_HOSTS_CONFIG_MAP_MISSING: (
        "Waiting for key {config_map_key} of ConfigMap {config_map}, which the known hosts are to be taken from.",
        "Create it in this namespace, or name another one; it is looked at again every minute.",
    ),
    Reason.TARGET_MISSING: (
        "There is no SSHTarget {target} in this namespace, which spec.targetRef names.",
        "Create it, or correct spec.targetRef; a copy that exists stays as it is until then.",
    ),
    Reason.TARGET_HOST_KEY_UNKNOWN: (
        "SSHTarget {target} knows no host key that is trusted yet, and this copy takes its known hosts from there.",
        (
            "Look at the target's own status (sshcred target status {target}); the copy follows as soon as a host key "
            "is recorded there. One that exists stays as it is until then."
        ),
    ),
}

SAID_OF_EXPORTS: Final[dict[Reason, tuple[str, str]]] = {
    Reason.SUSPENDED: (
        "Nothing is changed while spec.suspend of SSHCredential {credential} is true; Ready keeps its last word.",
        "Set it to false to go on.",
    ),
    Reason.SECRET_CONFLICT: (
        "Secret {secret} exists and is no copy that this operator made, or its proof was changed. It was not touched.",
        "Give another spec.secretName, or delete that Secret.",
    ),
    Reason.OPERATOR_NAMESPACE: (
        "No copies are made in the operator's own namespace: the key ring lives there.",
        "Create credential and export in a workspace namespace.",
    ),
    Reason.SPEC_INVALID: (
        "The operator cannot read {field} of this export.",
        "Correct it; `kubectl explain sshcredentialexport.spec` describes every field.",
    ),
}
"""Reasons that credentials have, too, in the words of an export."""

"""The catalogue's texts of targets: for every TargetReason what is wrong and what to do. See api/messages.py.

Conditions, events and docs/reference/reasons.md take their words from here. Only facts of our own are filled in: names
and numbers of the spec, fingerprints, and words of `CAUSES`; nothing that a server or a library said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sshcredential_operator.api.target_causes import CAUSES
from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.api.text import Text, filled

AGAIN: Final = "It is tried again by itself."
BY_HAND: Final = "status.publicKey of the credential"

TARGET_TEXTS: Final[dict[TargetReason, Text]] = {
    TargetReason.PENDING: Text(
        "No operator has looked at this target yet.",
        "Does sshcredential-operator targets run, and is this namespace among its workspaces?",
    ),
    TargetReason.LOGGED_IN: Text("{host} port {port} lets {username} in with the key of credential {credential}."),
    TargetReason.PROBING: Text("The target is being probed."),
    TargetReason.SPEC_INVALID: Text(
        "The operator cannot read {field} of this target.",
        "Correct it; `kubectl explain sshtarget.spec` describes every field.",
    ),
    TargetReason.OPERATOR_NAMESPACE: Text(
        "Targets cannot live in the operator's own namespace: the key ring lives there.",
        "Create credential and target in a workspace namespace.",
    ),
    TargetReason.CREDENTIAL_MISSING: Text(
        "There is no SSHCredential {credential} in this namespace, so there is nothing to log in with.",
        "Create it, or correct spec.credentialRef; the target is probed as soon as its key is there.",
    ),
    TargetReason.CREDENTIAL_NOT_READY: Text(
        "SSHCredential {credential} has no key yet, or none that can be relied on.",
        "Its own status says why: kubectl describe sshcredential {credential}. The target is probed as soon as the key "
        "is good.",
    ),
    TargetReason.KNOWN_HOSTS_CONFIG_MAP_MISSING: Text(
        "Waiting for key {config_map_key} of ConfigMap {config_map}, which spec.hostKeys.knownHosts names.",
        "Create it in this namespace, or correct spec.hostKeys.knownHosts; it is looked for again by itself.",
    ),
    TargetReason.KNOWN_HOSTS_INVALID: Text(
        "Line {line} of the host keys that spec.hostKeys gives cannot be read (line 0: there is no key at all, or the "
        "text is too long).",
        "In spec.hostKeys.keys a line is type and base64; in a ConfigMap it is hosts, type and base64, as ssh-keyscan "
        "prints it.",
    ),
    TargetReason.TARGET_NOT_GUARDED: Text(
        "Nothing is done here: the admission policy sshcredential-operator-target, or its binding, is missing "
        "or is not the one that this operator knows, so that nobody was asked for the right to the credential.",
        "Apply charts/sshcredential-operator/files/admission/target.yaml of this operator's version; it is looked at "
        "again every minute.",
    ),
    TargetReason.HOST_KEY_TRUSTED: Text("What {host} port {port} proves to be is trusted."),
    TargetReason.DESTINATION_REFUSED: Text(
        "The operator does not connect to {host} port {port}: loopback, link-local and the cluster's own addresses are "
        "left alone unless they are allowed.",
        "Correct spec.host; or whoever runs the operator allows it, with --allow-destination of "
        "sshcredential-operator targets.",
    ),
    TargetReason.JUMP_TARGET_MISSING: Text(
        "There is no SSHTarget {jump} in this namespace, through which this target would be reached.",
        "Create it, or correct spec.jumpTargetRef; the target is probed as soon as it is there.",
    ),
    TargetReason.JUMP_LOOP: Text(
        "The jump hosts of this target lead in a circle, or are too many, at SSHTarget {jump}.",
        "Correct spec.jumpTargetRef of one of them, so that the way begins at a server that is reached directly.",
    ),
    TargetReason.NAME_NOT_FOUND: Text(
        "There is no address for the name {host}.",
        f"Correct spec.host, or give the address; the operator asks the DNS of its own cluster. {AGAIN}",
    ),
    TargetReason.CONNECTION_REFUSED: Text(
        "{host} refuses connections to port {port}: no server listens there.",
        f"Correct spec.port, or start the SSH server. {AGAIN}",
    ),
    TargetReason.HOST_UNREACHABLE: Text(
        "The network knows no way to {host} port {port}.",
        f"Look at routes, firewalls and network policies between the operator and the server. {AGAIN}",
    ),
    TargetReason.TIMED_OUT: Text(
        "{host} port {port} did not answer in time.",
        "Check spec.host and spec.port; a firewall that drops packets looks like this, too. For a slow server, raise "
        f"spec.probe.timeout. {AGAIN}",
    ),
    TargetReason.NOT_AN_SSH_SERVER: Text(
        "What answers at {host} port {port} does not speak SSH 2.0 as it should.", f"Correct spec.port. {AGAIN}"
    ),
    TargetReason.CONNECTION_LOST: Text(
        "{host} port {port} ended the connection in the middle of it.",
        "The server's log says why: too many logins at once (MaxStartups), a ban after failed logins, a restart. "
        f"{AGAIN}",
    ),
    TargetReason.NO_COMMON_ALGORITHM: Text(
        "{host} port {port} and the operator have no algorithm in common: of the key exchange, the encryption, or the "
        "host keys that are trusted.",
        "See what the server has: ssh -vv -p {port} {host}. Update it, or give its host key of another type in "
        "spec.hostKeys.",
    ),
    TargetReason.HOST_KEY_UNKNOWN: Text(
        "{host} port {port} shows the host key {offered}, for which nothing in spec.hostKeys vouches. No login was "
        "tried.",
        "Compare this fingerprint with what the server's owner says. If it is right, add "
        "status.offeredHostKey.publicKey to spec.hostKeys; in a ConfigMap the line begins with the "
        "host, or with [HOST]:PORT unless that is 22.",
    ),
    TargetReason.HOST_KEY_CHANGED: Text(
        "{host} port {port} shows the host key {offered}, and not {expected} as before. No login was tried: the server "
        "was set up anew, or somebody stands between.",
        "Compare this fingerprint with what the server's owner says. If it is right: with policy TrustOnFirstUse, "
        "sshcred target trust {target}; else replace the key in spec.hostKeys.",
    ),
    TargetReason.HOST_KEY_REVOKED: Text(
        "{host} port {port} shows the host key {offered}, which a line with @revoked forbids. No login was tried.",
        "Have the server's owner make another host key; remove that line only if it stands there by mistake.",
    ),
    TargetReason.HOST_CERTIFICATE_REFUSED: Text(
        "The host certificate of {host} port {port} {cause}. No login was tried.",
        "Have the server's owner sign its host key again (ssh-keygen -h -s CA -n HOST), or correct spec.hostKeys.",
    ),
    TargetReason.AUTHENTICATION_FAILED: Text(
        "{host} port {port} does not let {username} in with key {fingerprint} of credential {credential}.",
        f"Append {BY_HAND} (of status.next, while the next key is meant) to authorized_keys of that account, or set "
        "spec.authorizedKey.manage to Install. If it is there, the server's log says why; often the modes of the home "
        "directory are too wide.",
    ),
    TargetReason.SIGNATURE_ALGORITHM_REFUSED: Text(
        "{host} port {port} takes RSA signatures with SHA-1 only, which are forgeable and not made here.",
        "Use a credential with an Ed25519 or ECDSA key, or update the server.",
    ),
    TargetReason.CHANNEL_REFUSED: Text(
        "{host} port {port} lets {username} in, but opens no session.",
        "Look at MaxSessions of the server, at the options before the key in authorized_keys, and at the server's log. "
        f"{AGAIN}",
    ),
    TargetReason.JUMP_FAILED: Text(
        "The jump host {hop} could not be passed: {why}.",
        "The SSHTarget of the jump host says more: kubectl get sshtargets -o wide. If it is Ready, does its server let "
        f"connections through (AllowTcpForwarding)? {AGAIN}",
    ),
    TargetReason.INSTALLED: Text(
        "The operator's own line in authorized_keys of {username} at {host} holds the key of credential {credential}."
    ),
    TargetReason.INSTALLED_BY_HAND: Text(
        "The key of credential {credential} is known to {host} for {username}, by a line that is not the operator's.",
        "Such a line is never changed: after a rotation, whoever wrote it has to replace it.",
    ),
    TargetReason.NOT_INSTALLED: Text(
        "Key {fingerprint} of credential {credential} is not in authorized_keys of {username} at {host}.",
        f"Append {BY_HAND} (of status.next, while the next key is meant) there, or set spec.authorizedKey.manage to "
        "Install.",
    ),
    TargetReason.BOOTSTRAP_MISSING: Text(
        "No key of credential {credential} logs in at {host} yet, and there is nothing to install it with: "
        "spec.authorizedKey.bootstrap is absent, or what it names is not there or not ready.",
        f"Give a bootstrap, or create what it names; or append {BY_HAND} to authorized_keys of the account yourself.",
    ),
    TargetReason.BOOTSTRAP_FAILED: Text(
        "{host} port {port} does not let {username} in with what spec.authorizedKey.bootstrap names, so the key of "
        "credential {credential} is not installed.",
        f"Correct it; many servers take no passwords at all. Or append {BY_HAND} to authorized_keys of the account "
        "yourself.",
    ),
    TargetReason.INSTALL_FAILED: Text(
        "The key of credential {credential} could not be installed for {username} at {host}: {cause}.",
        f"Mend that on the server, or append {BY_HAND} to authorized_keys of the account yourself. {AGAIN}",
    ),
    TargetReason.RETIRED_KEY_ACCEPTED: Text(
        "{host} port {port} still lets {username} in with key {fingerprint}, which credential {credential} has "
        "replaced.",
        "Remove its line from authorized_keys of that account; the operator removes only lines of its own.",
    ),
    TargetReason.FORBIDDEN: Text(
        "The API server does not let the operator {verb} {resource} in this namespace.",
        "Bind ClusterRole sshcredential-operator-targets-workspace in this namespace; it is tried again until then.",
    ),
    TargetReason.SERVER_UNAVAILABLE: Text("The API server could not be reached or was too busy.", AGAIN),
    TargetReason.KEY_UNAVAILABLE: Text(
        "Secret {secret} with the key of credential {credential} is not there, or does not open under the operator's "
        "key ring.",
        f"The credential's own status says more: kubectl describe sshcredential {{credential}}. {AGAIN}",
    ),
}


def target_message(reason: TargetReason, facts: Mapping[str, str | int] | None = None) -> str:
    """Return the text of a target's reason with its facts filled in, at most 1,024 bytes of UTF-8.

    A `cause` is a word of our own; what `CAUSES` does not know of is told as it is.
    """
    given = dict(facts or {})
    if (cause := given.get("cause")) in CAUSES:
        given["cause"] = CAUSES[str(cause)]
    return filled(TARGET_TEXTS[reason], given)

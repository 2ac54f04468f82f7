"""The objects that Argo CD's rules are tested with: statuses as the operator's code makes them. Used by `argocd.py`."""

from __future__ import annotations

import copy
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final, NamedTuple

from sshcredential_operator.api.conditions import Condition, conditions_for
from sshcredential_operator.api.export_status import ExportStatus, export_merge_patch
from sshcredential_operator.api.messages import export_message, message
from sshcredential_operator.api.names import API_VERSION, EXPORT_KIND, KIND
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.staged import StagedReason, staged_message
from sshcredential_operator.api.status import ROTATION_STAGED, KeyFacts, OtherKey, Status, merge_patch

Object = dict[str, Any]

NOW: Final = "2026-01-31T12:00:00Z"
GENERATION: Final = 4
SERIAL: Final = 2


def public_half(letter: str) -> OtherKey:
    """Return a public key whose private half nobody has."""
    body = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + letter.encode() * 32
    fingerprint = b64encode(sha256(body).digest()).decode().rstrip("=")
    return OtherKey(f"SHA256:{fingerprint}", f"ssh-ed25519 {b64encode(body).decode()}", "2026-02-01T12:00:00Z")


KEY, NEXT = public_half("k"), public_half("n")
FACTS: Final = KeyFacts(
    credential_id="0123456789abcdef0123456789abcdef",
    key_number=3,
    rotation_serial=SERIAL,
    algorithm="Ed25519",
    bits=256,
    fingerprint=KEY.fingerprint,
    public_key=KEY.public_key,
    passphrase_protected=False,
    created_at=NOW,
    key_id="1.6f1c0a2b3c4d.00000000000000aa",
)
NO_KEY: Final = Status(name="hpc-login")
HAS_KEY: Final = Status(
    name="hpc-login",
    facts=FACTS,
    secret_name="hpc-login-sshcredential",
    exposure="Encrypted",
    conditions=conditions_for(Reason.AVAILABLE, "", GENERATION, NO_KEY, NOW),
)
COPY: Final = ExportStatus(key_number=3, fingerprint=KEY.fingerprint, secret_name="git-auth")
HAS_COPY: Final = replace(COPY, conditions=conditions_for(Reason.EXPORTED, "", GENERATION, COPY, NOW))
NO_COPY: Final = ExportStatus()

GENERATE: Final[Object] = {"generate": {"algorithm": "Ed25519", "passphrase": "None"}}
IMPORT: Final[Object] = {"importFrom": {"privateKey": {"secretName": "my-key", "key": "ssh-privatekey"}}}
SEAL: Final[Object] = {"sealed": {"privateKey": "a.b.c.d.e"}}
FACTS_OF_MESSAGES: Final = {
    "secret": "hpc-login-sshcredential",
    "input_secret": "my-key",
    "origin": "Secret my-key",
    "verb": "create",
    "resource": "secrets",
    "credential": "hpc-login",
    "until": NOW,
    "wanted": "ECDSA with 256 bits",
    "stored": "Ed25519",
    "serial": str(SERIAL),
}


class Case(NamedTuple):
    """An object, what Argo CD shall say of it, and what the button makes of its serial: None where it is grey."""

    health: str
    says: str
    manifest: Object
    rotated: int | None = None


def credential(
    health: str, reason: Reason, before: Status, source: Object = GENERATE, *, rotated: int | None = None
) -> Case:
    """Return a credential as the operator leaves it for this reason."""
    text = message(reason, FACTS_OF_MESSAGES)
    status = replace(before, observed_generation=GENERATION, conditions=_conditions(reason, text, before))
    return Case(health, text, manifest_of(KIND, _credential_spec(source), merge_patch(status, over=Status())), rotated)


def export(health: str, reason: Reason, before: ExportStatus) -> Case:
    """Return an export as the operator leaves it for this reason."""
    text = export_message(reason, FACTS_OF_MESSAGES)
    status = replace(before, observed_generation=GENERATION, conditions=_conditions(reason, text, before))
    return Case(health, text, manifest_of(EXPORT_KIND, _export_spec(), export_merge_patch(status, over=ExportStatus())))


def _conditions(reason: Reason, text: str, before: Status | ExportStatus) -> tuple[Condition, ...]:
    return conditions_for(reason, text, GENERATION, before, NOW)


def manifest_of(kind: str, spec: Object, status: Object) -> Object:
    """Return an object of a kind, with a status."""
    metadata = {"name": "hpc-login", "namespace": "genomics", "generation": GENERATION}
    shown = {member: value for member, value in status.items() if value is not None}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec, "status": shown}


def _credential_spec(source: Object) -> Object:
    rotation = {"serial": SERIAL, "prepare": "0s", "overlap": "24h"}
    kept = {"deletionPolicy": "Delete", "deletionGracePeriod": "168h", "suspend": False}
    return {"provider": "SSH", **copy.deepcopy(source), "rotation": rotation, **kept}


def _export_spec() -> Object:
    return {"credentialRef": {"name": "hpc-login"}, "secretName": "git-auth", "profile": "SSHAuth"}


def changed(case: Case, health: str, says: str, change: Object) -> Case:
    """Return a case whose object was changed since by a merge patch (RFC 7386)."""
    return case._replace(health=health, says=says, manifest=merged(case.manifest, change))


def merged(value: Object, change: Object) -> Object:
    """Return a value after a merge patch."""
    parts = {
        name: merged(value.get(name, {}), member) if isinstance(member, dict) else member
        for name, member in change.items()
    }
    return {name: member for name, member in {**value, **parts}.items() if member is not None}


DELETED: Final[Object] = {"metadata": {"deletionTimestamp": NOW}}
EDITED: Final[Object] = {"metadata": {"generation": GENERATION + 1}}
NOT_ANSWERED: Final = "The operator has not answered this spec yet."
GOING: Final = "It is being deleted."
RESTS: Final = "Nothing is changed while spec.suspend of the credential is true."


def _staged(reason: StagedReason) -> Case:
    said = HAS_KEY.conditions[0]._replace(message=message(Reason.AVAILABLE, FACTS_OF_MESSAGES))
    facts = {"moment": NEXT.moment, "credential": "hpc-login", "targets": "login, gateway", "target": "login"}
    text = staged_message(reason, fingerprint=NEXT.fingerprint, **facts)
    condition = Condition(ROTATION_STAGED, "True", reason.value, text, GENERATION, NOW)
    status = replace(HAS_KEY, observed_generation=GENERATION, next=NEXT, conditions=(said, condition))
    return Case(
        "Healthy", said.message, manifest_of(KIND, _credential_spec(GENERATE), merge_patch(status, over=Status()))
    )


def pending(case: Case, default: Object) -> Case:
    """Return an object that no operator has looked at."""
    return Case("Progressing", NOT_ANSWERED, case.manifest | {"status": default})


def credentials(default: Object) -> dict[str, Case]:
    """Return the cases of an SSHCredential by name; `default` is the status that the CRD gives."""
    healthy = credential("Healthy", Reason.AVAILABLE, HAS_KEY, rotated=SERIAL + 1)
    reverted = {"spec": {"rotation": {"serial": 0}}}
    asked = EDITED | {"spec": {"rotation": {"serial": SERIAL + 5}}}
    suspended = credential("Suspended", Reason.SUSPENDED, HAS_KEY)
    return {
        "healthy": healthy,
        "healthy_imported": credential("Healthy", Reason.AVAILABLE, HAS_KEY, IMPORT),
        "healthy_sealed": credential("Healthy", Reason.AVAILABLE, HAS_KEY, SEAL),
        "healthy_next_key_announced": _staged(StagedReason.STAGED),
        "healthy_next_key_waits_for_targets": _staged(StagedReason.WAITING_FOR_TARGETS),
        "healthy_serial_fell": changed(healthy, "Healthy", healthy.says, reverted),
        "progressing_not_seen": pending(healthy, default),
        "progressing_without_status": changed(healthy, "Progressing", NOT_ANSWERED, {"status": None})._replace(
            rotated=None
        ),
        "progressing_rotation_asked_for": changed(healthy, "Progressing", NOT_ANSWERED, asked)._replace(rotated=None),
        "progressing_spec_changed": changed(healthy, "Progressing", NOT_ANSWERED, EDITED),
        "progressing_deleted": changed(healthy, "Progressing", GOING, DELETED)._replace(rotated=None),
        "progressing_input_missing": credential("Progressing", Reason.INPUT_SECRET_MISSING, NO_KEY, IMPORT),
        "progressing_forbidden": credential("Progressing", Reason.FORBIDDEN, NO_KEY),
        "degraded_wrong_passphrase": credential("Degraded", Reason.WRONG_PASSPHRASE, NO_KEY, IMPORT),
        "degraded_secret_lost": credential("Degraded", Reason.SECRET_LOST, HAS_KEY),
        "degraded_algorithm_changed": credential("Degraded", Reason.ALGORITHM_CHANGED, HAS_KEY, rotated=SERIAL + 1),
        "suspended": changed(suspended, "Suspended", RESTS, {"spec": {"suspend": True}}),
    }


def exports(default: Object) -> dict[str, Case]:
    """Return the cases of an SSHCredentialExport by name; `default` is the status that the CRD gives."""
    healthy = export("Healthy", Reason.EXPORTED, HAS_COPY)
    return {
        "healthy": healthy,
        "progressing_not_seen": pending(healthy, default),
        "progressing_without_status": changed(healthy, "Progressing", NOT_ANSWERED, {"status": None}),
        "progressing_spec_changed": changed(healthy, "Progressing", NOT_ANSWERED, EDITED),
        "progressing_deleted": changed(healthy, "Progressing", GOING, DELETED),
        "progressing_credential_missing": export("Progressing", Reason.CREDENTIAL_MISSING, NO_COPY),
        "degraded_expired": export("Degraded", Reason.EXPIRED, NO_COPY),
        "suspended": export("Suspended", Reason.SUSPENDED, HAS_COPY)._replace(says=RESTS),
    }

"""The credentials that live through upgrades, and the form in which they are recorded. Used by `test_upgrade`.

The record holds no key, not even an encrypted one: in place of what differs from run to run stands its name. For
another commit, `recorded_form` is what has to be written to `recorded.yaml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from cluster.desk import Desk
from cluster.keyfiles import PASSPHRASE, KeyFiles
from cluster.shown import Object, generated, imported, secret_of

RECORDED: Final = Path(__file__).with_name("recorded.yaml")

OVERLAP: Final = {"overlap": "100h"}
MADE: Final[dict[str, Object]] = {
    "plain": generated(comment="ada@lab"),
    "rsa": generated(algorithm="RSA", bits=3072),
    "ecdsa-with-passphrase": generated(algorithm="ECDSA", bits=384, passphrase="Generate"),
    "imported": imported("input-plain"),
    "imported-with-passphrase": imported("input-encrypted", "input-encrypted"),
    "with-previous": generated() | {"rotation": OVERLAP},
    "with-next": generated() | {"rotation": {"prepare": "100h", **OVERLAP}},
    "gone-back": generated() | {"rotation": OVERLAP},
    "suspended": generated(),
    "with-name": generated() | {"name": "Hpc_Login", "description": "Login node", "deletionPolicy": "Retain"},
    "orphaned": generated() | {"deletionGracePeriod": "100h"},
    "retained": generated() | {"deletionPolicy": "Retain"},
    "lost": generated(),
}
"""Every one of them becomes Ready at first."""

NEVER_READY: Final[dict[str, Object]] = {"too-small": imported("input-small"), "waiting": imported("not-there-yet")}
DELETED: Final = ("orphaned", "retained")
READY: Final = tuple(name for name in MADE if name not in {"lost", "suspended", *DELETED})
LIVING: Final = (*READY, "suspended", "lost", *NEVER_READY)
STORED: Final = (*READY, "suspended", *DELETED)
ROTATED: Final = ("with-previous", "gone-back")

NOT_TOLD: Final = frozenset({"message", "lastTransitionTime"})
"""Of a condition: its words may become better, and its time is told by the invariants."""


def make_all(desk: Desk, key_files: KeyFiles) -> None:
    """Let the operator that runs bring every credential into its state."""
    inputs = {
        "input-plain": {"ssh-privatekey": key_files.key().content},
        "input-encrypted": {"ssh-privatekey": key_files.key(passphrase=PASSPHRASE).content}
        | {"passphrase": PASSPHRASE.encode()},
        "input-small": {"ssh-privatekey": key_files.small_rsa()},
    }
    for name, data in inputs.items():
        desk.make_secret(name, data)
    desk.apply({**MADE, **NEVER_READY})
    desk.wait_for_ready(list(MADE))
    _turn(desk)
    desk.edit("suspended", {"suspend": True})
    desk.until_object("suspended", lambda found: found["status"]["observedGeneration"] == 2, "suspended")
    desk.delete_secret(secret_of("lost"))
    desk.until("lost", "SecretLost")
    desk.delete(*DELETED)
    desk.until_marked("orphaned")
    desk.until("too-small", "RsaTooSmall")
    desk.until("waiting", "InputSecretMissing")


def rotate(desk: Desk, name: str, serial: int) -> Object:
    """Ask for another key, and return the credential when it has one."""
    desk.edit(name, {"rotation": {"serial": serial}})
    return desk.until_object(name, lambda found: found["status"].get("rotationSerial") == serial, "rotated")


def _turn(desk: Desk) -> None:
    for name in (*ROTATED, "with-next"):
        rotate(desk, name, 1)
    first = desk.get("gone-back")["status"]["previous"]["fingerprint"]
    desk.edit("gone-back", {"rotation": {"rollbackTo": first}})
    desk.until_object("gone-back", lambda found: found["status"]["fingerprint"] == first, "back at its first key")


def recorded_form(desk: Desk) -> Object:
    """Return all that there is now, without what differs from run to run."""
    credentials = {name: desk.get(name) for name in LIVING}
    secrets = {name: desk.stored(name) for name in STORED}
    return {
        "credentials": {
            name: {"spec": _public(found["spec"]), "status": _public(found["status"])}
            for name, found in credentials.items()
        },
        "secrets": {name: _secret_form(found) for name, found in secrets.items()},
    }


def _secret_form(secret: Object) -> Object:
    metadata = secret["metadata"]
    return {
        "type": secret["type"],
        "labels": dict(metadata.get("labels", {})),
        "annotations": sorted(metadata.get("annotations", {})),
        "data": sorted(secret["data"]),
    }


VARIES: Final = frozenset(
    {"fingerprint", "publicKey", "credentialId", "createdAt", "keyId", "promotesAt", "until", "rollbackTo"}
)


def _public(value: Any) -> Any:
    match value:
        case Mapping():
            return {
                name: f"<{name}>" if name in VARIES else _public(member)
                for name, member in value.items()
                if name not in NOT_TOLD
            }
        case list():
            return [_public(member) for member in value]
        case _:
            return value


def read_record() -> Object:
    """Return what that commit's operator made of the credentials."""
    recorded: Object = yaml.safe_load(RECORDED.read_text())
    return recorded

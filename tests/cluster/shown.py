"""Reads and writes the objects that tests handle: manifests, statuses, Secrets. Pure; used by `desk` and the tests."""

from __future__ import annotations

from base64 import b64decode
from typing import Any, Final

from sshcredential_operator.api.names import ORPHANED_SINCE_ANNOTATION, SECRET_SUFFIX, SECRET_TYPE

Object = dict[str, Any]

OURS: Final = SECRET_TYPE
"""The type of Secrets that hold a credential's key."""


def secret_of(name: str) -> str:
    """Return the name of the Secret that holds a credential's key."""
    return name + SECRET_SUFFIX


def data_of(secret: Object) -> dict[str, bytes]:
    """Return a Secret's values."""
    return {key: b64decode(value) for key, value in (secret.get("data") or {}).items()}


def mark_of(secret: Object) -> str | None:
    """Return since when a Secret waits for its end."""
    mark: str | None = (secret["metadata"].get("annotations") or {}).get(ORPHANED_SINCE_ANNOTATION)
    return mark


def condition_of(found: Object, kind: str = "Ready") -> Object:
    """Return a condition of a credential; the empty one if there is none."""
    return next((c for c in found["status"]["conditions"] if c["type"] == kind), {})


def reason_of(found: Object) -> str:
    """Return the reason of Ready."""
    return str(condition_of(found)["reason"])


def message_of(found: Object) -> str:
    """Return the message of Ready."""
    return str(condition_of(found)["message"])


def states_of(found: Object) -> dict[str, str]:
    """Return the status of every condition there is."""
    return {condition["type"]: condition["status"] for condition in found["status"]["conditions"]}


def answered(found: Object) -> bool:
    """Whether the status is about the present spec."""
    return bool(found["status"].get("observedGeneration") == found["metadata"]["generation"])


def imported(secret_name: str, passphrase_from: str | None = None) -> Object:
    """Return a spec that takes its key from a Secret, and the passphrase perhaps from another."""
    source: Object = {"privateKey": {"secretName": secret_name}}
    return {"importFrom": source | ({"passphrase": {"secretName": passphrase_from}} if passphrase_from else {})}


def generated(**members: Any) -> Object:
    """Return a spec of a key that the operator makes."""
    return {"generate": members}

"""A small API server in memory: revisions, conflicts, preconditions, streams of events, faults at any request."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sshcredential_operator.api.credential import parse_credential
from sshcredential_operator.api.names import (
    FORCE_PROMOTION_ANNOTATION,
    ORPHANED_SINCE_ANNOTATION,
    SECRET_TYPE,
    CredentialKey,
    Namespace,
    credential_of_secret,
)
from sshcredential_operator.controller.store import Kind
from sshcredential_operator.reconcile.observed import RawSecret
from unit.reconcile.samples import KEY

PENDING: Final = {
    "observedGeneration": 0,
    "conditions": [
        {
            "type": "Ready",
            "status": "Unknown",
            "reason": "Pending",
            "message": "",
            "observedGeneration": 0,
            "lastTransitionTime": "1970-01-01T00:00:00Z",
        }
    ],
}


@dataclass
class SecretObject:
    """A Secret as it lies in etcd."""

    uid: str
    version: int
    type: str
    data: dict[str, bytes]
    annotations: dict[str, str] = field(default_factory=dict)
    immutable: bool = False

    def raw(self) -> RawSecret:
        return RawSecret(
            self.uid, str(self.version), self.type, dict(self.data), self.annotations.get(ORPHANED_SINCE_ANNOTATION)
        )


class Server:
    """What lies in the cluster, what was asked and written, and what the watches have still to tell.

    Requests are counted from 0 in `asked`; `meanwhile` holds what others do just before one of them is served.
    """

    def __init__(self) -> None:
        self.credentials: dict[CredentialKey, dict[str, Any]] = {}
        self.secrets: dict[tuple[str, str], SecretObject] = {}
        self.asked: list[str] = []
        self.writes: list[str] = []
        self.stream: list[tuple[Kind, CredentialKey, Any, bool]] = []
        self.refuses: dict[str, BaseException] = {}
        self.fault_before: dict[int, Exception] = {}
        self.fault_after: dict[int, Exception] = {}
        self.meanwhile: dict[int, Callable[[], Awaitable[None]]] = {}
        self._numbers = itertools.count(1)

    # --- what users and other programs do

    def apply(self, spec: Mapping[str, Any], key: CredentialKey = KEY) -> None:
        """Create or update a credential, as `kubectl apply` does."""
        known = self.credentials.get(key)
        version = next(self._numbers)
        if known is None:
            metadata = {
                "name": key.name,
                "namespace": key.namespace,
                "uid": f"uid-{version}",
                "creationTimestamp": f"2026-01-01T00:{version // 60:02}:{version % 60:02}Z",
                "generation": 1,
            }
            known = {"metadata": metadata, "spec": dict(spec), "status": copy.deepcopy(PENDING)}
        else:
            known = copy.deepcopy(known)
            known["metadata"]["generation"] += known["spec"] != dict(spec)
            known["spec"] = dict(spec)
        known["metadata"]["resourceVersion"] = str(version)
        self.keep(key, known)

    def annotate(self, forced_promotion: str | None, key: CredentialKey = KEY) -> None:
        """Say for which fingerprint no target is waited for, as `sshcred rotate --force` does."""
        changed = copy.deepcopy(self.credentials[key])
        changed["metadata"]["resourceVersion"] = str(next(self._numbers))
        changed["metadata"]["annotations"] = {FORCE_PROMOTION_ANNOTATION: forced_promotion} if forced_promotion else {}
        self.keep(key, changed)

    def write_status(self, status: Mapping[str, Any], key: CredentialKey = KEY) -> None:
        """Replace the status by something, as somebody with too many rights does."""
        changed = copy.deepcopy(self.credentials[key])
        changed["metadata"]["resourceVersion"] = str(next(self._numbers))
        changed["status"] = dict(status)
        self.keep(key, changed)

    def remove(self, key: CredentialKey = KEY) -> None:
        gone = copy.deepcopy(self.credentials.pop(key))
        gone["metadata"]["resourceVersion"] = str(next(self._numbers))
        self.stream.append((Kind.CREDENTIALS, key, parse_credential(gone), True))

    def put_secret(
        self, name: str, data: Mapping[str, bytes], type_: str = "Opaque", namespace: str = KEY.namespace
    ) -> None:
        """Create or replace a Secret, as somebody else does."""
        version = next(self._numbers)
        self.keep_secret((namespace, name), SecretObject(f"uid-{version}", version, type_, dict(data)))

    def change_secret(self, change: Callable[[SecretObject], None], name: str = KEY.secret_name) -> None:
        changed = copy.deepcopy(self.secrets[KEY.namespace, name])
        change(changed)
        changed.version = next(self._numbers)
        self.keep_secret((KEY.namespace, name), changed)

    def remove_secret(self, name: str = KEY.secret_name) -> None:
        gone = self.secrets.pop((KEY.namespace, name))
        gone.version = next(self._numbers)
        self._tell_secret((KEY.namespace, name), gone, deleted=True)

    # --- what is so

    @property
    def secret(self) -> SecretObject | None:
        return self.secrets.get((KEY.namespace, KEY.secret_name))

    def status(self, key: CredentialKey = KEY) -> dict[str, Any]:
        status: dict[str, Any] = self.credentials[key]["status"]
        return status

    def condition(self, kind: str = "Ready", key: CredentialKey = KEY) -> dict[str, Any] | None:
        return next((c for c in self.status(key)["conditions"] if c["type"] == kind), None)

    def reason(self, key: CredentialKey = KEY) -> str:
        ready = self.condition("Ready", key)
        return str(ready["reason"]) if ready else ""

    # --- bookkeeping

    async def arrive(self, what: str) -> int:
        number = len(self.asked)
        self.asked.append(what)
        if number in self.meanwhile:
            await self.meanwhile[number]()
        if what in self.refuses:
            raise self.refuses[what]
        if number in self.fault_before:
            raise self.fault_before[number]
        return number

    def answer(self, number: int) -> None:
        if number in self.fault_after:
            raise self.fault_after[number]

    def wrote(self, what: str) -> int:
        self.writes.append(what)
        return next(self._numbers)

    def keep(self, key: CredentialKey, raw: dict[str, Any]) -> None:
        self.credentials[key] = raw
        self.stream.append((Kind.CREDENTIALS, key, parse_credential(raw), False))

    def keep_secret(self, place: tuple[str, str], secret: SecretObject) -> None:
        self.secrets[place] = secret
        self._tell_secret(place, secret, deleted=False)

    def _tell_secret(self, place: tuple[str, str], secret: SecretObject, *, deleted: bool) -> None:
        key = credential_of_secret(Namespace(place[0]), place[1])
        if key and secret.type == SECRET_TYPE:
            self.stream.append((Kind.SECRETS, key, secret.raw(), deleted))

"""The ports of a pass over a target on a real API server; visits to servers are in `visiting.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sshcredential_operator.api.names import (
    SECRET_TYPE,
    TARGET_KIND,
    TARGET_PLURAL,
    CredentialKey,
    Namespace,
    TargetKey,
)
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.spec import SecretKeyRef
from sshcredential_operator.api.target import Target, parse_target
from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.api.timestamps import parse_timestamp
from sshcredential_operator.controller.ports import (
    API_PATH,
    NOT_FOUND,
    ApiAnnouncer,
    ApiInputs,
    ApiSecrets,
    api_is_served,
    patch_status,
)
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.encryption.credential_secret import (
    KekOf,
    OpenedCredential,
    Unreadability,
    open_credential,
    open_key,
    peek_kids,
)
from sshcredential_operator.encryption.record import Record
from sshcredential_operator.keys.stored import stored_public_key
from sshcredential_operator.reconcile.observe import MOST_VALUES
from sshcredential_operator.reconcile.observed import RawSecret
from sshcredential_operator.reconcile.ports import Workspaces
from sshcredential_operator.reconcile.trouble import TroubleError
from sshcredential_operator.ssh.visit import PrivateKey
from sshcredential_operator.targets.ports import StoredKey, StoredKeys, Unavailable

TARGETS_PATH: Final = API_PATH + "/namespaces/{namespace}/" + TARGET_PLURAL
NOT_READY: Final = Unavailable(TargetReason.CREDENTIAL_NOT_READY)


class ApiTargets:
    """The port `Targets`."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def read(self, key: TargetKey) -> Target | None:
        """Read one target live. None only while the API itself is fully served."""
        path = f"{TARGETS_PATH.format(namespace=key.namespace)}/{key.name}"
        answer = await self._requests.send("GET", path, expect=frozenset({NOT_FOUND}), what=TARGET_PLURAL)
        if answer.code != NOT_FOUND:
            return parse_target(answer.json())
        if not await api_is_served(self._requests, TARGET_PLURAL):
            raise TroubleError(Reason.SERVER_UNAVAILABLE)
        return None

    async def patch_status(self, target: Target, status: Mapping[str, Any]) -> Target | None:
        """Merge-patch the status of one revision; None when there is a newer one, or none."""
        path = f"{TARGETS_PATH.format(namespace=target.key.namespace)}/{target.key.name}"
        answer = await patch_status(self._requests, path, target.resource_version, status, what=TARGET_PLURAL)
        return parse_target(answer) if answer else None


class ApiCredentialKeys:
    """The port `CredentialKeys`: one read of the credential's Secret, and no key is kept."""

    def __init__(self, requests: Requests, workspaces: Workspaces) -> None:
        self._secrets, self._workspaces = ApiSecrets(requests), workspaces

    async def keys(self, key: CredentialKey) -> StoredKeys | Unavailable:
        """Read and open a credential's keys."""
        raw = await self._secrets.read(key)
        if raw is None or raw.type != SECRET_TYPE or len(raw.data) > MOST_VALUES:
            return NOT_READY
        keks = {kid: await self._workspaces.kek(kid, key.namespace) for kid in peek_kids(raw.data)}
        opened = open_credential(raw.data, key.namespace, key.name, keks.get, stored_public_key)
        if isinstance(opened, OpenedCredential):
            return _keys(key, raw, opened.record, keks.get) or NOT_READY
        lost = opened.why is Unreadability.UNKNOWN_KID
        return Unavailable(TargetReason.KEY_UNAVAILABLE) if lost else NOT_READY


class ApiPasswords:
    """The port `Passwords`."""

    def __init__(self, requests: Requests) -> None:
        self._secrets = ApiInputs(requests)

    async def password(self, namespace: Namespace, ref: SecretKeyRef) -> Sensitive | None:
        """Read a password live; one line end after it is none of it."""
        data = await self._secrets.read(namespace, ref.secret_name)
        value = (data or {}).get(ref.key, b"")
        value = value.removesuffix(b"\n").removesuffix(b"\r") if value.endswith(b"\n") else value
        return Sensitive(value) if value else None


class ApiTargetAnnouncer:
    """The port `TargetAnnouncer`."""

    def __init__(self, announcer: ApiAnnouncer) -> None:
        self._announcer = announcer

    async def announce(self, target: Target, event: str, note: str, *, warning: bool, moment: str) -> None:
        """POST an Event about a target."""
        key = target.key
        about = {"kind": TARGET_KIND, "uid": target.uid, "resourceVersion": target.resource_version}
        await self._announcer.post(key.namespace, key.name, about, event, note, warning=warning, moment=moment)


def _keys(key: CredentialKey, raw: RawSecret, record: Record, kek_of: KekOf) -> StoredKeys | None:
    ends = {old.key_number: parse_timestamp(old.until) for old in record.previous}
    opened: dict[int, StoredKey] = {}
    for entry in record.keys:
        material = open_key(raw.data, record, entry.key_number, key.namespace, key.name, kek_of)
        if material is None:  # it has just opened as a whole
            return None
        private = PrivateKey(entry.fingerprint, material.private)
        opened[entry.key_number] = StoredKey(private, entry.public_key, ends.get(entry.key_number))
    return StoredKeys(
        credential_id=record.credential_id,
        key_number=record.current,
        current=opened[record.current],
        next=opened[record.next.key_number] if record.next else None,
        previous=tuple(opened[old.key_number] for old in record.previous),
    )

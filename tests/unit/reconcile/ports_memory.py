"""The ports of a pass on the server in memory. Keys and envelopes are real."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

from sshcredential_operator.api.credential import Credential, parse_credential
from sshcredential_operator.api.names import ORPHANED_SINCE_ANNOTATION, SECRET_TYPE, CredentialKey, Namespace
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.spec import Generate
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.sealing_keys import SealingKey
from sshcredential_operator.keys.generate import generate, generate_passphrase
from sshcredential_operator.keys.judge import Accepted, Refused, judge
from sshcredential_operator.keys.keypair import KeyPair
from sshcredential_operator.reconcile.observed import RawSecret, SealingKeyGone
from unit.api.merge_patches import merged
from unit.reconcile.samples import KEY, KID
from unit.reconcile.sealing_desk import FIRST, public_half
from unit.reconcile.server_memory import SecretObject, Server


class MemorySecrets:
    def __init__(self, server: Server) -> None:
        self._server = server

    async def read(self, key: CredentialKey) -> RawSecret | None:
        number = await self._server.arrive("get secret")
        found = self._server.secrets.get((key.namespace, key.secret_name))
        self._server.answer(number)
        return found.raw() if found else None

    async def create(self, key: CredentialKey, data: Mapping[str, bytes]) -> RawSecret | None:
        number, place = await self._server.arrive("create secret"), (key.namespace, key.secret_name)
        created = None
        if place not in self._server.secrets:
            version = self._server.wrote("create secret")
            created = SecretObject(f"uid-{version}", version, SECRET_TYPE, dict(data))
            self._server.keep_secret(place, created)
        self._server.answer(number)
        return created.raw() if created else None

    async def patch(
        self,
        key: CredentialKey,
        uid: str,
        resource_version: str,
        *,
        data: Mapping[str, bytes | None],
        orphaned_since: str | None,
    ) -> str | None:
        number, place = await self._server.arrive("patch secret"), (key.namespace, key.secret_name)
        found = self._server.secrets.get(place)
        fits = found and (found.uid, str(found.version)) == (uid, resource_version)
        if not found or not fits or (found.immutable and data):
            self._server.answer(number)
            return None
        changed = copy.deepcopy(found)
        changed.data = merged(changed.data, data)
        changed.annotations.pop(ORPHANED_SINCE_ANNOTATION, None)
        if orphaned_since:
            changed.annotations[ORPHANED_SINCE_ANNOTATION] = orphaned_since
        if changed != found:
            changed.version = self._server.wrote("patch secret")
            self._server.keep_secret(place, changed)
        self._server.answer(number)
        return str(changed.version)

    async def delete(self, key: CredentialKey, uid: str, resource_version: str) -> None:
        number = await self._server.arrive("delete secret")
        found = self._server.secrets.get((key.namespace, key.secret_name))
        if found and (found.uid, str(found.version)) == (uid, resource_version):
            self._server.writes.append("delete secret")
            self._server.remove_secret(key.secret_name)
        self._server.answer(number)


class MemoryCredentials:
    def __init__(self, server: Server) -> None:
        self._server = server

    async def read(self, key: CredentialKey) -> Credential | None:
        number = await self._server.arrive("get credential")
        found = self._server.credentials.get(key)
        self._server.answer(number)
        return parse_credential(found) if found else None

    async def patch_status(self, credential: Credential, status: Mapping[str, Any]) -> Credential | None:
        number = await self._server.arrive("patch status")
        found = self._server.credentials.get(credential.key)
        if found is None or found["metadata"]["resourceVersion"] != credential.resource_version:
            self._server.answer(number)
            return None
        changed = copy.deepcopy(found)
        changed["status"] = merged(changed["status"], status)
        if changed != found:
            changed["metadata"]["resourceVersion"] = str(self._server.wrote("patch status"))
            self._server.keep(credential.key, changed)
        self._server.answer(number)
        return parse_credential(changed)


class MemoryInputs:
    def __init__(self, server: Server) -> None:
        self._server = server
        self.watched: dict[CredentialKey, frozenset[str]] = {}

    async def read(self, namespace: Namespace, secret_name: str) -> Mapping[str, bytes] | None:
        number = await self._server.arrive("get input")
        found = self._server.secrets.get((namespace, secret_name))
        self._server.answer(number)
        return dict(found.data) if found else None

    def watch(self, key: CredentialKey, secret_names: frozenset[str]) -> None:
        self.watched[key] = secret_names

    def present(self, namespace: Namespace, secret_name: str) -> bool | None:
        if not any(secret_name in names for names in self.watched.values()):
            return None
        return (namespace, secret_name) in self._server.secrets


class MemoryWorkspaces:
    """The keys of one workspace."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.keks: dict[str, Kek] = {KID: Kek(KID, Sensitive(bytes(range(32))))}

    async def kek_for_writing(self, namespace: Namespace) -> Kek:
        self._server.answer(await self._server.arrive(f"get kek of {namespace}"))
        return next(iter(self.keks.values()))

    async def kek(self, key_id: str, namespace: Namespace) -> Kek | None:
        self._server.answer(await self._server.arrive(f"get kek of {namespace}"))
        return self.keks.get(key_id) if namespace == KEY.namespace else None


class MemorySealing:
    """The first sealing key of the desk, and those that a test adds."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.halves: dict[str, Sensitive] = {FIRST.kid: FIRST.private}
        self.retired: set[str] = set()
        self.known = True
        """Whether the operator knows which one is the newest."""

    def newest(self) -> SealingKey | None:
        kid = max(self.halves.keys() - self.retired, default=None) if self.known else None
        return None if kid is None else public_half(kid, self.halves[kid])

    async def private_half(self, kid: str) -> Sensitive | SealingKeyGone:
        self._server.answer(await self._server.arrive("get sealing key"))
        if kid in self.retired:
            return SealingKeyGone.RETIRED
        return self.halves.get(kid, SealingKeyGone.UNKNOWN)


class Keys:
    """Makes and judges real keys, and counts what was made. `verdicts` come instead of the next judgements."""

    places = True

    def __init__(self) -> None:
        self.made: list[KeyPair] = []
        self.verdicts: list[Accepted | Refused] = []

    def has_place(self, _: CredentialKey) -> bool:
        return self.places

    async def generate(self, wanted: Generate) -> tuple[KeyPair, Sensitive | None]:
        pair = generate(wanted.algorithm, wanted.bits, wanted.comment)
        self.made.append(pair)
        return pair, generate_passphrase() if wanted.passphrase else None

    async def judge(self, file: Sensitive, passphrase: Sensitive | None, *, min_rsa_bits: int) -> Accepted | Refused:
        return self.verdicts.pop(0) if self.verdicts else judge(file, passphrase, min_rsa_bits=min_rsa_bits)


class Announced(NamedTuple):
    """An event as it was asked for."""

    about: CredentialKey
    event: str
    note: str
    warning: bool
    moment: str


class MemoryAnnouncer:
    """Keeps what was announced."""

    def __init__(self) -> None:
        self.announced: list[Announced] = []

    async def announce(self, credential: Credential, event: str, note: str, *, warning: bool, moment: str) -> None:
        self.announced.append(Announced(credential.key, event, note, warning, moment))

    @property
    def events(self) -> list[str]:
        return [announced.event for announced in self.announced]

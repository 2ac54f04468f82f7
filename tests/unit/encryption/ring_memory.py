"""The key ring's Secrets in memory, with faults: other operators in between, taken names, crashes at any request."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping

from sshcredential_operator.encryption.keyring import StoredSecret


class Crashed(Exception):
    """The operator died at this request; nobody catches it."""


async def _nothing(_: int, __: str) -> None:
    return


class Cluster:
    """What lies in the operator's namespace, and which requests came."""

    def __init__(self) -> None:
        self.secrets: dict[str, StoredSecret] = {}
        self.revision = 0
        self.labels: dict[str, Mapping[str, str]] = {}
        self.credentials = False
        self.requests: list[tuple[str, str]] = []

    def put(self, name: str, type_: str, data: Mapping[str, bytes]) -> None:
        self.revision += 1
        self.secrets[name] = StoredSecret(name, type_, dict(data), resource_version=str(self.revision))

    def of_type(self, type_: str) -> list[StoredSecret]:
        return [secret for secret in self.secrets.values() if secret.type == type_]

    def asked(self, verb: str) -> list[str]:
        return [what for asked, what in self.requests if asked == verb]


class Store:
    """One operator's connection to it. Each request takes 0 to `delay` turns of the loop before and after it acts."""

    def __init__(self, cluster: Cluster, *, seed: int = 0, delay: int = 0) -> None:
        self._cluster = cluster
        self._random = random.Random(seed)
        self._delay = delay
        self.crash_before: int | None = None
        self.crash_after: int | None = None
        self.refuses = False
        self.before: Callable[[int, str], Awaitable[None]] = _nothing
        """What happens elsewhere when a request is about to arrive; told its number and what it is for."""
        self.count = 0

    async def get(self, name: str) -> StoredSecret | None:
        await self._arrive("get", name)
        found = self._cluster.secrets.get(name)
        await self._answer()
        return found

    async def create(self, name: str, type: str, data: Mapping[str, bytes], labels: Mapping[str, str]) -> bool:  # noqa: A002 - as in a Secret
        await self._arrive("create", name)
        created = not self.refuses and name not in self._cluster.secrets
        if created:
            self._cluster.put(name, type, data)
            self._cluster.labels[name] = labels
        await self._answer()
        return created

    async def replace(self, secret: StoredSecret, data: Mapping[str, bytes]) -> bool:
        await self._arrive("patch", secret.name)
        known = self._cluster.secrets.get(secret.name)
        fits = known is not None and known.resource_version == secret.resource_version
        if fits:
            self._cluster.put(secret.name, secret.type, {**secret.data, **data})
        await self._answer()
        return fits

    async def delete(self, secret: StoredSecret) -> bool:
        await self._arrive("delete", secret.name)
        known = self._cluster.secrets.get(secret.name)
        fits = known is not None and known.resource_version == secret.resource_version
        if fits:
            del self._cluster.secrets[secret.name]
        await self._answer()
        return fits

    async def list(self, type: str) -> list[StoredSecret]:  # noqa: A002 - as in a Secret
        await self._arrive("list", type)
        found = self._cluster.of_type(type)
        await self._answer()
        return found

    async def credentials_exist(self) -> bool:
        await self._arrive("list", "credentials")
        found = self._cluster.credentials
        await self._answer()
        return found

    async def _arrive(self, verb: str, what: str) -> None:
        await self._wait()
        await self.before(self.count, what)
        if self.count == self.crash_before:
            raise Crashed
        self._cluster.requests.append((verb, what))

    async def _answer(self) -> None:
        await self._wait()
        self.count += 1
        if self.count - 1 == self.crash_after:
            raise Crashed

    async def _wait(self) -> None:
        for _ in range(self._random.randint(0, self._delay)):
            await asyncio.sleep(0)

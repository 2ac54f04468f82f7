"""The key ring of a whole operator on an API server in memory, which looks after it while others ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from sshcredential_operator.api.names import SECRET_TYPE, CredentialKey, Namespace
from sshcredential_operator.api.policy import Policies
from sshcredential_operator.controller.options import Options
from sshcredential_operator.controller.own_key_ring import OwnKeyRing
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.controller.store import Kind, Store
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.encryption.credential_secret import seal_credential
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.keyring_store import StoredSecret
from unit.controller.api_memory import OWN, ApiMemory
from unit.controller.conftest import Connect
from unit.controller.local_server import serving
from unit.encryption.samples import RECORD, material
from unit.encryption.whole_ring import UIDS

CREDENTIALS: Final = "/apis/sshcredentials.dev/v1alpha1/namespaces/{}/sshcredentials/{}"


class OwnPlace:
    """An operator's key ring, and what people see of it."""

    def __init__(self, api: ApiMemory, key_ring: OwnKeyRing, store: Store) -> None:
        self.api, self.key_ring, self.store = api, key_ring, store
        self.ring = key_ring.ring

    async def kek(self, workspace: str = "genomics") -> Kek:
        return await self.key_ring.workspaces.kek_for_writing(Namespace(workspace))

    def hold(self, kek: Kek, name: str = "hpc-login", workspace: str = "genomics") -> None:
        """Put a credential and its Secret there, as the operator made them."""
        self.api.put(CREDENTIALS.format(workspace, name), {"kind": "SSHCredential", "spec": {"generate": {}}})
        data = seal_credential(RECORD, material(RECORD), kek, workspace, name)
        self.api.put_ring(StoredSecret(f"{name}-sshcredential", SECRET_TYPE, data), workspace)

    def kinds(self) -> list[str]:
        """Return the types of all Secrets of the operator's namespace."""
        found = [self.api.objects[self.api.path_of(name)]["type"] for name in self.api.names()]
        return sorted(kind.partition("/")[2] for kind in found)

    async def looking(self) -> None:
        """Look after it until cancelled, as often as it can."""
        while True:
            self.key_ring.upkeep.resume()
            await self.key_ring.upkeep.look()
            await asyncio.sleep(0.05)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let an operator look after it meanwhile."""
        task = asyncio.create_task(self.looking())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def own_place(connected: Connect, **options: Any) -> AsyncIterator[OwnPlace]:
    """Yield one whose ring is not open yet."""
    api = ApiMemory()
    for name, uid in UIDS.items():
        api.put_namespace(name, uid)
    async with serving(api.answer) as address:
        connection = await connected(address)
        requests, store = Requests(connection), Store()
        for kind in (Kind.CREDENTIALS, Kind.SECRETS):
            store.listed(kind, None, (), frozenset())
        wanted = Options(Namespace(OWN), (), "", 0, Policies(), leader_election=False, **options)
        key_ring = OwnKeyRing(wanted, connection, requests, store, WorkQueue[CredentialKey]())
        yield OwnPlace(api, key_ring, store)
        await key_ring.close()
        await requests.close()

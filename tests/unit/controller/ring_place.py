"""An operator's key ring with all that looks after it: its Secrets in memory, people's ConfigMap on a server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from sshcredential_operator.api.names import CredentialKey, Namespace
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.controller.rewrapping import Rewrapping
from sshcredential_operator.controller.ring_desk import ApiRingDesk
from sshcredential_operator.controller.ring_requests import RingRequests
from sshcredential_operator.controller.ring_upkeep import RingUpkeep
from sshcredential_operator.controller.store import Kind, Store
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.controller.workspaces import KeyringWorkspaces
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.root_secret import RootInSecret
from sshcredential_operator.encryption.roots import LocalRoot
from unit.controller.api_memory import OWN, ApiMemory
from unit.controller.conftest import Connect
from unit.controller.local_server import serving
from unit.encryption.ring_memory import Cluster
from unit.encryption.ring_memory import Store as RingStore

UID: Final = "00000001-0000-4000-8000-000000000000"
GENOMICS: Final = Namespace("genomics")


class RingPlace:
    """One replica. Others of the same cluster share `cluster` and `api`."""

    def __init__(self, cluster: Cluster, api: ApiMemory, requests: Requests) -> None:
        self.cluster, self.api, self.requests = cluster, api, requests
        self.store = RingStore(cluster)
        self.ring = Keyring(self.store)
        self.credentials, self.queue = Store(), WorkQueue[CredentialKey]()
        for kind in (Kind.CREDENTIALS, Kind.SECRETS):
            self.credentials.listed(kind, None, (), frozenset())
        self.workspaces = KeyringWorkspaces(self.ring, requests)
        self.rewrapping = Rewrapping(self.credentials, self.queue, self.ring, rate=1000)
        self.answers = RingRequests(self.ring, self.store, requests, self.workspaces, self.rewrapping)
        self.upkeep = RingUpkeep(
            self.ring, self.store, ApiRingDesk(requests, Namespace(OWN)), self.answers, self.rewrapping
        )
        self.heard: list[str] = []

        async def heard(sentence: str) -> None:
            self.heard.append(sentence)

        self.upkeep.on_problem = heard

    def ask(self, **entries: str | None) -> None:
        """Ask, and let the watch tell of it."""
        self.api.ask(**entries)
        self.upkeep.resume()

    async def look(self, times: int = 1) -> float:
        seconds = 0.0
        for _ in range(times):
            seconds = await self.upkeep.look()
        return seconds

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.api.sheet["state.json"])
        return found

    @property
    def waiting(self) -> set[str]:
        """The requests that are not answered."""
        return self.api.sheet.keys() - {"state.json"}

    async def root(self) -> LocalRoot:
        root = await RootInSecret(RingStore(self.cluster)).load()
        assert isinstance(root, LocalRoot)
        return root


@asynccontextmanager
async def ring_place(connected: Connect) -> AsyncIterator[RingPlace]:
    """Yield a replica whose ring is open."""
    api = ApiMemory()
    api.put_namespace(GENOMICS, UID)
    async with serving(api.answer) as address:
        requests = Requests(await connected(address))
        place = RingPlace(Cluster(), api, requests)
        await place.ring.open()
        yield place
        await asyncio.sleep(0)
        await requests.close()


def beside(place: RingPlace) -> RingPlace:
    """Return another replica of the same cluster, which has still to open its ring."""
    return RingPlace(place.cluster, place.api, place.requests)

"""The key ring of a whole operator, put together: its roots, the workspaces' keys, and what rotates them.

Made by `operator.py`. Other processes that only read keys make a `Keyring` of their own.
"""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime
from typing import Any

from sshcredential_operator.api.names import KEY_RING_CONFIG_MAP, CredentialKey
from sshcredential_operator.controller.connection import Connection
from sshcredential_operator.controller.options import Options
from sshcredential_operator.controller.ports import ApiAnnouncer
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.controller.rewrapping import Rewrapping
from sshcredential_operator.controller.ring_desk import ApiRingDesk
from sshcredential_operator.controller.ring_requests import RingRequests
from sshcredential_operator.controller.ring_store import ApiKeyringStore
from sshcredential_operator.controller.ring_upkeep import RingUpkeep
from sshcredential_operator.controller.root_sources import places_of
from sshcredential_operator.controller.store import Store
from sshcredential_operator.controller.tasks import begin
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.controller.workspaces import KeyringWorkspaces
from sshcredential_operator.encryption.keyring import Keyring


class OwnKeyRing:
    """What belongs together. Everything in it is used by `operator.py`, and nothing knows of this class."""

    def __init__(
        self,
        options: Options,
        connection: Connection,
        requests: Requests,
        store: Store,
        queue: WorkQueue[CredentialKey],
    ) -> None:
        self._own, self._connection = options.operator_namespace, connection
        self._session = connection.session(connections=1)
        self._announcer = ApiAnnouncer(requests, socket.gethostname())
        self.secrets = ApiKeyringStore(requests, self._own, options.workspaces)
        self.ring = Keyring(self.secrets, places_of(options.root_sources, self.secrets))
        self.workspaces = KeyringWorkspaces(self.ring, requests)
        self.rewrapping = Rewrapping(store, queue, self.ring, options.rewrap_rate)
        answers = RingRequests(self.ring, self.secrets, requests, self.workspaces, self.rewrapping)
        desk = ApiRingDesk(requests, self._own)
        self.upkeep = RingUpkeep(self.ring, self.secrets, desk, answers, self.rewrapping)
        self.upkeep.state.history = self.secrets.history
        self.upkeep.on_problem = self.announce

    def start(self) -> list[asyncio.Task[Any]]:
        """Begin to look after it."""
        follow = self.upkeep.follow(self._session, self._connection.server)
        return [begin(self.upkeep.run()), begin(self.rewrapping.run()), begin(follow)]

    async def announce(self, sentence: str) -> None:
        """Tell people with an event in the operator's namespace that the root key is not as it should be."""
        about = {"apiVersion": "v1", "kind": "ConfigMap"}
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        await self._announcer.post(
            self._own, KEY_RING_CONFIG_MAP, about, "RootKeyProblem", sentence, warning=True, moment=moment
        )

    async def close(self) -> None:
        """Close the watch's connection."""
        await self._session.close()

"""One operator on the server in memory: the real store, the ports, and passes until nobody asks for another."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sshcredential_operator.api.credential import parse_credential
from sshcredential_operator.api.names import SECRET_TYPE, CredentialKey, Namespace, credential_of_secret
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller.store import Kind, Store
from sshcredential_operator.reconcile.one_pass import Outcome, reconcile
from sshcredential_operator.reconcile.ports import World
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.reconcile.ports_memory import (
    Keys,
    MemoryAnnouncer,
    MemoryCredentials,
    MemoryInputs,
    MemorySealing,
    MemorySecrets,
    MemoryWorkspaces,
)
from unit.reconcile.samples import KEY, NOW
from unit.reconcile.server_memory import Server

MOST_PASSES: Final = 12


class Crashed(BaseException):
    """The operator died at this request."""


class Operator:
    """One operator's memory and its passes. It begins with a list; `catch_up` lets its watches tell what came after."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.store = Store()
        self.keys, self.inputs = Keys(), MemoryInputs(server)
        self.workspaces, self.announcer = MemoryWorkspaces(server), MemoryAnnouncer()
        self.sealing = MemorySealing(server)
        self.now: datetime = NOW
        self.failures = 0
        """How many passes in a row have failed, as the queue counts them."""
        self._list()
        self.world = World(
            known=self.store,
            secrets=MemorySecrets(server),
            credentials=MemoryCredentials(server),
            inputs=self.inputs,
            workspaces=self.workspaces,
            sealing=self.sealing,
            keys=self.keys,
            announcer=self.announcer,
            operator_namespace=Namespace("sshcredential-system"),
            now=lambda: self.now,
        )

    def _list(self) -> None:
        for raw in self.server.credentials.values():
            self.store.saw_credential(parse_credential(raw), deleted=False)
        for (namespace, name), secret in self.server.secrets.items():
            key_of = credential_of_secret(Namespace(namespace), name)
            if key_of and secret.type == SECRET_TYPE:
                self.store.saw_secret(key_of, secret.raw(), deleted=False)
        self._told = len(self.server.stream)

    def catch_up(self, *, until: int | None = None) -> set[CredentialKey]:
        """Let the watches tell what they have not told yet; return the credentials to look at."""
        stream = self.server.stream[self._told : until]
        self._told += len(stream)
        changed: set[CredentialKey] = set()
        for kind, key, seen, deleted in stream:
            if kind is Kind.CREDENTIALS:
                changed |= set(self.store.saw_credential(seen, deleted=deleted))
            else:
                changed |= set(self.store.saw_secret(key, seen, deleted=deleted))
        return changed

    async def one_pass(self, key: CredentialKey = KEY) -> Outcome:
        return await reconcile(key, self.world, self.failures)

    async def settle(self, key: CredentialKey = KEY) -> list[Outcome | TroubleError]:
        """Make passes, and let the watches tell, until nobody asks for another; return what came of each."""
        came: list[Outcome | TroubleError] = []
        while len(came) < MOST_PASSES:
            self.catch_up()
            outcome = await self._try(key)
            came.append(outcome)
            if isinstance(outcome, Outcome) and not outcome.retry:
                self.failures = 0
                if not self.catch_up():
                    return came
            else:
                self.failures += isinstance(outcome, TroubleError) or outcome.retry_after != 0
        msg = f"no end after {MOST_PASSES} passes: {came[-2:]}"
        raise AssertionError(msg)

    async def _try(self, key: CredentialKey) -> Outcome | TroubleError:
        try:
            return await self.one_pass(key)
        except TroubleError as trouble:
            return trouble


def unavailable() -> TroubleError:
    return TroubleError(Reason.SERVER_UNAVAILABLE)

"""The server in memory, with a witness who hears of every revision. Used by `memory`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from lives.revisions import CredentialWritten, SecretWritten
from lives.witness import Witness
from sshcredential_operator.api.names import SECRET_SUFFIX, CredentialKey
from sshcredential_operator.encryption.envelope import Kek
from unit.reconcile.ports_memory import MemoryWorkspaces
from unit.reconcile.samples import KEY
from unit.reconcile.server_memory import SecretObject, Server


class WitnessedServer(Server):
    """A server that tells a witness of every revision, before anybody else hears of it."""

    def __init__(self) -> None:
        super().__init__()
        self.now: datetime
        keks: dict[str, Kek] = MemoryWorkspaces(self).keks
        self.witness = Witness(KEY.namespace, keks.get)
        self._writing = False
        self._deletions = 0

    def wrote(self, what: str) -> int:
        self._writing = True
        return super().wrote(what)

    def keep(self, key: CredentialKey, raw: dict[str, Any]) -> None:
        super().keep(key, raw)
        self._tell_witness(CredentialWritten(key.name, raw, self.now, self._by_operator()))

    def remove(self, key: CredentialKey = KEY) -> None:
        super().remove(key)
        self._tell_witness(CredentialWritten(key.name, None, self.now, by_operator=False))

    def _tell_secret(self, place: tuple[str, str], secret: SecretObject, *, deleted: bool) -> None:
        super()._tell_secret(place, secret, deleted=deleted)
        by_operator = self._by_operator()
        name = place[1].removesuffix(SECRET_SUFFIX)
        if name == place[1]:
            assert not by_operator, "I6: an operator wrote a user's Secret"
        else:
            self._tell_witness(SecretWritten(name, None if deleted else secret.raw(), self.now, by_operator))

    def _by_operator(self) -> bool:
        deletions = self.writes.count("delete secret")
        writing = self._writing or deletions > self._deletions
        self._writing, self._deletions = False, deletions
        return writing

    def _tell_witness(self, revision: CredentialWritten | SecretWritten) -> None:
        self.witness.heard(revision)

"""Runs without a cluster: the pass on the server in memory, recorded as etcd would tell of it. For `test_oracles`."""

from __future__ import annotations

import copy
import itertools
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

from cluster.etcd_history import CREDENTIALS, SECRETS, Revision
from cluster.shown import Object
from faults.run import Run, Wanted
from lives.memory import run
from sshcredential_operator.api.names import ORPHANED_SINCE_ANNOTATION, CredentialKey
from sshcredential_operator.api.timestamps import format_timestamp
from sshcredential_operator.encryption.kek import KEK_DATA_KEY, KEK_SECRET_TYPE, wrap_kek
from sshcredential_operator.encryption.root_key import (
    ROOT_DATA_KEY,
    ROOT_SECRET_NAME,
    ROOT_SECRET_TYPE,
    RootSource,
    new_root_keys,
    root_keys_to_bytes,
)
from unit.reconcile.operator_memory import Operator
from unit.reconcile.ports_memory import MemoryWorkspaces
from unit.reconcile.samples import KEY, NOW
from unit.reconcile.server_memory import SecretObject, Server

OWN: Final = "sshcredential-system"
KEK_SECRET: Final = "sshcredential-kek"
NAMESPACE_UID: Final = "6f1c0a2b-3c4d-0000-0000-000000000000"


class RecordingServer(Server):
    """Keeps every revision, with whose it is. All happens in one moment."""

    def __init__(self) -> None:
        super().__init__()
        self.revisions: list[Revision] = []
        self.by_users: set[int] = set()
        self._versions = itertools.count(1)
        self._known = 0
        self._make_ring()

    def keep(self, key: CredentialKey, raw: dict[str, Any]) -> None:
        super().keep(key, raw)
        self._record(CREDENTIALS, key.namespace, key.name, raw)

    def remove(self, key: CredentialKey = KEY) -> None:
        super().remove(key)
        self._record(CREDENTIALS, key.namespace, key.name, None)

    def _tell_secret(self, place: tuple[str, str], secret: SecretObject, *, deleted: bool) -> None:
        super()._tell_secret(place, secret, deleted=deleted)
        self._record(SECRETS, *place, None if deleted else _shown(place, secret))

    def _record(self, resource: str, namespace: str, name: str, found: Mapping[str, Any] | None) -> None:
        version = next(self._versions)
        shown = copy.deepcopy(dict(found)) if found is not None else None
        if shown is not None:
            shown["metadata"] |= {"managedFields": [{"time": format_timestamp(NOW)}]}
        self.revisions.append(Revision(version, resource, namespace, name, shown))
        if len(self.writes) == self._known and namespace != OWN:
            self.by_users.add(version)
        self._known = len(self.writes)

    def _make_ring(self) -> None:
        roots, (kek,) = new_root_keys(), MemoryWorkspaces(self).keks.values()
        document = wrap_kek(kek, KEY.namespace, NAMESPACE_UID, roots.writing, RootSource.SECRET)
        for name, kind, member, value in (
            (ROOT_SECRET_NAME, ROOT_SECRET_TYPE, ROOT_DATA_KEY, root_keys_to_bytes(roots)),
            (KEK_SECRET, KEK_SECRET_TYPE, KEK_DATA_KEY, document.to_bytes()),
        ):
            secret = SecretObject(f"uid-of-{name}", 1, kind, {member: value})
            self._record(SECRETS, OWN, name, _shown((OWN, name), secret))


class Recording:
    """A server in memory with one operator, whose story becomes a run."""

    def __init__(self) -> None:
        self.server = RecordingServer()
        self.operator = Operator(self.server)
        self.rests: list[int] = []

    def settle(self, name: str = KEY.name) -> None:
        """Let the operator do all that there is to do."""
        run(self.operator.settle(CredentialKey(KEY.namespace, name)))

    def rest(self) -> None:
        """Note that nothing is under way."""
        self.rests.append(self.server.revisions[-1].version)

    def run(self, **wanted: Wanted) -> Run:
        """Return what has happened, with what is wanted in the end."""
        keks = MemoryWorkspaces(self.server).keks
        return Run(
            namespace=KEY.namespace,
            own=OWN,
            revisions=tuple(self.server.revisions),
            by_users=frozenset(self.server.by_users),
            wanted={name.replace("_", "-"): one for name, one in wanted.items()},
            kek_of=keks.get,
            rests=tuple(self.rests),
        )


def _shown(place: tuple[str, str], secret: SecretObject) -> Object:
    marks = {ORPHANED_SINCE_ANNOTATION: secret.annotations.get(ORPHANED_SINCE_ANNOTATION)}
    metadata = {
        "namespace": place[0],
        "name": place[1],
        "uid": secret.uid,
        "resourceVersion": str(secret.version),
        "annotations": {name: value for name, value in marks.items() if value},
    }
    data = {name: b64encode(value).decode() for name, value in secret.data.items()}
    return {"kind": "Secret", "metadata": metadata, "type": secret.type, "data": data}

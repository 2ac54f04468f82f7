"""How far the rotations of the key ring are, as the ConfigMap tells it. Made by `ring_upkeep.py`, read by `sshcred`.

Public facts only: names of keys, and counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from sshcredential_operator.api.names import Namespace
from sshcredential_operator.api.timestamps import format_timestamp
from sshcredential_operator.controller.ring_store import RingHistory
from sshcredential_operator.encryption.canary import canary_secret_name
from sshcredential_operator.encryption.kek import kek_secret_name
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.ring_documents import StoredKek
from sshcredential_operator.encryption.roots import RootId, root_id

_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class RingState:
    """What the last look has shown."""

    left: tuple[str, ...] = ()
    """Secrets of the key ring that are not under the root key for writing, though they should be."""
    users: Mapping[RootId, int] = field(default_factory=dict)
    counted: frozenset[str] = frozenset()
    """The workspaces' keys that are among the users; one that was made since is added without another list."""
    refused: dict[str, str | None] = field(default_factory=dict)
    """Why the last request of a name was refused; None where it was not."""
    told_pending: bool = False
    """Whether the text said last that credentials are under an old key."""
    told_keys: frozenset[str] = frozenset()
    """The workspaces' keys that the text has named last."""
    verified: Mapping[str, Any] | None = None
    """What the last request to verify has found."""
    history: RingHistory = field(default_factory=RingHistory)
    """When things were made and backed up, as far as this process has read their Secrets."""

    def count(self, ring: Keyring, users: Mapping[RootId, int] | None = None) -> None:
        """Take a fresh count of who is under which root key; without one, add the workspaces' keys that are new."""
        if users is None:
            new = [one.document for one in ring.documents if one.kek.kid not in self.counted]
            users = Counter(self.users) + Counter(root_id(document.wrapped) for document in new)
        self.users, self.counted = users, kids_of(ring)

    def text(self, ring: Keyring, pending: Mapping[Namespace, int]) -> str:
        """Return it as JSON in one spelling."""
        self.told_pending = bool(pending)
        self.told_keys = kids_of(ring)
        root = ring.roots.id
        workspaces: dict[str, dict[str, Any]] = defaultdict(lambda: {"keyId": "", "olderKeyIds": []})
        for stored in self._from_the_oldest(ring):
            found = workspaces[stored.document.namespace]
            if found["keyId"]:
                found["olderKeyIds"].append(found["keyId"])
            found["keyId"] = stored.kek.kid
            found["madeAt"] = _written(self.history.made.get(_name_of(stored)))
            found["pending"] = pending.get(Namespace(stored.document.namespace), 0)
        return orjson.dumps(
            {
                "root": {
                    "source": root.source,
                    "keyId": root.key_id,
                    "where": ring.places[0].where,
                    "madeAt": _written(self.history.made.get(canary_secret_name(root.key_id))),
                },
                "backedUpAt": _written(self.history.backed_up_at),
                "changedAt": _written(self.history.changed_at),
                "verified": self.verified,
                "wrappedBy": [
                    {"source": source, "keyId": key_id, "count": count}
                    for (source, key_id), count in sorted(self.users.items())
                ],
                "left": self.left,
                "unopened": ring.unopened,
                "refused": {entry: why for entry, why in self.refused.items() if why},
                "workspaces": workspaces,
            },
            option=orjson.OPT_SORT_KEYS,
        ).decode()

    def _from_the_oldest(self, ring: Keyring) -> list[StoredKek]:
        """Return the keys in their order. Slots count within one namespace; one made anew comes later."""
        begun: dict[str, datetime] = {}
        for one in ring.documents:
            uid, made = one.document.namespace_uid, self.history.made.get(_name_of(one), _NEVER)
            begun[uid] = max(made, begun.get(uid, _NEVER))

        def order(one: StoredKek) -> tuple[datetime, str, int]:
            uid = one.document.namespace_uid
            return begun[uid], uid, one.document.slot or 0

        return sorted(ring.documents, key=order)


def _written(moment: datetime | None) -> str | None:
    return format_timestamp(moment) if moment else None


def _name_of(stored: StoredKek) -> str:
    return kek_secret_name(stored.document.namespace_uid, stored.document.slot or 0)


def kids_of(ring: Keyring) -> frozenset[str]:
    """Return the names of all workspaces' keys in memory."""
    return frozenset(stored.kek.kid for stored in ring.documents)

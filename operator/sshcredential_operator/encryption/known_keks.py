"""The KEKs in memory, by their kids. Kept by the key ring: whatever becomes of the root, they go on serving."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.kek import kek_secret_name
from sshcredential_operator.encryption.ring_documents import StoredKek


class KnownKeks:
    """Each with the document that binds it to its namespace."""

    def __init__(self) -> None:
        self._keks: dict[str, StoredKek] = {}

    def __len__(self) -> int:
        return len(self._keks)

    def all(self) -> tuple[StoredKek, ...]:
        """Return all of them."""
        return tuple(self._keks.values())

    def add(self, stored: StoredKek) -> None:
        """Keep one that opened."""
        self._keks[stored.document.kid] = stored

    def take(self, opened: Iterable[StoredKek], unopened: Collection[str]) -> None:
        """Keep those that opened, and those whose Secrets do not open now but did; what is gone is dropped."""
        kept = {kid: kek for kid, kek in self._keks.items() if _name_of(kek) in unopened}
        self._keks = kept | {stored.document.kid: stored for stored in opened}

    def forget(self, namespace_uid: str) -> None:
        """Drop those of a namespace."""
        self._keks = {kid: kek for kid, kek in self._keks.items() if kek.document.namespace_uid != namespace_uid}

    def drop(self, kid: str) -> None:
        """Drop one."""
        self._keks.pop(kid, None)

    def find(self, kid: str, namespace: str, namespace_uid: str) -> Kek | None:
        """Return one, if it is of this very namespace, or a person has bound it to it."""
        stored = self._keks.get(kid)
        if stored is None or stored.document.namespace != namespace:
            return None
        return stored.kek if namespace_uid in {stored.document.namespace_uid, stored.rebound_to} else None

    def newest(self, namespace: str, namespace_uid: str) -> Kek | None:
        """Return the one that writes in this very namespace: that of the highest slot."""
        own = [stored for stored in self._keks.values() if _is_of(stored, namespace, namespace_uid)]
        return max(own, key=lambda stored: stored.document.slot or 0).kek if own else None


def _is_of(stored: StoredKek, namespace: str, namespace_uid: str) -> bool:
    return (stored.document.namespace, stored.document.namespace_uid) == (namespace, namespace_uid)


def _name_of(stored: StoredKek) -> str:
    return kek_secret_name(stored.document.namespace_uid, stored.document.slot or 0)

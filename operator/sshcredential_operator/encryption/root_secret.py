"""The root key in a Secret of the operator's namespace: the default. Used by the key ring, and by the root's rotation.

It is the one root that the operator makes itself, and the one that it can replace.
"""

from __future__ import annotations

from typing import Final

from sshcredential_operator.api.names import FIELD_MANAGER, MANAGED_BY_LABEL
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.keyring_store import KeyringStore, StoredSecret
from sshcredential_operator.encryption.root_key import (
    MAX_ROOT_KEYS,
    ROOT_DATA_KEY,
    ROOT_SECRET_NAME,
    ROOT_SECRET_TYPE,
    RootKeys,
    RootSource,
    new_root_keys,
    root_keys_from_bytes,
    root_keys_to_bytes,
)
from sshcredential_operator.encryption.roots import LocalRoot, RootLack

_TRIES: Final = 5


class RootInSecret:
    """Reads it live, at every load."""

    source = RootSource.SECRET
    where = f"Secret {ROOT_SECRET_NAME}"

    def __init__(self, store: KeyringStore) -> None:
        self._store = store

    async def load(self) -> LocalRoot | RootLack:
        """Read the Secret; one request."""
        secret = await self._store.get(ROOT_SECRET_NAME)
        if secret is None:
            return RootLack.ABSENT
        keys = root_keys_of(secret)
        return RootLack.MALFORMED if keys is None else LocalRoot(self.source, keys)

    async def make(self) -> bool:
        """POST a fresh root key; False when there is a Secret of its name."""
        data, labels = {ROOT_DATA_KEY: root_keys_to_bytes(new_root_keys())}, {MANAGED_BY_LABEL: FIELD_MANAGER}
        return await self._store.create(ROOT_SECRET_NAME, ROOT_SECRET_TYPE, data, labels)

    async def put_new_key_before(self, key_id: str) -> bool:
        """Let a fresh key wrap in the place of this one, which goes on opening; False if another one wraps already.

        Asked twice for the same key, it makes one. Raise ValueError when there is no room for one more key.
        """
        secret = await self._store.get(ROOT_SECRET_NAME)
        keys = None if secret is None else root_keys_of(secret)
        if secret is None or keys is None or keys.writing.kid != key_id:
            return False
        if len(keys.keys) >= MAX_ROOT_KEYS - 1:  # a key that is put back needs a place
            msg = "there are as many root keys as there can be"
            raise ValueError(msg)
        return await self._replace(secret, RootKeys((*new_root_keys().keys, *keys.keys)))

    async def drop_key(self, key_id: str) -> Kek | None:
        """Take away a key that wraps no more, and return it; None if it is not there, or others wrote in between.

        The caller has seen that nothing needs it, and looks once more.
        """
        secret = await self._store.get(ROOT_SECRET_NAME)
        keys = None if secret is None else root_keys_of(secret)
        dropped = None if keys is None else keys.find(key_id)
        if secret is None or keys is None or dropped is None or keys.writing.kid == key_id:
            return None
        rest = RootKeys(tuple(key for key in keys.keys if key.kid != key_id))
        return dropped if await self._replace(secret, rest) else None

    async def put_back(self, key: Kek) -> bool:
        """Let a key that was dropped open again, as the last one; False if others kept writing in between."""
        for _ in range(_TRIES):
            secret = await self._store.get(ROOT_SECRET_NAME)
            keys = None if secret is None else root_keys_of(secret)
            if secret is None or keys is None:
                return False
            if keys.find(key.kid) or await self._replace(secret, RootKeys((*keys.keys, key))):
                return True
        return False

    async def _replace(self, secret: StoredSecret, keys: RootKeys) -> bool:
        return await self._store.replace(secret, {ROOT_DATA_KEY: root_keys_to_bytes(keys)})


def root_keys_of(secret: StoredSecret) -> RootKeys | None:
    """Return the root keys of their Secret, or None for any other Secret."""
    value = secret.value(ROOT_SECRET_TYPE, ROOT_DATA_KEY)
    return None if value is None else root_keys_from_bytes(value)

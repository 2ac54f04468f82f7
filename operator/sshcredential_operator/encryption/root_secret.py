"""The root key in a Secret of the operator's namespace: the default. Used by the key ring, and by the root's rotation.

It is the one root that the operator makes itself, and the one that it can replace.
"""

from __future__ import annotations

from sshcredential_operator.api.names import FIELD_MANAGER, MANAGED_BY_LABEL
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
        if len(keys.keys) >= MAX_ROOT_KEYS:
            msg = "there are as many root keys as there can be"
            raise ValueError(msg)
        return await self._replace(secret, RootKeys((*new_root_keys().keys, *keys.keys)))

    async def drop_key(self, key_id: str) -> bool:
        """Take away a key that wraps no more; False if it is not there. The caller has seen that nothing needs it."""
        secret = await self._store.get(ROOT_SECRET_NAME)
        keys = None if secret is None else root_keys_of(secret)
        if secret is None or keys is None or keys.writing.kid == key_id or keys.find(key_id) is None:
            return False
        return await self._replace(secret, RootKeys(tuple(key for key in keys.keys if key.kid != key_id)))

    async def _replace(self, secret: StoredSecret, keys: RootKeys) -> bool:
        return await self._store.replace(secret, {ROOT_DATA_KEY: root_keys_to_bytes(keys)})


def root_keys_of(secret: StoredSecret) -> RootKeys | None:
    """Return the root keys of their Secret, or None for any other Secret."""
    value = secret.value(ROOT_SECRET_TYPE, ROOT_DATA_KEY)
    return None if value is None else root_keys_from_bytes(value)

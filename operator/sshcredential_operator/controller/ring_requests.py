"""Answers what people ask of the key ring: replace the root key or a workspace's, or drop one that nothing needs.

Used by `ring_upkeep.py`. Each answer begins with what is stored, and says in a sentence why it was refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sshcredential_operator.api.names import SECRET_TYPE, Namespace
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller.ports import SECRETS_PATH, parse_secret
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.controller.rewrapping import Rewrapping
from sshcredential_operator.controller.ring_desk import DROP_ROOT, REREAD, ROTATE_ROOT, VERIFY, Asked
from sshcredential_operator.controller.ring_verify import verified
from sshcredential_operator.controller.workspaces import KeyringWorkspaces
from sshcredential_operator.encryption.canary import canary_secret_name
from sshcredential_operator.encryption.credential_secret import peek_kids
from sshcredential_operator.encryption.kek import KEK_SECRET_TYPE, kek_secret_name, slot_of
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.keyring_store import KeyringStore, StoredSecret
from sshcredential_operator.encryption.ring_documents import kek_document_of, rebound_to
from sshcredential_operator.encryption.ring_reread import reread
from sshcredential_operator.encryption.ring_rotation import users_of_roots
from sshcredential_operator.encryption.root_key import RootSource
from sshcredential_operator.encryption.root_secret import RootInSecret
from sshcredential_operator.encryption.roots import LocalRoot, RootId
from sshcredential_operator.reconcile.trouble import TroubleError

NOT_OURS: Final = "The operator does not keep the root key itself: replace it where it is kept, and this follows."
FULL: Final = "There are as many root keys as there can be: drop one that wraps nothing any more."
IN_USE: Final = "The key {key_id} is in use by {count}, and was not dropped."
NOT_MOVED: Final = "The key {key_id} was not dropped: {count} keys are not under the root key for writing so far."
THE_NEWEST: Final = "The key {key_id} is the one for writing, and was not dropped."
UNKNOWN: Final = "There is no key {key_id} that could be replaced or dropped."
_PAGE: Final = 500


class RingRequests:
    """Answers one request at a time. Each method returns a refusal, or None for what is done."""

    def __init__(
        self,
        ring: Keyring,
        store: KeyringStore,
        requests: Requests,
        workspaces: KeyringWorkspaces,
        rewrapping: Rewrapping,
    ) -> None:
        self._ring, self._store, self._requests = ring, store, requests
        self._workspaces, self._rewrapping = workspaces, rewrapping
        self.verified: dict[str, Any] | None = None
        """What the last request to verify has found."""
        self._untold = set[Asked]()

    async def answer(self, asked: Asked) -> str | None:
        """Do what is asked. May raise RootAway, KeyringRefused or TroubleError: then it is asked again.

        What is done is not done again before it is `told`: somebody may have been faster at the ConfigMap.
        """
        refused = None if asked in self._untold else await self._answer(asked)
        if refused is None:
            self._untold.add(asked)
        return refused

    def told(self) -> None:
        """Take note that people can read what was answered so far."""
        self._untold.clear()

    async def _answer(self, asked: Asked) -> str | None:
        match asked:
            case Asked(verb=verb) if verb == ROTATE_ROOT:
                return await self._rotate_root(asked.key_id)
            case Asked(verb=verb) if verb == DROP_ROOT:
                return await self._drop_root(asked.key_id)
            case Asked(verb=verb) if verb == VERIFY:
                self.verified = await verified(self._ring, self._store, asked.key_id)
                return None
            case Asked(verb=verb, namespace=str() as namespace) if verb == REREAD:
                return await self._reread(namespace)
            case Asked(verb="rotate", namespace=str() as namespace):
                return await self._rotate(namespace, asked.key_id)
            case Asked(verb="drop", namespace=str() as namespace):
                return await self._drop(namespace, asked.key_id)
        return None

    async def _rotate_root(self, key_id: str) -> str | None:
        place = self._ring.places[0]
        if not isinstance(place, RootInSecret):
            return NOT_OURS
        try:
            made = await place.put_new_key_before(key_id)
        except ValueError:
            return FULL
        await self._ring.refresh()
        if not made and self._ring.roots.id.key_id == key_id:  # somebody wrote in between, or so it was said
            raise TroubleError(Reason.SERVER_UNAVAILABLE)
        return None

    async def _drop_root(self, key_id: str) -> str | None:
        place = next((place for place in self._ring.places if isinstance(place, RootInSecret)), None)
        if place is None:
            return NOT_OURS
        await self._ring.refresh()
        asked, users = RootId(RootSource.SECRET, key_id), await users_of_roots(self._store)
        if count := users.get(asked, 0):
            return IN_USE.format(key_id=key_id, count=count)
        # A replica that led before, and does not know of the present root key, may be about to move them to this one.
        if count := sum(users.values()) - users.get(self._ring.roots.id, 0):
            return NOT_MOVED.format(key_id=key_id, count=count)
        dropped = await place.drop_key(key_id)
        if dropped is None:
            return None if await self._root_was_dropped(place, key_id) else UNKNOWN.format(key_id=key_id)
        if count := (await users_of_roots(self._store)).get(asked, 0):  # made in between, by a replica that led before
            await place.put_back(dropped)
            return IN_USE.format(key_id=key_id, count=count)
        await self._ring.refresh()
        return None

    async def _root_was_dropped(self, place: RootInSecret, key_id: str) -> bool:
        """Whether an operator that could not tell of it has dropped it before: its canary is left."""
        now = await place.load()
        if not isinstance(now, LocalRoot):
            return False
        if now.keys.find(key_id) is not None and now.keys.writing.kid != key_id:  # somebody wrote in between
            raise TroubleError(Reason.SERVER_UNAVAILABLE)
        return now.keys.find(key_id) is None and await self._store.get(canary_secret_name(key_id)) is not None

    async def _rotate(self, namespace: Namespace, kid: str) -> str | None:
        """Make the next key of a workspace; its Secrets follow, one after the other."""
        uid = await self._uid(namespace)
        if uid is None or self._ring.known(kid, namespace, uid) is None:
            return UNKNOWN.format(key_id=kid)
        made, newest = await self._ring.make_next(namespace, uid, kid), self._ring.newest(namespace, uid)
        if made is None and newest and newest.kid == kid:  # the root is away, or what was made cannot be read yet
            raise TroubleError(Reason.SERVER_UNAVAILABLE)
        return None

    async def _reread(self, namespace: Namespace) -> str | None:
        """Take what a person has done to the keys of a workspace, and look at its credentials with that."""
        await reread(self._ring, self._store, namespace)
        self._workspaces.forget(namespace)
        uid = await self._uid(namespace)
        if uid is None:
            return None  # a namespace that is gone: its keys are forgotten, and it has no credentials
        if any(stored.rebound_to == uid for stored in self._ring.documents):
            await self._workspaces.kek_for_writing(namespace)
        self._rewrapping.reopen(namespace, uid)
        return None

    async def _uid(self, namespace: Namespace) -> str | None:
        """Return the uid of a namespace; None where there is none of this name that may be looked at."""
        try:
            return await self._workspaces.uid(namespace)
        except TroubleError as trouble:
            if trouble.reason is Reason.SERVER_UNAVAILABLE:
                raise
            return None

    async def _drop(self, namespace: Namespace, kid: str) -> str | None:
        uid = await self._uid(namespace)
        if uid is None:
            return UNKNOWN.format(key_id=kid)
        newest = self._ring.newest(namespace, uid)
        if newest is None or newest.kid == kid:
            return THE_NEWEST.format(key_id=kid)
        if count := await self._users(namespace, kid):
            return IN_USE.format(key_id=kid, count=count)
        stored = await self._store.list(KEK_SECRET_TYPE)
        if _was_dropped(kid, uid, newest.kid, stored):
            self._ring.drop(kid)
            return None
        for secret in stored:
            document = kek_document_of(secret)
            own = document and (document.namespace_uid == uid or rebound_to(secret) == uid)
            if document and own and document.kid == kid and await self._store.delete(secret):
                self._ring.drop(kid)
                return None
        return UNKNOWN.format(key_id=kid)

    async def _users(self, namespace: Namespace, kid: str) -> int:
        """Count, live, the Secrets of a workspace that have a value under this key."""
        path = f"{SECRETS_PATH.format(namespace=namespace)}?fieldSelector=type%3D{SECRET_TYPE}&limit={_PAGE}"
        count, rest = 0, ""
        while True:
            answer = await self._requests.send("GET", path + rest, what="secrets")
            listed = answer.json()
            count += sum(kid in peek_kids(parse_secret(item).data) for item in listed["items"])
            token = listed["metadata"].get("continue")
            if not token:
                return count
            rest = f"&continue={token}"


def _was_dropped(kid: str, uid: str, newest: str, stored: Sequence[StoredSecret]) -> bool:
    """Whether an operator that could not tell of it has dropped a workspace's key before: no slot is used twice."""
    slot, last = slot_of(kid, uid), slot_of(newest, uid)
    return bool(slot and last and slot < last) and kek_secret_name(uid, slot or 0) not in {one.name for one in stored}

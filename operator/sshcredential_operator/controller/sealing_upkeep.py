"""One look at the sealing keys: the next is made when it is due, the public halves are published. Used by `sealing.py`.

Nothing in here remembers what a look has seen, but for the metrics: the next one begins with what is stored.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sshcredential_operator.api.names import Namespace
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller.sealing_config_map import ApiSealingConfigMap, Published
from sshcredential_operator.encryption.roots import RootAway
from sshcredential_operator.encryption.sealing_keys import (
    MOST_KEYS,
    SEALING_KEYS_CONFIG_MAP,
    SealingKey,
    SealingKeys,
    to_jwks,
)
from sshcredential_operator.encryption.sealing_ring import RootNotStored, SealingLook, SealingRing, is_due
from sshcredential_operator.reconcile.trouble import TroubleError

log = logging.getLogger(__name__)

_LOOKS: Final = 4
"""Two are for operators that do the same at the same time, the others for names that are taken by something else."""

NOT_PUBLISHED: Final = (
    "The public sealing keys cannot be written to ConfigMap {name} in namespace {namespace} ({reason}), so nobody can "
    "fetch the newest: does the operator's role there permit to create configmaps, and to get and patch this one? "
    "Credentials are served meanwhile."
)
NO_SECRETS: Final = (
    "The sealing keys in namespace {namespace} cannot be read or made ({reason}): may the operator get, list and "
    "create Secrets there?"
)
NO_ROOT: Final = (
    "No sealing key is made: the root key is not, or no longer, the one that this replica works with. "
    "Restore it from its backup."
)
ROOT_AWAY: Final = "The sealing keys cannot be opened or made now: the root key cannot be asked. They come with it."
TOO_MANY: Final = (
    f"There are {MOST_KEYS} sealing keys, and no more are made: delete the Secrets of old ones that no manifest uses."
)
UNSETTLED: Final = "The sealing keys keep changing: look for whoever writes to the operator's namespace."


class Hindered(Exception):
    """Nobody catches its text: `sentence` is one of those above, and says why a look was not finished."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence


@dataclass(slots=True)
class SealingState:
    """What the last look has shown, for the metrics."""

    keys: SealingKeys = field(default_factory=SealingKeys)
    unopened: tuple[str, ...] = ()
    published: bool | None = None
    """None as long as nobody has looked."""


class SealingUpkeep:
    """Keeps the newest sealing key younger than `period`, and the ConfigMap up to date."""

    def __init__(
        self,
        ring: SealingRing,
        config_map: ApiSealingConfigMap,
        namespace: Namespace,
        period: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._ring, self._config_map, self._namespace = ring, config_map, namespace
        self.period, self._now = period, now
        self.state = SealingState()

    async def look(self) -> None:
        """Look once: make the key that is due, at most one, and publish.

        Raise Hindered, or TroubleError if nobody answers. What is there is published also where no key can be made.
        """
        taken = 0
        for _ in range(_LOOKS):
            seen = await self._read_published()
            look = await self._look()
            self._tell_unopened(look.unopened)
            keys, hindered = look.keys, None
            if is_due(keys, self.period, self._now()):
                slot = max(look.next_slot, taken + 1)
                made = await self._make(look, slot)
                if made is None:
                    taken = slot
                    continue
                hindered = made if isinstance(made, Hindered) else None
                keys = SealingKeys((made, *keys.keys)) if isinstance(made, SealingKey) else keys
            self._take(keys)
            if not keys.keys or await self._publish(seen, keys):
                if hindered:
                    raise hindered
                return
        raise Hindered(UNSETTLED)

    async def _look(self) -> SealingLook:
        try:
            return await self._ring.look()
        except RootAway:
            raise Hindered(ROOT_AWAY) from None
        except TroubleError as trouble:
            raise self._told(NO_SECRETS, trouble) from None

    async def _make(self, look: SealingLook, slot: int) -> SealingKey | Hindered | None:
        if len(look.keys.keys) + len(look.unopened) >= MOST_KEYS:
            return Hindered(TOO_MANY)
        try:
            return await self._ring.make(slot, self._now())
        except RootNotStored:
            return Hindered(NO_ROOT)
        except RootAway:
            return Hindered(ROOT_AWAY)
        except TroubleError as trouble:
            raise self._told(NO_SECRETS, trouble) from None

    async def _read_published(self) -> Published | TroubleError:
        # Read before the keys: then what is written follows from a later look than whatever it replaces.
        try:
            return await self._config_map.read()
        except TroubleError as trouble:
            return trouble

    async def _publish(self, seen: Published | TroubleError, keys: SealingKeys) -> bool:
        try:
            if isinstance(seen, TroubleError):
                raise seen
            written = await self._config_map.write(seen, to_jwks(keys))
        except TroubleError as trouble:
            told = self._told(NOT_PUBLISHED, trouble)
            self.state.published = False if isinstance(told, Hindered) else self.state.published
            raise told from None
        if written:
            self.state.published = True
        return written

    def _told(self, text: str, trouble: TroubleError) -> Hindered | TroubleError:
        if trouble.reason is Reason.SERVER_UNAVAILABLE:  # then it says nothing about rights
            return trouble
        reason = trouble.reason.value
        return Hindered(text.format(name=SEALING_KEYS_CONFIG_MAP, namespace=self._namespace, reason=reason))

    def _take(self, keys: SealingKeys) -> None:
        before, newest = self.state.keys.newest, keys.newest
        self.state.keys = keys
        self.state.published = self.state.published and bool(keys.keys)
        if newest and newest.kid != (before and before.kid):
            log.info("the newest sealing key", extra={"kid": newest.kid, "fingerprint": newest.fingerprint})

    def _tell_unopened(self, unopened: tuple[str, ...]) -> None:
        if unopened and unopened != self.state.unopened:
            log.warning("sealing keys do not open under the present root key", extra={"secrets": ", ".join(unopened)})
        self.state.unopened = unopened

"""The port `Sealing`, and what keeps the sealing keys young and published while this replica leads. Run by `operator.py`.

A look is one read of the ConfigMap and one list of the keys; at rest it writes nothing. What goes wrong here is told
and tried again: credentials do not wait for it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from sshcredential_operator.api.names import Namespace
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.controller.requests import ODD_ANSWERS
from sshcredential_operator.controller.sealing_config_map import ApiSealingConfigMap, Published
from sshcredential_operator.controller.workspaces import from_ring
from sshcredential_operator.encryption.root_key import ROOT_SECRET_NAME
from sshcredential_operator.encryption.sealing_keys import (
    MOST_KEYS,
    SEALING_KEYS_CONFIG_MAP,
    SealingKey,
    SealingKeys,
    to_jwks,
)
from sshcredential_operator.encryption.sealing_ring import RootNotStored, SealingLook, SealingRing, Unopened, is_due
from sshcredential_operator.reconcile.observed import SealingKeyGone
from sshcredential_operator.reconcile.trouble import TroubleError

log = logging.getLogger(__name__)

DEFAULT_PERIOD: Final = timedelta(hours=720)
SHORTEST_PERIOD: Final = timedelta(minutes=1)
LOOK_SECONDS: Final = 3600.0
"""So often somebody looks whether a key is due, or the ConfigMap was changed; ten times a period at least."""
RETRY_MOST: Final = 60.0
_LOOKS: Final = 4
"""Two are for operators that do the same at the same time, the others for names that are taken by something else."""

SUBJECT: Final = "sealing keys"
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
    f"No sealing key is made: the root key in Secret {ROOT_SECRET_NAME} is not, or no longer, the one that this "
    "replica works with. Restore it from its backup."
)
TOO_MANY: Final = (
    f"There are {MOST_KEYS} sealing keys, and no more are made: delete the Secrets of old ones that no manifest uses."
)
UNSETTLED: Final = "The sealing keys keep changing: look for whoever writes to the operator's namespace."


class Hindrance(Exception):
    """Why a look was not finished; a sentence of ours."""


@dataclass(slots=True)
class SealingState:
    """What the last look has shown, for the metrics."""

    keys: SealingKeys = field(default_factory=SealingKeys)
    unopened: tuple[str, ...] = ()
    published: bool | None = None
    """None as long as nobody has looked."""


class OwnSealing:
    """The operator's own sealing keys."""

    def __init__(
        self,
        ring: SealingRing,
        config_map: ApiSealingConfigMap,
        namespace: Namespace,
        *,
        period: timedelta = DEFAULT_PERIOD,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._ring, self._config_map, self._namespace = ring, config_map, namespace
        self.period, self._now = period, now
        self.state = SealingState()
        self.on_newer: Callable[[str], None] = lambda _: None
        """Told the kid when values are to be sealed to another key than before, and at the first look."""
        self.remarks: dict[str, str] = {}
        """Where a sentence about what is wrong is left for people."""
        self._newest: SealingKey | None = None
        self._permitted: Callable[[], bool] = lambda: True
        self._wake = asyncio.Event()
        self._failures = 0

    def newest(self) -> SealingKey | None:
        """Return the key that values should be sealed to now: the newest that everybody can fetch."""
        return self._newest

    async def private_half(self, kid: str) -> Sensitive | SealingKeyGone:
        """Return the private half, 32 octets. One read; nothing is kept."""
        found = await from_ring(self._ring.private_half(kid))
        if isinstance(found, Sensitive):
            return found
        if found is Unopened.ROOT_MISSING:  # the right root mends it: nobody has to seal anything again
            raise TroubleError(Reason.KEY_RING_UNAVAILABLE)
        known = self.state.keys.find(kid)
        if known is not None and not known.retired:  # what people fetch must not name it any longer
            self._wake.set()
        return SealingKeyGone.RETIRED if found is Unopened.RETIRED else SealingKeyGone.UNKNOWN

    def begin_only_while(self, permitted: Callable[[], bool]) -> None:
        """Look at nothing while `permitted` says no. `resume` must follow each yes."""
        self._permitted = permitted

    def resume(self) -> None:
        """Look now."""
        self._wake.set()

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            # No task of its own waits: Kopf ends those that it does not know.
            timer = loop.call_later(await self._look(), self._wake.set) if self._permitted() else None
            await self._wake.wait()
            if timer:
                timer.cancel()

    async def _look(self) -> float:
        """Look, and return after how many seconds to look again."""
        try:
            await self.look()
        except Hindrance as hindrance:
            return self._hindered(str(hindrance))
        except TroubleError as trouble:
            return self._hindered(self._sentence(NO_SECRETS, trouble))
        except ODD_ANSWERS:
            return self._hindered(None)
        self._failures = 0
        if self.remarks.pop(SUBJECT, None):
            log.info("the sealing keys are published again")
        return min(LOOK_SECONDS, self.period.total_seconds() / 10) * random.uniform(0.9, 1.0)  # noqa: S311 - jitter

    def _hindered(self, sentence: str | None) -> float:
        self._failures += 1
        # Right after its start an API server refuses everybody; once is nothing to tell of.
        if sentence and self._failures > 1 and self.remarks.get(SUBJECT) != sentence:
            self.remarks[SUBJECT] = sentence
            log.error(sentence)
        return min(RETRY_MOST, 2.0 ** min(self._failures, 6)) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter

    async def look(self) -> None:
        """Look once: make the key that is due, at most one, and publish. Raise Hindrance or TroubleError."""
        taken = 0
        for _ in range(_LOOKS):
            seen = await self._read_published()
            look = await self._ring.look()
            self._tell_unopened(look.unopened)
            keys = look.keys
            if is_due(keys, self.period, self._now()):
                slot = max(look.next_slot, taken + 1)
                made = await self._make(look, slot)
                if made is None:
                    taken = slot
                    continue
                keys = SealingKeys((made, *keys.keys))
            self._take(keys)
            if await self._publish(seen, keys):
                return
        raise Hindrance(UNSETTLED)

    async def _make(self, look: SealingLook, slot: int) -> SealingKey | None:
        if len(look.keys.keys) + len(look.unopened) >= MOST_KEYS:
            raise Hindrance(TOO_MANY)
        try:
            return await self._ring.make(slot, self._now())
        except RootNotStored:
            raise Hindrance(NO_ROOT) from None

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
            sentence = self._sentence(NOT_PUBLISHED, trouble)
            if sentence is None:
                raise
            self.state.published = False
            raise Hindrance(sentence) from None
        if written:
            self.state.published = True
            self._announce(keys)
        return written

    def _sentence(self, text: str, trouble: TroubleError) -> str | None:
        if trouble.reason is Reason.SERVER_UNAVAILABLE:  # then it says nothing about rights, and others tell of it
            return None
        return text.format(name=SEALING_KEYS_CONFIG_MAP, namespace=self._namespace, reason=trouble.reason.value)

    def _take(self, keys: SealingKeys) -> None:
        before, newest = self.state.keys.newest, keys.newest
        self.state.keys = keys
        if newest and newest.kid != (before and before.kid):
            log.info("the newest sealing key", extra={"kid": newest.kid, "fingerprint": newest.fingerprint})

    def _announce(self, keys: SealingKeys) -> None:
        newest = keys.newest
        if newest and newest.kid != (self._newest and self._newest.kid):
            self._newest = newest
            self.on_newer(newest.kid)

    def _tell_unopened(self, unopened: tuple[str, ...]) -> None:
        if unopened and unopened != self.state.unopened:
            log.warning("sealing keys do not open under the present root key", extra={"secrets": ", ".join(unopened)})
        self.state.unopened = unopened

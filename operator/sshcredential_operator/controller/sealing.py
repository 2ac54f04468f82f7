"""The port `Sealing`, and when to look after the sealing keys: now and then, while this replica leads.

A look is one read of the ConfigMap and one list of the keys; at rest it writes nothing. What goes wrong here is told
and tried again: credentials do not wait for it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from sshcredential_operator.api.names import Namespace
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.controller.options import DEFAULT_PERIOD, Options
from sshcredential_operator.controller.requests import ODD_ANSWERS, Requests
from sshcredential_operator.controller.sealing_config_map import ApiSealingConfigMap
from sshcredential_operator.controller.sealing_upkeep import Hindered, SealingState, SealingUpkeep
from sshcredential_operator.controller.workspaces import from_ring
from sshcredential_operator.encryption.keyring import Keyring, KeyringStore
from sshcredential_operator.encryption.sealing_keys import SealingKey
from sshcredential_operator.encryption.sealing_ring import SealingRing, Unopened
from sshcredential_operator.reconcile.observed import SealingKeyGone
from sshcredential_operator.reconcile.trouble import TroubleError

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 3600.0
"""So often somebody looks whether a key is due, or the ConfigMap was changed; ten times a period at least."""
RETRY_MOST: Final = 60.0
SUBJECT: Final = "sealing keys"


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
        self._ring, self.period = ring, period
        self._upkeep = SealingUpkeep(ring, config_map, namespace, period, now)
        self.on_newer: Callable[[str], None] = lambda _: None
        """Told the kid when values are to be sealed to another key than before, and at the first look."""
        self.remarks: dict[str, str] = {}
        """Where a sentence about what is wrong is left for people."""
        self._newest: SealingKey | None = None
        self._permitted: Callable[[], bool] = lambda: True
        self._wake = asyncio.Event()
        self._failures = 0

    @property
    def state(self) -> SealingState:
        """What the last look has shown."""
        return self._upkeep.state

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
            if found is Unopened.UNKNOWN:  # one answer is not believed, until the look bears it out
                raise TroubleError(Reason.SERVER_UNAVAILABLE)
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
            timer = loop.call_later(await self.look(), self._wake.set) if self._permitted() else None
            await self._wake.wait()
            if timer:
                timer.cancel()

    async def look(self) -> float:
        """Look once, tell what is new, and return after how many seconds to look again."""
        try:
            await self._upkeep.look()
        except Hindered as hindered:
            return self._hindered_by(hindered.sentence)
        except (TroubleError, *ODD_ANSWERS):  # nobody answers, which others tell of
            return self._hindered_by(None)
        self._failures = 0
        if self.remarks.pop(SUBJECT, None):
            log.info("the sealing keys are published again")
        newest = self.state.keys.newest
        if newest and newest.kid != (self._newest and self._newest.kid):
            self._newest = newest
            self.on_newer(newest.kid)
        return min(LOOK_SECONDS, self.period.total_seconds() / 10) * random.uniform(0.9, 1.0)  # noqa: S311 - jitter

    def _hindered_by(self, sentence: str | None) -> float:
        self._failures += 1
        # Right after its start an API server refuses everybody; once is nothing to tell of.
        if sentence and self._failures > 1 and self.remarks.get(SUBJECT) != sentence:
            self.remarks[SUBJECT] = sentence
            log.error(sentence)
        return min(RETRY_MOST, 2.0 ** min(self._failures, 6)) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter


def own_sealing(keyring: Keyring, store: KeyringStore, requests: Requests, options: Options) -> OwnSealing:
    """Return those of a whole operator."""
    namespace = options.operator_namespace
    config_map = ApiSealingConfigMap(requests, namespace)
    return OwnSealing(SealingRing(keyring, store), config_map, namespace, period=options.sealing_key_period)

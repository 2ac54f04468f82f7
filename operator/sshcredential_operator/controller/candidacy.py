"""What the leader election means for this replica: for its queue, its writes, its health and its log.

Made by `operator.py` where there is an election; without one the replica works at once, and always.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from sshcredential_operator.api.names import Namespace
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller.connection import Connection
from sshcredential_operator.controller.health import Health
from sshcredential_operator.controller.leader import Elector, Standing
from sshcredential_operator.controller.lease_api import LEASE_NAME, ApiLeases
from sshcredential_operator.controller.metrics import Metrics
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.reconcile.trouble import TroubleError

log = logging.getLogger(__name__)

SUBJECT: Final = "leader"
REFUSALS: Final = 3
"""So many refusals in a row are a missing right. An API server that has just started refuses everybody for a moment."""
STANDBY: Final = "standby: another replica works, and this one goes on when that one stops"
BEGINNING: Final = f"Looking who holds the Lease {LEASE_NAME}."
FORBIDDEN: Final = (
    "The API server does not let this replica {verb} {resource} in namespace {namespace}, so it does nothing: bind the "
    "role sshcredential-operator-operator-namespace there, or run one replica with --no-leader-election."
)
AWAY: Final = (
    "The Lease {lease} in namespace {namespace} cannot be read or written ({reason}), so this replica does nothing; "
    "trying again."
)


class Follower(Protocol):
    """What works only while this replica leads: a queue, the sealing keys."""

    def begin_only_while(self, permitted: Callable[[], bool]) -> None:
        """Begin nothing while `permitted` says no."""

    def resume(self) -> None:
        """Go on; called at each yes."""


class Candidacy:
    """One replica in the election. It stands from the beginning; from now on the requests write only while it leads."""

    def __init__(
        self,
        connection: Connection,
        namespace: Namespace,
        requests: Requests,
        followers: Sequence[Follower],
        health: Health,
        metrics: Metrics,
    ) -> None:
        self._namespace, self._followers, self._health = namespace, tuple(followers), health
        self._refusals = 0
        self._leases = ApiLeases(connection, namespace)
        # The host's name is the pod's. What follows tells this process from the one that ran there before.
        identity = f"{socket.gethostname()}_{secrets.token_hex(4)}"
        self._elector = Elector(self._leases, identity, self._stands)
        requests.write_only_while(self._elector.leads)
        for follower in followers:
            follower.begin_only_while(self._elector.leads)
        metrics.leader.set_function(self._elector.leads)
        self._won = metrics.elections_won.inc
        health.wait_for(SUBJECT, BEGINNING)
        self._standing = asyncio.create_task(self._elector.run(), name="election")

    async def end(self, *, all_is_done: bool) -> None:
        """Stop standing, and hand over at once unless a pass had to be broken off: then the Lease runs out."""
        self._standing.cancel()
        await asyncio.gather(self._standing, return_exceptions=True)
        if all_is_done:
            await self._elector.release()
        await self._leases.close()

    def _stands(self, standing: Standing, trouble: TroubleError | None) -> None:
        if trouble:
            self._meets(trouble)
            return
        self._refusals = 0
        self._health.has(SUBJECT)
        if standing is Standing.LEADER:
            self._health.remarks.pop(SUBJECT, None)
            self._won()
            for follower in self._followers:
                follower.resume()
            log.info("leading")
        elif self._health.remarks.get(SUBJECT) != STANDBY:
            self._health.remarks[SUBJECT] = STANDBY
            log.info("standby")

    def _meets(self, trouble: TroubleError) -> None:
        self._refusals = self._refusals + 1 if trouble.reason is Reason.FORBIDDEN else 0
        if 0 < self._refusals < REFUSALS:
            return
        self._health.remarks.pop(SUBJECT, None)
        sentence = self._sentence(trouble)
        if self._health.wait_for(SUBJECT, sentence):
            log.error(sentence)

    def _sentence(self, trouble: TroubleError) -> str:
        if trouble.reason is Reason.FORBIDDEN:
            return FORBIDDEN.format(namespace=self._namespace, **trouble.facts)
        return AWAY.format(lease=LEASE_NAME, namespace=self._namespace, reason=trouble.reason.value)

"""The cluster's own addresses, as far as its API tells: nobody shall reach pods and Services through an SSHTarget.

Read when the process starts and then every few minutes, since nodes come and go. What the API does not tell, the option
`--cluster-range` does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final, NamedTuple

from sshcredential_operator.controller.ports import NOT_FOUND
from sshcredential_operator.controller.requests import ODD_ANSWERS, Requests
from sshcredential_operator.reconcile.trouble import TroubleError
from sshcredential_operator.ssh.destinations import Destinations, destinations

log = logging.getLogger(__name__)

EVERY_SECONDS: Final = 300
SERVICES: Final = "/apis/networking.k8s.io/v1/servicecidrs"
NODES: Final = "/api/v1/nodes?resourceVersion=0"


class Told(NamedTuple):
    """The values of `--allow-destination` and `--cluster-range`."""

    allowed: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()

    def destinations(self, further: tuple[str, ...] = ()) -> Destinations:
        """Return what may be connected to, with further ranges of the cluster; raises BadDestination."""
        return destinations(self.allowed, tuple(dict.fromkeys((*self.ranges, *further))))


class ClusterRanges:
    """Adds what it finds to what the options say, and hands the whole to `use`."""

    def __init__(self, requests: Requests, told: Told, use: Callable[[Destinations], None]) -> None:
        self._requests, self._told, self._use = requests, told, use
        self._missing: set[str] = set()
        self._known: dict[str, tuple[str, ...]] = {}

    async def keep_looking(self) -> None:
        """Read them for ever."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """Read the ranges once; what cannot be read is told once, and stays as it was read before."""
        services = await self._read(SERVICES, "servicecidrs", "cidrs")
        pods = await self._read(NODES, "nodes", "podCIDRs")
        self._use(self._told.destinations((*services, *pods)))

    async def _read(self, path: str, what: str, members: str) -> tuple[str, ...]:
        try:
            answer = await self._requests.send("GET", path, expect=frozenset({NOT_FOUND}), what=what)
            items = [] if answer.code == NOT_FOUND else answer.json()["items"]
            ranges = tuple(text for item in items for text in (item.get("spec") or {}).get(members) or ())
            self._told.destinations(ranges)  # whether all are ranges
        except (TroubleError, *ODD_ANSWERS):
            self._tell(what)
            return self._known.get(what, ())
        if not ranges and not self._told.ranges:  # as of pods, where the network plugin keeps their ranges to itself
            self._tell(what)
        self._known[what] = ranges
        return ranges

    def _tell(self, what: str) -> None:
        if what not in self._missing:
            self._missing.add(what)
            log.warning("the cluster's ranges are not known: give --cluster-range", extra={"resource": what})

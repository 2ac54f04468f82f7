"""The client of a soak: does what is planned at a steady pace, and watches every status meanwhile. Used by `soak`."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, Final

import aiohttp

from bench.soak_ledger import Ledger
from bench.soak_plan import IMPORTED, SOURCES, Kind, Operation, Place
from bench.writer import Writer
from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.names import API_VERSION, PLURAL
from sshcredential_operator.keys.generate import generate

CREDENTIALS: Final = f"/apis/{API_VERSION}/{PLURAL}"
KEY: Final = "ssh-privatekey"


class Load:
    """Asks through one writer. What is asked of one credential goes one after the other; the pace does not wait."""

    def __init__(self, to: Writer, ledger: Ledger) -> None:
        self.done: Counter[Kind] = Counter()
        """Operations that the API server has taken."""
        self._to, self._ledger = to, ledger
        self._turns: defaultdict[Place, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._changed = asyncio.Condition()

    async def watch(self) -> None:
        """Hand every event to the ledger, without end."""
        async for event, found in self._to.events(CREDENTIALS):
            self._ledger.see(event, found, time.monotonic())
            async with self._changed:
                self._changed.notify_all()

    async def until_closed(self) -> None:
        """Return when everything that was asked for was seen done."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._ledger.open and not self._ledger.leaving)

    async def at_once(self, operations: Iterable[Operation]) -> None:
        """Do all of them, as fast as they are taken."""
        await asyncio.gather(*map(self.do, operations))

    async def steadily(self, operations: Iterable[Operation], per_second: float) -> None:
        """Do one after the other at a steady rate, whether or not earlier ones are done."""
        begun = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number, operation in enumerate(operations):
                await asyncio.sleep(max(0.0, begun + number / per_second - time.monotonic()))
                group.create_task(self.do(operation))

    async def do(self, operation: Operation) -> None:
        """Do one operation when the earlier ones of this credential have been taken. What fails is drift."""
        does = {Kind.CREATE: self._create, Kind.ROTATE: self._rotate, Kind.DELETE: self._delete}[operation.kind]
        try:
            async with self._turns[operation.place]:
                await does(operation)
        except (RuntimeError, KeyError, TimeoutError, aiohttp.ClientError) as failed:
            where = "/".join(operation.place)
            self._ledger.drift.append(f"{where}: {operation.kind} failed, {type(failed).__name__}: {failed}")
        else:
            self.done[operation.kind] += 1
        if operation.kind is Kind.DELETE:
            del self._turns[operation.place]

    async def _create(self, operation: Operation) -> None:
        place, spec, fingerprint = operation.place, dict(SOURCES[operation.source][1]), None
        if operation.source == IMPORTED:
            private, fingerprint = _pair()
            await self._to.secret(place.namespace, _input(place), {KEY: private})
            spec = {"importFrom": {"privateKey": {"secretName": _input(place), "key": KEY}}}
        spec |= {"rotation": {"serial": 0, "overlap": f"{operation.overlap}s"}, "deletionGracePeriod": "0s"}
        self._ledger.create(place, time.monotonic(), fingerprint)
        await self._to.credential(*place, spec)

    async def _rotate(self, operation: Operation) -> None:
        place, fingerprint = operation.place, None
        if operation.source == IMPORTED:
            async with self._changed:  # as a person would: another key is brought when the one before is in use
                await self._changed.wait_for(lambda: not self._ledger.is_open(place))
            private, fingerprint = _pair()
            await self._to.patch(_input_path(place), {"data": {KEY: b64encode(private).decode()}})
        serial = self._ledger.rotate(place, time.monotonic(), fingerprint)
        await self._to.patch(_path(place), {"spec": {"rotation": {"serial": serial}}})

    async def _delete(self, operation: Operation) -> None:
        self._ledger.delete(operation.place)
        await self._to.delete(_path(operation.place))
        if operation.source == IMPORTED:
            await self._to.delete(_input_path(operation.place))


async def secrets_of(to: Writer, namespace: str, kind: str) -> list[Any]:
    """Return all Secrets of a type."""
    found = await to.get(f"/api/v1/namespaces/{namespace}/secrets?fieldSelector=type%3D{kind.replace('/', '%2F')}")
    return list(found["items"])


def _pair() -> tuple[bytes, str]:
    pair = generate(Algorithm.ED25519, 256, "soak")
    return pair.private.reveal(), pair.public.fingerprint


def _path(place: Place) -> str:
    return f"/apis/{API_VERSION}/namespaces/{place.namespace}/{PLURAL}/{place.name}"


def _input(place: Place) -> str:
    return f"{place.name}-brought"


def _input_path(place: Place) -> str:
    return f"/api/v1/namespaces/{place.namespace}/secrets/{_input(place)}"

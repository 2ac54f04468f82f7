"""A cold start with many credentials: how long until all were looked at, and what a new one waits for meanwhile."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence

from bench.asked import READS, asked, without_leases, writes
from bench.filled import filled
from bench.load import Loaded, credential_job, one_by_one
from bench.measuring import memory_of, until_through
from bench.section import Asked, Raw, Section, Shown
from bench.stage import USER, Stage
from bench.tables import each, ms, spread, table
from bench.writer import writer
from sshcredential_operator.api.names import API_VERSION, PLURAL

TRIES = 3


def measure(stage: Stage, wanted: Asked) -> Raw:
    """Return what each start took, by how many credentials there are."""
    return {"starts": {count: starts(stage, count) for count in wanted.sizes.cold_start}}


def starts(stage: Stage, count: int) -> list[Raw]:
    """Start some times with so many credentials."""
    namespace = filled(stage, count)
    return [one_start(stage, namespace, count, number) for number in range(TRIES)]


def one_start(stage: Stage, namespace: str, count: int, number: int) -> Raw:
    """Start once, and create one credential after the other from the moment on when the process begins."""
    floor = asyncio.run(_floor(stage, namespace, count))
    meanwhile = _Meanwhile(stage, stage.fresh("meanwhile"))
    mark, begun = stage.plane.audit_mark(), time.monotonic()
    with stage.operator([namespace, meanwhile.namespace], wait=False) as operator:
        meanwhile.start()
        operator.wait_until_ready(300)
        ready = time.monotonic() - begun
        until_through(operator, count)
        through = time.monotonic() - begun
        waits = meanwhile.end()
        cost, memory = stage.costs(operator.pid)["operator"].cpu, memory_of(operator.pid)
        requests = without_leases(asked(stage.plane, mark, USER))
        written = writes(asked(stage.plane, mark, USER, namespace))
    print(f"  start {number + 1} with {count}: all looked at after {through:.1f} s", flush=True)
    return {
        "floor": floor,
        "ready": ready,
        "through": through,
        "cpu": cost,
        "memory": memory,
        "requests": requests,
        "writes for those that were there": written,
        "new ones": waits,
    }


async def _floor(stage: Stage, namespace: str, count: int) -> float:
    """Return how long a bare reader takes for the same lists: without it, seconds say nothing of another machine."""
    async with writer(stage.plane) as reader:
        begun = time.monotonic()
        for path in (f"/apis/{API_VERSION}/namespaces/{namespace}/{PLURAL}", f"/api/v1/namespaces/{namespace}/secrets"):
            found = await reader.pages(path)
            assert found >= count, f"{found} of {count} at {path}"
        return time.monotonic() - begun


class _Meanwhile:
    """Creates credentials in a thread of its own, each when the one before is Ready."""

    def __init__(self, stage: Stage, namespace: str) -> None:
        self._stage, self.namespace = stage, namespace
        self._over = threading.Event()
        self._waits: list[float] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._create()))

    def start(self) -> None:
        self._thread.start()

    def end(self) -> list[float]:
        self._over.set()
        self._thread.join()
        return self._waits

    async def _create(self) -> None:
        async with writer(self._stage.plane) as to:
            number = 0
            while not self._over.is_set():
                loaded: Loaded = await one_by_one(to, credential_job(), self.namespace, 1, word=f"new-{number}")
                self._waits += loaded.waits
                number += 1
                await asyncio.sleep(0.2)


def reads(tries: Sequence[Raw]) -> list[float]:
    """Return how many requests of each start were reads: of the new credentials, only a workspace's first has any."""
    return [sum(many for what, many in one["requests"].items() if what.split()[0] in READS) for one in tries]


def shown(raw: Raw) -> Shown:
    """Return the table. The first new credential waits for the process to begin; the others are made meanwhile."""
    columns = [_column(tries) for tries in raw["starts"].values()]
    rows = [[what, *(column[what] for column in columns)] for what in columns[0]]
    head = [f"start with so many credentials, {TRIES} tries", *(f"{int(count):,}" for count in raw["starts"])]
    most = list(raw["starts"].values())[-1]
    return Shown(f"{table(head, rows)}\nRequests of the last one's first try: {each(most[0]['requests'], 1)}\n")


def _column(tries: Sequence[Raw]) -> dict[str, str]:
    return {
        "/readyz says ok, s after the start of the process": spread([one["ready"] for one in tries]),
        "all were looked at, s": spread([one["through"] for one in tries]),
        "a bare reader lists the same, s": spread([one["floor"] for one in tries]),
        "operator CPU, s": spread([one["cpu"] for one in tries]),
        "requests that read": spread(reads(tries), 0),
        "writes for the credentials that were there": spread(
            [one["writes for those that were there"] for one in tries], 0
        ),
        "a credential created with the process is Ready, ms": ms([one["new ones"][0] for one in tries]),
        "later ones meanwhile, the worst wait, ms": ms([max(one["new ones"][1:] or [0]) for one in tries]),
        "memory afterwards, MiB resident": spread([one["memory"]["resident"] for one in tries], 0),
    }


SECTION = Section("Cold start", "3 minutes, and 3 more to make 10,000 credentials", measure, shown)

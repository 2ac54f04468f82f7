"""Attacks by number: a namespace full of credentials, and edits as fast as the API server takes them.

The suite has small ones; `make campaign` has 10,000 credentials and 60,000 edits. Rates are printed, not judged.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from bench.writer import MERGE, Writer, all_at_once, writer
from cluster.desk import Desk
from cluster.installation import Installation, installation_of
from cluster.shown import generated, states_of
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.plane import ControlPlane
from controlplane.waiting import wait_until
from operators.process import OperatorProcess
from sshcredential_operator.api.names import API_VERSION, PLURAL

CREDENTIALS: Final = [300, pytest.param(10_000, marks=pytest.mark.campaign)]
EDITS: Final = [1500, pytest.param(60_000, marks=pytest.mark.campaign)]
PATIENCE: Final = 1800
NEIGHBOUR: Final = "neighbour"
EDITORS: Final = 8
"""More of them at one object mostly wait for each other in the API server."""


class Scene(NamedTuple):
    """Two workspaces of an operator that is not started yet."""

    installed: Installation
    flooded: Desk
    quiet: Desk


@pytest.fixture
def scene(cluster: Cluster, namespaces: Namespaces, tmp_path: Path) -> Iterator[Scene]:
    with installation_of(cluster, namespaces, tmp_path, workspaces=2) as (installed, (flooded, quiet), _):
        yield Scene(installed, flooded, quiet)


def resident(operator: OperatorProcess) -> int:
    """Return the memory of the operator's own process in MiB."""
    lines = Path(f"/proc/{operator.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) // 1024


def version(found: dict[str, dict[str, str]]) -> int:
    """Return when an object was written last, as a number that counts writes."""
    return int(found["metadata"]["resourceVersion"])


@pytest.mark.parametrize("count", CREDENTIALS)
async def test_a_namespace_full_of_credentials_is_served_and_holds_up_no_other(
    embedded: ControlPlane, scene: Scene, count: int
) -> None:
    async with writer(embedded) as writes:
        await all_at_once(writes.credential, scene.flooded.namespace, (f"flood-{number}" for number in range(count)))
    scene.quiet.create(NEIGHBOUR, generated())
    begun = time.monotonic()

    operator = scene.installed.start(ready=False).wait_until_ready(PATIENCE)

    neighbour = scene.quiet.until(NEIGHBOUR, "Available")
    wait_until(lambda: served(operator) > count, "all are served", PATIENCE)  # to list them all costs more than they do
    seconds = time.monotonic() - begun
    flood = scene.flooded.all()
    print(f"{count} credentials Ready after {seconds:.0f} s; the operator has {resident(operator)} MiB")
    assert sum(version(found) < version(neighbour) for found in flood) < count // 2, (
        "the neighbour waited for the flood"
    )
    assert [found for found in flood if states_of(found) != {"Ready": "True"}] == []
    assert len({found["status"]["fingerprint"] for found in flood}) == count
    assert operator.is_running


def served(operator: OperatorProcess) -> int:
    """Return how many credentials are Ready, as the metrics tell."""
    pattern = r'(?m)^sshcredential_operator_credentials{[^}]*reason="Available"[^}]*} (\S+)$'
    return sum(int(float(count)) for count in re.findall(pattern, operator.get("/metrics")[1]))


@pytest.mark.parametrize("count", EDITS)
async def test_edits_as_fast_as_they_are_taken_change_no_key_and_hold_up_nobody(
    embedded: ControlPlane, scene: Scene, count: int
) -> None:
    operator = scene.installed.start(ready=False).wait_until_ready(PATIENCE)
    scene.flooded.create("edited", generated())
    before, stored = scene.flooded.until("edited", "Available"), scene.flooded.stored("edited")
    begun = time.monotonic()

    async with writer(embedded) as writes:
        editing = asyncio.create_task(edit_again_and_again(writes, scene.flooded.namespace, count))
        neighbour = asyncio.to_thread(made_while, scene.quiet, editing)
        was_edited = await neighbour
        await editing

    seconds = time.monotonic() - begun
    assert was_edited, "all edits were over before the neighbour came: this test has shown nothing"
    after = scene.flooded.until("edited", "Available")
    taken = after["metadata"]["generation"] - before["metadata"]["generation"]
    print(f"{taken} of {count} edits in {seconds:.1f} s, {taken / seconds:.0f} a second")
    assert taken > count // 2
    assert after["status"]["fingerprint"] == before["status"]["fingerprint"]
    assert scene.flooded.stored("edited")["data"] == stored["data"]
    assert operator.is_running


async def edit_again_and_again(writes: Writer, namespace: str, count: int) -> None:
    """Change the spec so many times, over all connections."""
    path = f"/apis/{API_VERSION}/namespaces/{namespace}/{PLURAL}/edited"
    numbers = itertools.count()

    async def edit(_: str, __: str) -> None:
        body = {"spec": {"description": f"edit {next(numbers)}"}}
        with suppress(RuntimeError):  # of so many at once the API server gives some up
            await writes._send("PATCH", path, body, MERGE)

    await all_at_once(edit, namespace, ("edited" for _ in range(count)), EDITORS)


def made_while(desk: Desk, editing: asyncio.Task[None]) -> bool:
    """Make another credential, wait for it, and tell whether the edits were still going on when it was Ready."""
    desk.create(NEIGHBOUR, generated())
    desk.until(NEIGHBOUR, "Available")
    return not editing.done()

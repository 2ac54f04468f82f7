"""`sshcred keyring` beside a whole operator's key ring on an API server in memory.

The commands run in this process, which is many times cheaper than one of their own; that is done in `tests/cluster`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from click.testing import CliRunner

from sshcredential_operator.cli.keyring import keyring
from unit.controller.api_memory import OWN
from unit.controller.conftest import Connect
from unit.controller.own_place import OwnPlace, own_place
from unit.encryption.test_recipient import PRIVATE

OPENS: Final = ("--identity", "key.json")


class Said(NamedTuple):
    """What a command said, and how it ended."""

    code: int
    lines: list[str]
    error: str


class RingShell:
    """A folder, a kubeconfig in it, and the operator."""

    def __init__(self, place: OwnPlace, folder: Path) -> None:
        self.place, self.api, self.folder = place, place.api, folder
        (folder / "key.json").write_text(json.dumps(PRIVATE))

    async def run(self, *arguments: str) -> Said:
        """Run a command of `keyring` while the API server answers."""
        where = ["--kubeconfig", "kubeconfig", "--operator-namespace", OWN]
        done = await asyncio.to_thread(CliRunner().invoke, keyring, [*arguments, *where], catch_exceptions=False)
        return Said(done.exit_code, done.stdout.splitlines(), done.stderr)

    async def backup(self, *more: str) -> Said:
        return await self.run("backup", "--out", "backup", "--recipient", "key.json", *more)

    async def restore(self, *more: str) -> Said:
        return await self.run("restore", "backup", *OPENS, *more)

    def empty(self, *kept: str) -> None:
        """Lose every Secret of the operator's namespace, but these."""
        for name in self.api.names():
            if name not in kept:
                del self.api.objects[self.api.path_of(name)]

    def everything(self) -> dict[str, dict[str, bytes]]:
        return {name: self.api.data(name) for name in self.api.names()}


@asynccontextmanager
async def ring_shell(connected: Connect, folder: Path) -> AsyncIterator[RingShell]:
    """Yield a shell; the ring is open, and two workspaces have keys."""
    async with own_place(connected) as place:
        await place.ring.open()
        for workspace in ("genomics", "proteomics"):
            await place.kek(workspace)
        await place.key_ring.upkeep.look()
        with contextlib.chdir(folder):
            yield RingShell(place, folder)

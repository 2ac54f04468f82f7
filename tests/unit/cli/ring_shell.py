"""`sshcred keyring` as people run it, beside a whole operator's key ring on an API server in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from unit.cli.command import Said, sshcred
from unit.controller.api_memory import OWN
from unit.controller.conftest import Connect
from unit.controller.own_place import OwnPlace, own_place

WORDS: Final = "correct horse battery staple"


class RingShell:
    """A folder, a kubeconfig in it, and the operator."""

    def __init__(self, place: OwnPlace, folder: Path) -> None:
        self.place, self.api, self.folder = place, place.api, folder
        (folder / "words").write_text(WORDS + "\n")

    async def run(self, *arguments: str) -> Said:
        """Run a command of `keyring` while the API server answers."""
        where = ("--kubeconfig", "kubeconfig", "--operator-namespace", OWN)
        return await asyncio.to_thread(sshcred, self.folder, "keyring", *arguments, *where)

    async def backup(self, *more: str) -> Said:
        return await self.run("backup", "--out", "backup", "--passphrase-file", "words", *more)

    async def restore(self, *more: str) -> Said:
        return await self.run("restore", "backup", "--passphrase-file", "words", *more)

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
        yield RingShell(place, folder)

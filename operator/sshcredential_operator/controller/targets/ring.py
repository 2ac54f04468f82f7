"""The key ring as this process may use it: it reads what the operator has made, and never makes anything."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
from typing import Final

from sshcredential_operator.controller.health import Health
from sshcredential_operator.controller.ring_store import ApiKeyringStore
from sshcredential_operator.encryption.keyring import Keyring

log = logging.getLogger(__name__)

NOT_MADE: Final = (
    "The operator has not made its key ring yet: is it running, and is --operator-namespace the same for both?"
)


class _NothingToRead(Exception):
    """The key ring lacks something that only the operator makes."""


class ReadOnlyStore(ApiKeyringStore):
    """The key ring's Secrets, without the way to make one."""

    async def create(self, name: str, type: str, data: Mapping[str, bytes], labels: Mapping[str, str]) -> bool:  # noqa: A002, ARG002 - as there
        """Refuse: what is missing is the operator's to make."""
        raise _NothingToRead


async def opened(ring: Keyring, health: Health) -> None:
    """Open the ring, as soon as the operator has made it; raises what `Keyring.open` raises otherwise."""
    while True:
        try:
            await ring.open()
            return
        except _NothingToRead:
            if health.wait_for("key ring", NOT_MADE):
                log.warning(NOT_MADE)
            await asyncio.sleep(random.uniform(1.0, 3.0))  # noqa: S311 - jitter

"""Watches the metadata of copies, by their label, from the start: one that was changed, or whose export has gone.

A label is only for this watch: what it shows is read and proven before anything is done.
"""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Any, Final

from sshcredential_operator.api.names import COPY_ANNOTATION, EXPORT_LABEL
from sshcredential_operator.controller.connection import Connection
from sshcredential_operator.controller.export_feed import ExportFeed
from sshcredential_operator.controller.listing import words
from sshcredential_operator.controller.logs import where
from sshcredential_operator.controller.metadata import WATCH_ERRORS, Metadata
from sshcredential_operator.controller.ports import SECRETS_PATH
from sshcredential_operator.controller.store import Scope
from sshcredential_operator.encryption.copy_proof import CopyPlace

log = logging.getLogger(__name__)

ALL_SECRETS: Final = "/api/v1/secrets"


class WatchedCopies:
    """One watch per scope."""

    def __init__(self, connection: Connection, feed: ExportFeed) -> None:
        self._server, self._feed = connection.server, feed
        self._session = connection.session(connections=0)

    async def follow(self, scope: Scope) -> None:
        """List and watch for ever."""
        path = SECRETS_PATH.format(namespace=scope) if scope else ALL_SECRETS
        watched = Metadata(self._session, self._server + path, selector=EXPORT_LABEL)
        version, broken = "", False
        while True:
            try:
                version = version or await self._list(scope, watched)
                broken = False
                async for event, metadata in watched.events(version):
                    version = metadata["resourceVersion"]
                    if event != "BOOKMARK":
                        self._feed.saw_copy(metadata, _proof(metadata), deleted=event == "DELETED")
                pause = 0.1  # the server ends a watch after a while; one that ends all of them at once is not flooded
            except WATCH_ERRORS as error:
                if not broken:  # said once
                    extra = {"scope": words(scope), "error": type(error).__name__, "at": where(error)}
                    log.warning("watch of copies broken, starting again", extra=extra)
                version, broken = "", True
                pause = random.uniform(0.5, 1.5)  # noqa: S311 - jitter
            await asyncio.sleep(pause)

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()

    async def _list(self, scope: Scope, watched: Metadata) -> str:
        listed, version = await watched.list()
        for metadata in listed:
            self._feed.saw_copy(metadata, _proof(metadata), deleted=False)
        self._feed.listed_copies(scope, [CopyPlace(one["namespace"], one["name"]) for one in listed])
        return version


def _proof(metadata: dict[str, Any]) -> object:
    return (metadata.get("annotations") or {}).get(COPY_ANNOTATION)

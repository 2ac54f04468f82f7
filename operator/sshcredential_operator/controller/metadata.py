"""Lists and watches of Secrets' metadata alone, in one namespace or in all. Used by `inputs.py` and `copies.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, NamedTuple

import aiohttp
import orjson

from sshcredential_operator.controller.requests import METADATA_LIST, METADATA_ONLY

TIMEOUT: Final = aiohttp.ClientTimeout(total=15, sock_connect=5)
SERVER_TIMEOUT: Final = 300
SILENCE: Final = 70
"""Seconds without a word after which a watch is dead: bookmarks come every minute."""
_LINE_LIMIT: Final = 4 * 1024 * 1024


class RelistError(Exception):
    """The watch cannot be continued from where it was."""


WATCH_ERRORS: Final = (RelistError, aiohttp.ClientError, OSError, TimeoutError, ValueError, LookupError, TypeError)
"""What a list or watch may end with: whatever it was, a list is what heals it."""


class Metadata(NamedTuple):
    """What is listed and watched; `selector` is a label selector, empty for everything."""

    session: aiohttp.ClientSession
    url: str
    selector: str = ""
    fields: str = ""
    """A field selector, empty for everything."""

    async def list(self) -> tuple[list[dict[str, Any]], str]:
        """Return the metadata of all, and the version to watch from."""
        async with self.session.get(
            self.url,
            params=self._parameters({}),
            headers={"Accept": METADATA_LIST},
            timeout=TIMEOUT,
            raise_for_status=True,
        ) as response:
            listed = orjson.loads(await response.read())
        items = listed["items"] or ()  # an empty list of metadata comes as null
        return [item["metadata"] for item in items], listed["metadata"]["resourceVersion"]

    async def events(self, version: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Yield type and metadata of every event after a version, bookmarks as well, until the server ends it."""
        parameters = self._parameters(
            {
                "watch": "true",
                "allowWatchBookmarks": "true",
                "resourceVersion": version,
                "timeoutSeconds": str(SERVER_TIMEOUT),
            }
        )
        timeout = aiohttp.ClientTimeout(total=SERVER_TIMEOUT + 30, sock_connect=5, sock_read=SILENCE)
        async with self.session.get(
            self.url, params=parameters, headers={"Accept": METADATA_ONLY}, timeout=timeout, raise_for_status=True
        ) as response:
            buffer = b""
            async for chunk in response.content.iter_any():
                *lines, buffer = (buffer + chunk).split(b"\n")
                if len(buffer) > _LINE_LIMIT:
                    raise RelistError
                for line in lines:
                    event = orjson.loads(line)
                    if event["type"] == "ERROR":
                        raise RelistError
                    yield event["type"], event["object"]["metadata"]

    def _parameters(self, others: Mapping[str, str]) -> dict[str, str]:
        selectors = {"labelSelector": self.selector, "fieldSelector": self.fields}
        return {**others, **{name: selector for name, selector in selectors.items() if selector}}

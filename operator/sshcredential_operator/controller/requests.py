"""Requests to the API server: bytes out, answers parsed only where somebody looks at them, refusals as reasons.

Used by the ports in `controller/ports.py` and by nothing else on the way of a credential.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller.connection import Connection
from sshcredential_operator.controller.endpoint import NoConfigurationError
from sshcredential_operator.controller.write_guard import WriteGuard
from sshcredential_operator.reconcile.trouble import TroubleError

ODD_ANSWERS: Final = (LookupError, TypeError, ValueError)
"""What reading an answer raises that is no API server's: something in between said 200 and its own words."""

CONNECTIONS: Final = 16

MERGE_PATCH: Final = "application/merge-patch+json"
JSON: Final = "application/json"
METADATA_ONLY: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

_SUCCESS: Final = range(200, 300)
_REFUSED: Final = 400
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """Status code and body of an answer that the caller asked to see."""

    code: int
    body: bytes

    def json(self) -> dict[str, Any]:
        """Parse the body; an answer that was cut off is trouble, not an error."""
        try:
            parsed: dict[str, Any] = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise TroubleError(Reason.SERVER_UNAVAILABLE) from None
        return parsed


class Requests:
    """Sends requests over a bounded number of connections."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._guard = WriteGuard()
        self._client = connection.client(self._guard, connections=CONNECTIONS)

    def write_only_while(self, permitted: Callable[[], bool]) -> None:
        """Refuse from now on, as trouble that passes, whatever is not a GET while `permitted` says no."""
        self._guard.permitted = permitted

    async def send(  # noqa: PLR0913 - a request has these parts
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        content_type: str = JSON,
        accept: str = JSON,
        expect: frozenset[int] = frozenset(),
        what: str = "",
    ) -> Answer:
        """Return the answer if it succeeded or its code is in `expect`; raise TroubleError otherwise.

        `what` names the resource in the words of RBAC, for messages to people.
        """
        headers = {"Content-Type": content_type, "Accept": accept}
        data = None if body is None else orjson.dumps(body)
        answer = await self._once(method, path, headers, data, expect, what)
        if answer.code == _UNAUTHORIZED:  # the token may just have been rotated
            await self._refresh()
            answer = await self._once(method, path, headers, data, expect, what)
        if answer.code == _UNAUTHORIZED:
            raise TroubleError(Reason.SERVER_UNAVAILABLE)
        return answer

    async def _refresh(self) -> None:
        try:
            await self._connection.refresh()
        except NoConfigurationError:
            raise TroubleError(Reason.SERVER_UNAVAILABLE) from None

    async def _once(
        self, method: str, path: str, headers: Mapping[str, str], data: bytes | None, expect: frozenset[int], what: str
    ) -> Answer:
        if method != "GET" and not self._guard.permitted():
            raise TroubleError(Reason.SERVER_UNAVAILABLE)
        begun = time.monotonic()
        try:
            got = await self._client.request(method, path, headers, data)
        except OSError:  # whatever it was: nobody answered
            self._connection.ended(method, path, None, time.monotonic() - begun)
            raise TroubleError(Reason.SERVER_UNAVAILABLE) from None
        self._connection.ended(method, path, got.code, time.monotonic() - begun)
        answer = Answer(got.code, got.body)
        if answer.code in _SUCCESS or answer.code in expect or answer.code == _UNAUTHORIZED:
            return answer
        raise _trouble(answer, got.retry_after, _VERBS.get(method, method.lower()), what)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


_SECONDS: Final = re.compile("[0-9]{1,9}")
_VERBS: Final = {"POST": "create", "PUT": "update"}


def _trouble(answer: Answer, retry_after: str | None, verb: str, what: str) -> TroubleError:
    if answer.code < _REFUSED or answer.code == _TOO_MANY or answer.code >= _SERVER_ERROR:  # a redirect is no answer
        seconds = float(retry_after) if retry_after and _SECONDS.fullmatch(retry_after) else None
        return TroubleError(Reason.SERVER_UNAVAILABLE, retry_after=seconds)
    facts: dict[str, str | int] = {"verb": verb, "resource": what, "code": answer.code}
    if answer.code == _FORBIDDEN:
        if b"NamespaceTerminating" in answer.body:  # its credentials go with it: nobody will read a status
            return TroubleError(Reason.SERVER_UNAVAILABLE)
        quota = b"exceeded quota" in answer.body
        return TroubleError(Reason.QUOTA_EXCEEDED if quota else Reason.FORBIDDEN, facts)
    return TroubleError(Reason.REFUSED_BY_SERVER, facts)

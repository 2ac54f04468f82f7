"""Kopf as the shell: it discovers, lists, watches, reconnects and stops; its events go into our store and queue.

Kopf's per-object machinery is not entered: events are taken from its stream before it (measured in
docs/design/006-events-from-the-stream.md), where also the end of a list can be seen. This is the only importer of kopf.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter as Tally
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

from prometheus_client import Counter

from sshcredential_operator.api.names import GROUP, SECRET_TYPE, VERSION, Namespace
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller.connection import Connection
from sshcredential_operator.controller.feeds import Feed
from sshcredential_operator.controller.listing import Listing, list_of, words
from sshcredential_operator.controller.logs import where
from sshcredential_operator.controller.store import Kind, Scope
from sshcredential_operator.controller.without import without
from sshcredential_operator.reconcile.trouble import TroubleError

with without("kubernetes"):  # which Kopf imports, where it is installed, for the names of two classes
    import kopf
    from kopf._cogs.clients import errors, scanning, watching
    from kopf._cogs.structs import bodies, references

log = logging.getLogger(__name__)

SERVER_TIMEOUT: Final = 300
LIST_CHUNK: Final = 1000
BEGUN: Final = "is not complete yet"
REFUSALS: Final = 3
"""So many refusals in a row are a missing right. An API server that has just started refuses everybody for a moment."""


_scan_resources: Final = scanning.scan_resources


class Listening(Protocol):
    """Where is noted that a stream brings something, and that one ended in trouble."""

    watch_failures: Counter

    def heard(self, kind: Kind, scope: Scope) -> None:
        """Note that a list or watch brought something, be it a bookmark."""


class Tap:
    """Takes what Kopf lists and watches. One stream per kind and scope; only kinds that have a feed are followed."""

    def __init__(self, feeds: Mapping[Kind, Feed[Any]], listening: Listening) -> None:
        self._feeds, self._listening = feeds, listening
        self._original = watching.infinite_watch
        self._refusals: Tally[tuple[Kind, Scope]] = Tally()
        self.on_start: Callable[[], None] = lambda: None
        """Called when Kopf begins to watch: by then it has set up all that it sets up."""
        self.on_answer: Callable[[], None] = lambda: None
        """Called when a list is complete or turns out not to be permitted."""
        self.on_list: Callable[[str, str | None], None] = lambda *_: None
        """Called with words for a list, and for what it lacks; None when it is complete, and watched from then on."""

    @property
    def kinds(self) -> Iterable[Kind]:
        """What is followed."""
        return self._feeds

    async def infinite_watch(
        self,
        *,
        settings: kopf.OperatorSettings,
        resource: references.Resource,
        namespace: references.Namespace,
        **others: Any,
    ) -> AsyncIterator[Any]:
        """Stand in for Kopf's function of this name: never ends, whatever one list or watch runs into."""
        self.on_start()
        kind = Kind(resource.plural)
        scope = Namespace(namespace) if namespace else None
        feed = self._feeds[kind]
        others["_iterations"] = 1  # one list and its watch, so that its beginning is seen here
        while True:
            listing = Listing(kind, scope, feed.known(scope))
            if self._refusals[kind, scope] < REFUSALS:
                self.on_list(list_of(kind, scope), BEGUN)
            feed.begins(scope)
            try:
                async for event in self._original(settings=settings, resource=resource, namespace=namespace, **others):
                    self._listening.heard(kind, scope)
                    if event is watching.Bookmark.LISTED:
                        self._listed(listing)
                        yield event
                    elif event["type"] != "BOOKMARK":
                        self._take(event, listing)
            except Exception as error:  # noqa: BLE001 - one stream's trouble is no other's, and not the process'
                self._failed(kind, scope, error)
            else:
                continue
            # Not in the handler: its traceback would keep Kopf's generators, whose timeout cancels this task.
            await asyncio.sleep(random.uniform(0.5, 2.0))  # noqa: S311 - jitter

    def _take(self, event: bodies.RawEvent, listing: Listing) -> None:
        raw, deleted = event["object"], event["type"] == "DELETED"
        try:
            key = self._feeds[listing.kind].saw(raw, listing.scope, deleted=deleted)
        except Exception as error:  # noqa: BLE001 - one odd object must not stop the stream of a whole namespace
            log.error("an object could not be read", extra={"kind": listing.kind.value, "at": where(error)})
            return
        if key is not None and event["type"] is None:
            listing.seen.add(key)

    def _listed(self, listing: Listing) -> None:
        kind, scope = listing.kind, listing.scope
        self.on_list(list_of(kind, scope), None)
        del self._refusals[kind, scope]
        self._feeds[kind].listed(scope, frozenset(listing.seen), listing.before)
        self.on_answer()
        log.info("listed", extra={"kind": kind.value, "scope": words(scope), "objects": len(listing.seen)})

    def _failed(self, kind: Kind, scope: Scope, error: Exception) -> None:
        self._listening.watch_failures.labels(kind.value).inc()
        extra = {"kind": kind.value, "scope": words(scope)}
        self._refusals[kind, scope] += isinstance(error, errors.APIForbiddenError)
        if isinstance(error, errors.APIForbiddenError) and self._refusals[kind, scope] >= REFUSALS:
            if self._refusals[kind, scope] == REFUSALS:  # said once; what is blocked is in a metric
                log.error("no right to list and watch: bind the operator's workspace role there", extra=extra)
            trouble = TroubleError(Reason.FORBIDDEN, {"verb": "list", "resource": kind.value})
            self.on_list(list_of(kind, scope), None)  # nothing of it will come, and the others go on
            self._feeds[kind].forbidden(scope, trouble)
            self.on_answer()
        elif isinstance(error, errors.APINotFoundError) and kind is not Kind.SECRETS:
            log.error("the API is not served: install the CRDs (crds/); going on as soon as it is there", extra=extra)
        else:
            log.warning("watch broken, starting again", extra={**extra, "error": type(error).__name__})


async def run_kopf(connection: Connection, tap: Tap, namespaces: tuple[Namespace, ...], stop: asyncio.Event) -> None:
    """Run Kopf until it stops; no namespaces means all of them. Raises whatever ends it otherwise."""
    watching.infinite_watch = tap.infinite_watch
    scanning.scan_resources = _finding_all_of(tap.kinds)
    await kopf.operator(
        registry=_registry(connection, tap.kinds),
        settings=_settings(),
        standalone=True,
        clusterwide=not namespaces,
        namespaces=list(namespaces),
        stop_flag=stop,
    )


def _registry(connection: Connection, kinds: Iterable[Kind]) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.AiohttpSession:
        await connection.refresh()
        return kopf.AiohttpSession(server=connection.server, aiohttp_session=connection.session(connections=0))

    def taken(**_: Any) -> None:
        """Say to Kopf that these resources are wanted; their events are taken from the stream before they come here."""

    for kind in kinds:
        kopf.on.event(*_place_of(kind), registry=registry)(taken)
    return registry


def _place_of(kind: Kind) -> tuple[str, str, str]:
    """Return group, version and plural."""
    return ("", "v1", kind.value) if kind is Kind.SECRETS else (GROUP, VERSION, kind.value)


def _finding_all_of(kinds: Iterable[Kind]) -> Callable[..., Coroutine[Any, Any, Collection[references.Resource]]]:
    """Stand in for Kopf's function, which looks once, and takes what one answer lacks for what there is not."""

    async def scan_resources(**how: Any) -> Collection[references.Resource]:
        found = await _scan_resources(**how)
        if {_place_of(kind) for kind in kinds} - {(one.group, one.version, one.plural) for one in found}:
            raise LookupError  # all were served a moment ago; who has started Kopf starts it again
        return found

    return scan_resources


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.process.ultimate_exiting_timeout = None
    settings.queueing.idle_timeout = 0.1
    settings.watching.chunk_size = LIST_CHUNK
    settings.watching.server_timeout = SERVER_TIMEOUT
    settings.watching.client_timeout = SERVER_TIMEOUT + 30
    settings.watching.connect_timeout = 5
    # By type, which Kubernetes never lets change. The string key "v1/secrets" would match nothing: every Secret would
    # be watched.
    settings.watching.field_selectors["v1", "secrets"] = f"type={SECRET_TYPE}"
    settings.networking.request_timeout = 60
    settings.networking.connect_timeout = 5
    settings.networking.error_backoffs = _Backoffs()
    return settings


class _Backoffs:
    """A few jittered retries; then the stream's own loop takes over, which can tell people what is wrong."""

    def __iter__(self) -> Iterator[float]:
        return (random.uniform(ceiling / 2, ceiling) for ceiling in (0.1, 0.4, 1.0))  # noqa: S311 - jitter

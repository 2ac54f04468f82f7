"""Kopf as the shell: it discovers, lists, watches, reconnects and stops; its events go into our store and queue.

Kopf's per-object machinery is not entered: events are taken from its stream before it (measured in
docs/design/006-events-from-the-stream.md), where also the end of a list can be seen. This is the only importer of kopf.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import kopf
from kopf._cogs.clients import errors, watching
from kopf._cogs.structs import bodies, references

from sshcredential_operator.api.credential import parse_credential
from sshcredential_operator.api.names import (
    EXPORT_PLURAL,
    GROUP,
    PLURAL,
    SECRET_TYPE,
    VERSION,
    CredentialKey,
    ExportKey,
    Namespace,
    credential_of_secret,
)
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller.connection import Connection
from sshcredential_operator.controller.export_feed import ExportFeed
from sshcredential_operator.controller.export_store import ExportStore
from sshcredential_operator.controller.listing import Listing, keys_of, list_of, words
from sshcredential_operator.controller.logs import where
from sshcredential_operator.controller.metrics import Metrics
from sshcredential_operator.controller.ports import parse_secret
from sshcredential_operator.controller.store import Kind, Scope, Store
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.controller.workspaces import KeyringWorkspaces
from sshcredential_operator.reconcile.trouble import TroubleError

log = logging.getLogger(__name__)

SERVER_TIMEOUT: Final = 300
LIST_CHUNK: Final = 500
BEGUN: Final = "is not complete yet"
REFUSALS: Final = 3
"""So many refusals in a row are a missing right. An API server that has just started refuses everybody for a moment."""


class Tap:
    """Takes what Kopf lists and watches. One stream per kind and scope."""

    def __init__(
        self,
        store: Store,
        queue: WorkQueue[CredentialKey],
        workspaces: KeyringWorkspaces,
        metrics: Metrics,
        exports: ExportFeed | None = None,
    ) -> None:
        self._store, self._queue, self._workspaces, self._metrics = store, queue, workspaces, metrics
        self._exports = exports or ExportFeed(store, ExportStore(), WorkQueue(), queue)
        self._original = watching.infinite_watch
        self._refusals: Counter[tuple[Kind, Scope]] = Counter()
        self.on_start: Callable[[], None] = lambda: None
        """Called when Kopf begins to watch: by then it has set up all that it sets up."""
        self.on_answer: Callable[[], None] = lambda: None
        """Called when a list is complete or turns out not to be permitted."""
        self.on_list: Callable[[str, str | None], None] = lambda *_: None
        """Called with words for a list, and for what it lacks; None when it is complete, and watched from then on."""

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
        others["_iterations"] = 1  # one list and its watch, so that its beginning is seen here
        while True:
            listing = Listing(kind, scope, self._known(kind, scope))
            if self._refusals[kind, scope] < REFUSALS:
                self.on_list(list_of(kind, scope), BEGUN)
            self._workspaces.forget(scope)  # while nobody watched, a namespace may have been deleted and made again
            try:
                async for event in self._original(settings=settings, resource=resource, namespace=namespace, **others):
                    self._metrics.heard(kind, scope)
                    if event is watching.Bookmark.LISTED:
                        self._listed(listing)
                        yield event
                    elif event["type"] != "BOOKMARK":
                        self._take(kind, event, listing)
            except Exception as error:  # noqa: BLE001 - one stream's trouble is no other's, and not the process'
                self._failed(kind, scope, error)
                await asyncio.sleep(random.uniform(0.5, 2.0))  # noqa: S311 - jitter

    def _take(self, kind: Kind, event: bodies.RawEvent, listing: Listing) -> None:
        raw, deleted = event["object"], event["type"] == "DELETED"
        try:
            key, changed = self._saw(kind, raw, deleted=deleted)
        except Exception as error:  # noqa: BLE001 - one odd object must not stop the stream of a whole namespace
            log.error("an object could not be read", extra={"kind": kind.value, "at": where(error)})
            return
        if key is None:
            return
        if event["type"] is None:
            listing.seen.add(key)
        if deleted:
            self._workspaces.forget(key.namespace)
        self._look_at(changed, listing.scope)
        if isinstance(key, CredentialKey):
            self._exports.credential_changed(key)

    def _saw(
        self, kind: Kind, raw: Mapping[str, Any], *, deleted: bool
    ) -> tuple[CredentialKey | ExportKey | None, Iterable[CredentialKey]]:
        if kind is Kind.EXPORTS:
            return self._exports.saw(raw, deleted=deleted)
        if kind is Kind.CREDENTIALS:
            credential = parse_credential(raw)
            return credential.key, self._store.saw_credential(credential, deleted=deleted)
        metadata = raw["metadata"]
        key = credential_of_secret(Namespace(metadata["namespace"]), metadata["name"])
        if key is None:
            return None, iter(())
        return key, self._store.saw_secret(key, parse_secret(raw), deleted=deleted)

    def _listed(self, listing: Listing) -> None:
        self.on_list(list_of(listing.kind, listing.scope), None)
        del self._refusals[listing.kind, listing.scope]
        if listing.kind is Kind.EXPORTS:
            seen, before = (keys_of(ExportKey, keys) for keys in (listing.seen, listing.before))
            self._look_at(self._exports.listed(listing.scope, seen, before), listing.scope)
        else:
            self._listed_credentials(listing)
        self._exports.begin(listing.scope)
        self.on_answer()
        log.info(
            "listed", extra={"kind": listing.kind.value, "scope": words(listing.scope), "objects": len(listing.seen)}
        )

    def _listed_credentials(self, listing: Listing) -> None:
        was_ready = self._store.is_ready(listing.scope)
        seen, before = (keys_of(CredentialKey, keys) for keys in (listing.seen, listing.before))
        gone = self._store.listed(listing.kind, listing.scope, seen, before)
        for key in gone:
            self._workspaces.forget(key.namespace)
            self._exports.credential_changed(key)
        self._look_at(gone if was_ready else self._everything(listing.scope), listing.scope)

    def _known(self, kind: Kind, scope: Scope) -> frozenset[CredentialKey] | frozenset[ExportKey]:
        return self._exports.known(scope) if kind is Kind.EXPORTS else self._store.keys(kind, scope)

    def _failed(self, kind: Kind, scope: Scope, error: Exception) -> None:
        self._metrics.watch_failures.labels(kind.value).inc()
        extra = {"kind": kind.value, "scope": words(scope)}
        self._refusals[kind, scope] += isinstance(error, errors.APIForbiddenError)
        if isinstance(error, errors.APIForbiddenError) and self._refusals[kind, scope] >= REFUSALS:
            if self._refusals[kind, scope] == REFUSALS:  # said once; what is blocked is in a metric
                log.error("no right to list and watch: bind the operator's workspace role there", extra=extra)
            self._store.blocked(kind, scope, TroubleError(Reason.FORBIDDEN, {"verb": "list", "resource": kind.value}))
            self.on_list(list_of(kind, scope), None)  # nothing of it will come, and the others go on
            self._look_at(self._everything(scope), scope)
            self.on_answer()
        elif isinstance(error, errors.APINotFoundError) and kind is Kind.CREDENTIALS:
            log.error("the API is not served: install the CRD (crds/); going on as soon as it is there", extra=extra)
        else:
            log.warning("watch broken, starting again", extra={**extra, "error": type(error).__name__})

    def _everything(self, scope: Scope) -> Iterable[CredentialKey]:
        return self._store.keys(Kind.CREDENTIALS, scope) | self._store.keys(Kind.SECRETS, scope)

    def _look_at(self, keys: Iterable[CredentialKey], scope: Scope) -> None:
        if self._store.is_ready(scope):
            for key in keys:
                self._queue.add(key)


async def run_kopf(connection: Connection, tap: Tap, namespaces: tuple[Namespace, ...], stop: asyncio.Event) -> None:
    """Run Kopf until it stops; no namespaces means all of them. Raises whatever ends it otherwise."""
    watching.infinite_watch = tap.infinite_watch
    await kopf.operator(
        registry=_registry(connection),
        settings=_settings(),
        standalone=True,
        clusterwide=not namespaces,
        namespaces=list(namespaces),
        stop_flag=stop,
    )


def _registry(connection: Connection) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.AiohttpSession:
        await connection.refresh()
        return kopf.AiohttpSession(server=connection.server, aiohttp_session=connection.session(connections=0))

    def taken(**_: Any) -> None:
        """Say to Kopf that these resources are wanted; their events are taken from the stream before they come here."""

    kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)(taken)
    kopf.on.event(GROUP, VERSION, EXPORT_PLURAL, registry=registry)(taken)
    kopf.on.event("", "v1", "secrets", registry=registry)(taken)
    return registry


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

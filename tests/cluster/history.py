"""Every revision of Secrets and credentials, as an independent watcher sees them come. Used by `test_crashes`.

It watches from before the first operator starts until after the last, with connections of its own.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from kubernetes import client, config

from cluster.shown import Object
from controlplane.clusters import Cluster
from controlplane.waiting import TimedOut
from sshcredential_operator.api.names import GROUP, PLURAL, VERSION

CREDENTIALS: Final = PLURAL
SECRETS: Final = "secrets"

WATCH_SECONDS: Final = 2
"""How long one request for a watch lasts; the next one goes on at the same version."""


class Revision(NamedTuple):
    """One revision of one object. Versions of all resources come from one counter of etcd's, so they compare."""

    version: int
    resource: str
    namespace: str
    name: str
    deleted: bool
    object: Object


class History:
    """Records from the beginning to the end of a `with` block, in one thread per resource."""

    def __init__(self, cluster: Cluster, namespaces: Collection[str]) -> None:
        self._namespaces = frozenset(namespaces)
        self._connection = config.new_client_from_config(str(cluster.kubeconfig_for("admin")))
        core, objects = client.CoreV1Api(self._connection), client.CustomObjectsApi(self._connection)
        self._lists: dict[str, Callable[..., Any]] = {
            SECRETS: core.list_secret_for_all_namespaces,
            CREDENTIALS: lambda **options: objects.list_cluster_custom_object(GROUP, VERSION, PLURAL, **options),
        }
        self._changed = threading.Condition()
        self._revisions: list[Revision] = []
        self._threads: list[threading.Thread] = []
        self._over = threading.Event()

    def seen(self, resource: str) -> list[Revision]:
        """Return what was seen of a resource so far, oldest first."""
        with self._changed:
            return [one for one in self._revisions if one.resource == resource]

    def wait_until(self, condition: Callable[[], Any], what: str, seconds: float = 60) -> None:
        """Return in the moment in which a condition on the revisions comes true."""
        with self._changed:
            if not self._changed.wait_for(condition, seconds):
                raise TimedOut(f"not within {seconds:.0f} s: {what}")

    def complete(self) -> list[Revision]:
        """Return all revisions up to the present ones of all objects that there are now, in the order of writing."""
        for resource in self._lists:
            newest = max((one.version for one in self._present(resource)), default=0)

            def has_come(resource: str = resource, newest: int = newest) -> bool:
                return any(one.resource == resource and one.version >= newest for one in self._revisions)

            self.wait_until(has_come, f"the watch of {resource} has come to version {newest}")
        with self._changed:
            return sorted(self._revisions, key=lambda one: one.version)

    def __enter__(self) -> Self:
        for resource, lists in self._lists.items():
            since = json.loads(lists(limit=1, _preload_content=False).data)["metadata"]["resourceVersion"]
            thread = threading.Thread(target=self._follow, args=(resource, since), name=f"watch of {resource}")
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._connection.close()

    def _present(self, resource: str) -> list[Revision]:
        items = json.loads(self._lists[resource](_preload_content=False).data)["items"]
        return [one for one in (_revision(resource, item) for item in items) if one.namespace in self._namespaces]

    def _follow(self, resource: str, since: str) -> None:
        """Watch, and go on where a watch ended: every one ends soon, to look whether all is over."""
        while not self._over.is_set():
            options = {"watch": True, "allow_watch_bookmarks": True, "timeout_seconds": WATCH_SECONDS}
            watch = self._lists[resource](**options, resource_version=since, _preload_content=False)
            for event in map(json.loads, watch):
                assert event["type"] != "ERROR", event  # a gap would hide what the tests look for
                since = event["object"]["metadata"]["resourceVersion"]
                if event["type"] != "BOOKMARK":
                    self._take(_revision(resource, event["object"], deleted=event["type"] == "DELETED"))

    def _take(self, revision: Revision) -> None:
        if revision.namespace not in self._namespaces:
            return
        with self._changed:
            self._revisions.append(revision)
            self._changed.notify_all()


def _revision(resource: str, found: Object, *, deleted: bool = False) -> Revision:
    metadata = found["metadata"]
    place = (metadata["namespace"], metadata["name"])
    return Revision(int(metadata["resourceVersion"]), resource, *place, deleted, found)

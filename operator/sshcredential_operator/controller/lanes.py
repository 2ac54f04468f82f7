"""Who waits for a pass and how many run, in turn by namespace. Two lanes make up the queue in `work_queue.py`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar

from sshcredential_operator.api.names import Namespace


class InNamespace(Hashable, Protocol):
    """What passes are made for: a credential, an export."""

    @property
    def namespace(self) -> Namespace:
        """The namespace that it lives in."""

    @property
    def name(self) -> str:
        """Its name there."""


Key = TypeVar("Key", bound=InNamespace)


class Lane(Generic[Key]):
    """At most `places` run at once, of one namespace at most `share`; namespaces are served round robin."""

    def __init__(self, *, places: int, share: int) -> None:
        self._places, self._share = places, share
        self._waiting: OrderedDict[Namespace, dict[Key, float]] = OrderedDict()
        self._running: dict[Namespace, int] = {}
        self.since = 0.0
        """Since when the one had waited who began last."""

    def add(self, key: Key, since: float) -> None:
        """Let one wait, who has been waiting since then."""
        self._waiting.setdefault(key.namespace, {})[key] = since

    def remove(self, key: Key) -> float | None:
        """Let one wait no more; return since when it has waited, None for who does not wait here."""
        waiting = self._waiting.get(key.namespace, {})
        since = waiting.pop(key, None)
        if since is not None and not waiting:
            del self._waiting[key.namespace]
        return since

    def begin(self) -> Key | None:
        """Return who is next and takes a place, None where nobody may; `end` must follow."""
        if sum(self._running.values()) >= self._places:
            return None
        namespace = next((n for n in self._waiting if self._running.get(n, 0) < self._share), None)
        if namespace is None:
            return None
        self._waiting.move_to_end(namespace)
        key = next(iter(self._waiting[namespace]))
        self.since = self.remove(key) or 0.0
        self._running[namespace] = self._running.get(namespace, 0) + 1
        return key

    def end(self, key: Key) -> None:
        """Give the place back."""
        self._running[key.namespace] -= 1
        if not self._running[key.namespace]:
            del self._running[key.namespace]

    def __contains__(self, key: Key) -> bool:
        return key in self._waiting.get(key.namespace, {})

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    @property
    def oldest(self) -> float | None:
        """Since when the one has waited who waits longest."""
        return min((min(keys.values()) for keys in self._waiting.values()), default=None)

    def count_from(self, now: float) -> None:
        """Let all who wait begin to wait only now."""
        for namespace, keys in self._waiting.items():
            self._waiting[namespace] = dict.fromkeys(keys, now)

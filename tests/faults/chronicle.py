"""Every write to Secrets and credentials, heard from etcd as it happens, by namespace. Used by `stage`.

One stream for all plans that run at the same time, from before the first operator starts until after the last ends:
whoever waits for something is woken by the write that brings it, and asks nobody.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from types import TracebackType
from typing import Final, NamedTuple, Self

from cluster.etcd_history import _END, _FIRST, _LAST, Revision, _ask, _coded, _revisions, now
from cluster.shown import Object
from controlplane.plane import ControlPlane
from controlplane.waiting import Found, TimedOut

LOOKS_AGAIN: Final = 0.25
"""Who waits for what no write brings looks again after so many seconds."""


class Heard(NamedTuple):
    """A write, and when it was heard of, in seconds since 1970."""

    revision: Revision
    at: float


class Chronicle:
    """Records from the beginning to the end of a `with` block."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane, self._last = plane, now(plane)
        self._heard: defaultdict[str, list[Heard]] = defaultdict(list)
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._listen, name="chronicle", daemon=True)

    def of(self, namespace: str) -> list[Heard]:
        """Return all that was heard of a namespace, oldest first."""
        with self._changed:
            return list(self._heard.get(namespace, ()))

    def forget(self, namespace: str) -> None:
        """Keep no more of a namespace."""
        with self._changed:
            self._heard.pop(namespace, None)

    def present(self, namespace: str) -> dict[tuple[str, str], Object]:
        """Return what there is now, by resource and name."""
        found: dict[tuple[str, str], Object] = {}
        for one, _ in self.of(namespace):
            if one.object is None:
                found.pop((one.resource, one.name), None)
            else:
                found[one.resource, one.name] = one.object
        return found

    def until(self, condition: Callable[[], Found], what: str, seconds: float = 60.0) -> Found:
        """Return what the condition returns once that is true; it is asked again at every write."""
        deadline = time.monotonic() + seconds
        while True:
            with self._changed:
                before = self._last
            if found := condition():
                return found
            if time.monotonic() > deadline:
                raise TimedOut(f"not within {seconds:.0f} s: {what}")
            with self._changed:
                self._changed.wait_for(lambda before=before: self._last != before, LOOKS_AGAIN)  # type: ignore[misc]  # mypy cannot infer it

    def catch_up(self) -> int:
        """Return when all is heard that was written before; the version up to which that is."""
        with _ask(self._plane, "kv/put", {"key": _coded(_END)}) as answer:
            version = int(json.load(answer)["header"]["revision"])
        with self._changed:
            if not self._changed.wait_for(lambda: self._last >= version, 30):
                raise TimedOut("the chronicle does not hear from etcd")
        return version

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True
        with suppress(OSError):
            self.catch_up()  # wakes it
        self._thread.join(5)

    def _listen(self) -> None:
        while not self._ended:
            with suppress(
                OSError, HTTPException, ValueError
            ):  # a silence that is too long, or etcd is being started again
                self._hear()

    def _hear(self) -> None:
        wanted = {"key": _coded(_FIRST), "range_end": _coded(_LAST), "start_revision": str(self._last + 1)}
        with _ask(self._plane, "watch", {"create_request": wanted}) as stream:
            for line in stream:
                at, events = time.time(), json.loads(line)["result"].get("events", [])
                found = [Heard(one, at) for event in events for one in _revisions(event)]
                with self._changed:
                    for one in found:
                        self._heard[one.revision.namespace].append(one)
                    if events:
                        self._last = int(events[-1]["kv"]["mod_revision"])
                        self._changed.notify_all()
                if self._ended:
                    return

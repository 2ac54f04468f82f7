"""A client that logs in all the time while keys are rotated: it reads what is public, then what is stored, and again.

Used by `test_rotation_client`. It reads a namespace as a whole, so that many credentials cost as much as one.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from kubernetes import client, config

from cluster.shown import OURS, Object, data_of, reason_of
from controlplane.clusters import Cluster
from controlplane.waiting import wait_until
from sshcredential_operator.api.names import GROUP, PLURAL, SECRET_SUFFIX, VERSION
from sshcredential_operator.encryption.credential_secret import KekOf, OpenedCredential, open_credential
from sshcredential_operator.encryption.record import Record
from sshcredential_operator.keys.stored import stored_public_key

EVERY_SECONDS: Final = 0.02

Records = Mapping[str, Record | None]
"""What a credential's Secret holds, every private key of it opened; None where it does not open."""


class Shown(NamedTuple):
    """The fingerprints that one status names, and the reason of Ready."""

    current: str
    others: tuple[str, ...]
    reason: str

    @property
    def keys(self) -> tuple[str, ...]:
        """All of them: somebody may log in by each."""
        return (self.current, *self.others)


def shown_in(found: Object) -> Shown:
    """Return what the status of a credential shows."""
    status = found["status"]
    others = (status.get(member, {}).get("fingerprint") for member in ("next", "previous"))
    return Shown(status["fingerprint"], tuple(filter(None, others)), reason_of(found))


def without_a_private_key(shown: Mapping[str, Shown], stored: Records) -> Iterator[str]:
    """Yield each key that a status showed and whose private key was not stored when it was looked for after that."""
    for name, status in shown.items():
        record = stored.get(name)
        held = {key.fingerprint for key in record.keys} if record else set()
        yield from (f"{name}: {key}" for key in status.keys if key not in held)


class RotationClient:
    """Looks from the beginning to the end of a `with` block, in a thread, at credentials that are Ready already."""

    def __init__(self, cluster: Cluster, namespace: str, kek_of: KekOf) -> None:
        self.missing: list[str] = []
        """What `without_a_private_key` yielded."""
        self.unannounced: list[str] = []
        """Keys that were in use before any status showed them."""
        self.looks = 0
        self.reasons: defaultdict[str, list[str]] = defaultdict(list)
        """The reasons of each credential, one after the other."""
        self.used: defaultdict[str, list[str]] = defaultdict(list)
        """The current keys that its statuses showed, one after the other."""
        self._namespace, self._kek_of = namespace, kek_of
        self._connection = config.new_client_from_config(str(cluster.kubeconfig_for("admin")))
        self._core: Any = client.CoreV1Api(self._connection)
        self._objects: Any = client.CustomObjectsApi(self._connection)
        self._opened: dict[str, tuple[str, Record | None]] = {}
        self._seen: defaultdict[str, set[str]] = defaultdict(set)
        self._failed: BaseException | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_until_the_end, name="client of rotated keys")

    def until_seen(self, found: Object) -> None:
        """Return when the client has seen this status' key in use, which it may do later than others."""
        name, current = found["metadata"]["name"], found["status"]["fingerprint"]
        wait_until(
            lambda: self._failed or self.used[name][-1:] == [current], f"the client has seen {current} of {name}"
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._connection.close()
        assert self._failed is None, self._failed

    def _look_until_the_end(self) -> None:
        try:
            while not self._over.is_set():
                began = time.monotonic()
                self._look()
                self._over.wait(began + EVERY_SECONDS - time.monotonic())
        except Exception as failed:  # noqa: BLE001 - a thread's error has to reach the test
            self._failed = failed

    def _look(self) -> None:
        shown = self._shown()
        for name, status in shown.items():
            self._seen[name].update(status.keys)
            _follow(self.reasons[name], status.reason)
            _follow(self.used[name], status.current)
        stored = self._stored()
        self.missing += without_a_private_key(shown, stored)
        # The other way round: who takes the key in use from the Secret, with the public half that was shown by then.
        in_use = {name: record.current_key.fingerprint for name, record in stored.items() if record}
        for name, status in self._shown().items():
            self._seen[name].update(status.keys)
            if name in in_use and in_use[name] not in self._seen[name]:
                self.unannounced.append(f"{name}: {in_use[name]}")
        self.looks += 1

    def _shown(self) -> dict[str, Shown]:
        where = (GROUP, VERSION, self._namespace, PLURAL)
        answer = self._objects.list_namespaced_custom_object(*where, _preload_content=False)
        return {found["metadata"]["name"]: shown_in(found) for found in json.loads(answer.data)["items"]}

    def _stored(self) -> dict[str, Record | None]:
        of_ours = {"field_selector": f"type={OURS}", "_preload_content": False}
        found = json.loads(self._core.list_namespaced_secret(self._namespace, **of_ours).data)["items"]
        return {secret["metadata"]["name"].removesuffix(SECRET_SUFFIX): self._open(secret) for secret in found}

    def _open(self, secret: Object) -> Record | None:
        name, version = secret["metadata"]["name"].removesuffix(SECRET_SUFFIX), secret["metadata"]["resourceVersion"]
        if self._opened.get(name, ("", None))[0] != version:
            opened = open_credential(data_of(secret), self._namespace, name, self._kek_of, stored_public_key)
            self._opened[name] = (version, opened.record if isinstance(opened, OpenedCredential) else None)
        return self._opened[name][1]


def _follow(seen: list[str], now: str) -> None:
    if seen[-1:] != [now]:
        seen.append(now)

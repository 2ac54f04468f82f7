"""A real API server and the real operator process as a world. Time goes by as it does: nobody can set its clock.

Every write is read from etcd afterwards, in order; those that are not the users' are the operator's. Users and judge do
not meet the operator: a step is over when all is right, and wrong when that takes too long. Used by `test_on_cluster`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from kubernetes.client import ApiException

from cluster.etcd_history import CREDENTIALS, SECRETS, Revision, history, now
from cluster.ordeal import OWN, Ordeal
from cluster.sealing import published
from cluster.shown import Object, data_of, mark_of, secret_of
from controlplane.waiting import TimedOut, wait_until
from lives.choices import LIVING
from lives.rest import is_right
from lives.revisions import CredentialWritten, SecretWritten
from lives.seals import SEALED, sealed_source
from lives.witness import Seen, Witness
from sshcredential_operator.api.names import ORPHANED_SINCE_ANNOTATION, SECRET_SUFFIX
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.sealing_keys import SealingKey
from sshcredential_operator.reconcile.observed import RawSecret
from unit.reconcile.sealing_desk import DeskKey

NOBODYS: Final = DeskKey(1)
PATIENCE: Final = 30.0
"""Seconds until all is right after a step: an operator may have been killed, and its timers wait for whole seconds."""


class ClusterWorld:
    """One namespace, one operator, and a witness of all that was ever written there."""

    def __init__(self, ordeal: Ordeal, folder: Path) -> None:
        self._ordeal, self._folder = ordeal, folder
        self._heard = now(ordeal.plane)
        self._keks: dict[str, Kek | None] = {}
        self._by_users: set[int] = set()
        self._deleted: set[tuple[str, str]] = set()
        self._quiet: set[str] = set()
        self._numbers: dict[str, frozenset[int]] = {}
        self._kills = 0
        self.witness = Witness(ordeal.desk.namespace, self._kek)

    # --- users

    def put(self, name: str, spec: Mapping[str, Any]) -> None:
        """Create a credential or change its spec."""
        found = self._present(name)
        if found is None:
            self._wrote(self._ordeal.desk.create(name, dict(spec)))
        else:
            self._wrote(self._ordeal.desk.edit(name, difference(found["spec"], spec)))

    def delete(self, name: str) -> None:
        """Delete a credential."""
        self._deleted.add((CREDENTIALS, name))
        self._ordeal.desk.delete(name)

    def write_status(self, name: str, status: Mapping[str, Any]) -> None:
        """Replace a status by something."""
        self._wrote(self._ordeal.desk.write_status(name, difference(self.status(name), status)))

    def status(self, name: str) -> dict[str, Any]:
        """Return a status as it is."""
        status: dict[str, Any] = self._ordeal.desk.get(name)["status"]
        return status

    def secret(self, name: str) -> RawSecret | None:
        """Return the Secret of a credential."""
        found = self._ordeal.desk.secret(secret_of(name))
        return _raw(found) if found else None

    def put_secret(self, name: str, type_: str, data: Mapping[str, bytes]) -> None:
        """Make a Secret under the name of a credential's; one that is there is deleted first."""
        self.remove_secret(name)
        with suppress(ApiException):  # the operator may be faster
            self._wrote(self._ordeal.desk.make_secret(secret_of(name), data, kind=type_))

    def change_secret(self, name: str, data: Mapping[str, bytes], orphaned_since: str | None) -> None:
        """Change values and the mark of a credential's Secret."""
        found = self.secret(name)
        changed = {key: data.get(key) for key in {*data, *(found.data if found else {})}}
        marks = {ORPHANED_SINCE_ANNOTATION: orphaned_since}
        self._wrote(self._ordeal.desk.change_secret(secret_of(name), data=changed, annotations=marks))

    def remove_secret(self, name: str) -> None:
        """Delete a credential's Secret, if it is there."""
        if self._ordeal.desk.secret(secret_of(name)):
            self._deleted.add((SECRETS, secret_of(name)))
            self._ordeal.desk.delete_secret(secret_of(name))

    def put_input(self, name: str, data: Mapping[str, bytes] | None) -> None:
        """Bring a key in a Secret, or take the Secret away."""
        if self._ordeal.desk.secret(name):
            self._deleted.add((SECRETS, name))
            self._ordeal.desk.delete_secret(name)
        if data is not None:
            self._wrote(self._ordeal.desk.make_secret(name, data))

    def begin(self) -> ClusterWorld:
        """Return this world with nothing in it, for the next life."""
        for name in LIVING:
            if self._present(name):
                self.delete(name)
            self.remove_secret(name)
        self.settle()
        return self

    def sealed(self, name: str, which: str) -> dict[str, Any]:
        """Return spec.sealed with a key, sealed to the published sealing key or to one that no operator has."""
        newest = published(self._ordeal.plane, OWN).newest
        assert newest is not None
        keys: dict[str, DeskKey | SealingKey] = {
            "older": newest,
            "newest": newest,
            "retired": NOBODYS,
            "unknown": NOBODYS,
        }
        return sealed_source(SEALED[which], self._ordeal.desk.namespace, name, keys)

    # --- the operator and what comes of it

    def restart(self) -> None:
        """Kill the operator and start another; that takes as long as many steps, so not each time."""
        self._kills += 1
        if self._kills % 3 == 1:
            self._ordeal.operator.kill()
            self._ordeal.start(self._folder, proxied=False)

    def settle(self, most_writes: int | None = None) -> None:
        """Wait until all is right. Writes are counted where nothing comes due by itself."""
        wrong: list[str] = []

        def is_over() -> bool:
            self._hear()
            wrong[:] = self._wrong()
            return not wrong

        try:
            wait_until(is_over, "all is right", PATIENCE)
        except TimedOut as late:
            raise TimedOut(f"{late}; but {wrong}") from None
        for name, seen in self.witness.seen.items():
            bound = most_writes if seen.level and name in self._quiet else None
            # A key whose time came within the step, as with an overlap of nothing, is destroyed by a write of its own.
            ended = self._numbers.get(name, frozenset()) - _numbers_of(seen)
            most = None if bound is None else bound + bool(ended)
            assert most is None or seen.writes <= most, f"I14: {seen.writes} writes for {name}"
        self._numbers = {name: _numbers_of(seen) for name, seen in self.witness.seen.items()}
        self._quiet = {name for name, seen in self.witness.seen.items() if _is_quiet(seen)}
        self.witness.at_rest()

    def _wrong(self) -> list[str]:
        return [
            f"{name}: {found}"
            for name, seen in self.witness.seen.items()
            for found in _wrong_in(seen, self.witness.left)
        ]

    def _hear(self) -> None:
        at = datetime.now(UTC)
        for one in history(self._ordeal.plane, self._heard):
            self._heard = one.version
            if one.namespace == self._ordeal.desk.namespace:
                self._tell(one, at)

    def _tell(self, one: Revision, at: datetime) -> None:
        by_operator = one.version not in self._by_users
        if one.object is None and (one.resource, one.name) in self._deleted:
            self._deleted.discard((one.resource, one.name))
            by_operator = False
        name = one.name.removesuffix(SECRET_SUFFIX)
        if one.resource == CREDENTIALS:
            self.witness.heard(CredentialWritten(name, one.object, at, by_operator))
        elif name != one.name:
            raw = _raw(one.object) if one.object else None
            self.witness.heard(SecretWritten(name, raw, at, by_operator))
        else:
            assert not by_operator, "I6: an operator wrote a user's Secret"

    def _wrote(self, answer: Object) -> None:
        version = int(answer["metadata"]["resourceVersion"])
        if version > self._heard:  # what changes nothing answers with the version of another write
            self._by_users.add(version)

    def _present(self, name: str) -> Object | None:
        try:
            return self._ordeal.desk.get(name)
        except ApiException:
            return None

    def _kek(self, key_id: str) -> Kek | None:
        if key_id not in self._keks:
            self._keks[key_id] = self._ordeal.key_of()(key_id)
        return self._keks[key_id]


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the merge patch that makes one object of the other."""
    patch: dict[str, Any] = {}
    for member in {*before, *after}:
        old, new = before.get(member), after.get(member)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            patch[member] = difference(old, new)
        elif old != new:
            patch[member] = new
    return patch


def _numbers_of(seen: Seen) -> frozenset[int]:
    return frozenset(key.key_number for key in seen.record.keys) if seen.record else frozenset()


def _wrong_in(seen: Seen, left: Mapping[tuple[str, int], str]) -> Iterator[str]:
    try:
        is_right(seen, datetime.now(UTC), left)
    except AssertionError as wrong:
        yield str(wrong)


def _is_quiet(seen: Seen) -> bool:
    return seen.record is not None and not seen.record.next and not seen.record.previous


def _raw(found: Object) -> RawSecret:
    metadata = found["metadata"]
    return RawSecret(metadata["uid"], metadata["resourceVersion"], found["type"], data_of(found), mark_of(found))

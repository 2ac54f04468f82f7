"""A run as the oracles look at it: revision by revision, with who wrote it, when, and what the key ring opens.

Everything is opened once, however many oracles ask. Used by every `oracles_*` module.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final, NamedTuple

from cluster.etcd_history import CREDENTIALS, SECRETS, Revision
from cluster.needles import of_numbers
from cluster.shown import Object, data_of, mark_of
from faults.run import Run
from sshcredential_operator.api.names import SECRET_SUFFIX, SECRET_TYPE
from sshcredential_operator.encryption.credential_secret import OpenedCredential, open_credential, open_key
from sshcredential_operator.encryption.record import Record
from sshcredential_operator.keys.stored import stored_public_key
from sshcredential_operator.reconcile.observed import RawSecret

LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
A_WHILE: Final = timedelta(minutes=1)
"""So long after the last revision a run may have ended; what happened then has no time of its own."""


class Plain(NamedTuple):
    """One key of a Secret in plain. `secret` are its numbers that are not public, by which keys are told apart."""

    private: bytes
    passphrase: bytes | None
    secret: frozenset[bytes]


class Opened(NamedTuple):
    """A Secret of ours that opened."""

    record: Record
    kid: str
    keys: Mapping[int, Plain]


class Step(NamedTuple):
    """One revision. `name` is the credential's, also for its Secret; `before` is what lay there until then."""

    revision: Revision
    name: str
    by_operator: bool
    at: datetime
    before: Object | None

    @property
    def version(self) -> int:
        """The version."""
        return self.revision.version

    @property
    def object(self) -> Object | None:
        """What lies there now."""
        return self.revision.object

    def __str__(self) -> str:
        return f"{self.revision.name} at {self.version}"


@dataclass(frozen=True)
class Story:
    """One run, and what follows from it."""

    run: Run
    _opened: dict[int, Opened | None] = field(default_factory=dict)

    @cached_property
    def steps(self) -> list[Step]:
        """All revisions, oldest first."""
        return list(self._told())

    @cached_property
    def of_workspace(self) -> list[Step]:
        """Those of the workspace."""
        return [step for step in self.steps if step.revision.namespace == self.run.namespace]

    @property
    def credentials(self) -> Iterator[Step]:
        """Those of credentials."""
        return (step for step in self.of_workspace if step.revision.resource == CREDENTIALS)

    @property
    def secrets(self) -> Iterator[Step]:
        """Those of Secrets that have, or had, the name and type of a credential's."""
        return (step for step in self.of_workspace if is_of_credential(step))

    @cached_property
    def end(self) -> datetime:
        """When the last revision was written."""
        return max((step.at for step in self.steps), default=LONG_AGO)

    def opened(self, step: Step) -> Opened | None:
        """Return what a Secret of ours holds; None where it does not open with the run's keys."""
        if step.version not in self._opened:
            self._opened[step.version] = self._open(step)
        return self._opened[step.version]

    def _open(self, step: Step) -> Opened | None:
        if step.object is None or step.object.get("type") != SECRET_TYPE:
            return None
        data, place = data_of(step.object), (self.run.namespace, step.name)
        found = open_credential(data, *place, self.run.kek_of, stored_public_key)
        if not isinstance(found, OpenedCredential):
            return None
        keys: dict[int, Plain] = {}
        for key in found.record.keys:
            material = open_key(data, found.record, key.key_number, *place, self.run.kek_of)
            assert material is not None
            private = material.private.reveal()
            numbers = frozenset(of_numbers("", private, "").values())
            keys[key.key_number] = Plain(
                private, material.passphrase.reveal() if material.passphrase else None, numbers
            )
        return Opened(found.record, found.kid, keys)

    def _told(self) -> Iterator[Step]:
        lies: dict[tuple[str, str, str], Object] = {}
        times = self._times()
        for one, at in zip(self.run.revisions, times, strict=True):
            place = one[1:4]
            by_operator = one.version not in self.run.by_users
            yield Step(one, one.name.removesuffix(SECRET_SUFFIX), by_operator, at, lies.get(place))
            if one.object is None:
                lies.pop(place, None)
            else:
                lies[place] = one.object

    def _times(self) -> list[datetime]:
        """Return when each revision was written: at the latest, for those that do not tell."""
        times, latest = list[datetime | None](), LONG_AGO
        for one in self.run.revisions:
            told = self.run.times.get(one.version) or _written(one.object)
            latest = max(latest, told) if told else latest
            times.append(latest if told else None)
        following = latest + A_WHILE
        for place in range(len(times) - 1, -1, -1):
            times[place] = following = times[place] or following
        return [time for time in times if time]


def is_of_credential(step: Step) -> bool:
    """Whether a revision is one of a Secret that a credential's key lies in, or would."""
    return step.revision.resource == SECRETS and step.revision.name.endswith(SECRET_SUFFIX)


def raw_secret(found: Object) -> RawSecret:
    """Return a Secret as the product takes it."""
    metadata = found["metadata"]
    return RawSecret(metadata["uid"], metadata["resourceVersion"], found["type"], data_of(found), mark_of(found))


def _written(found: Object | None) -> datetime | None:
    """Return when an object was last written, as the API server noted."""
    notes = (found or {}).get("metadata", {}).get("managedFields", [])
    return max((datetime.fromisoformat(note["time"]) for note in notes if "time" in note), default=None)

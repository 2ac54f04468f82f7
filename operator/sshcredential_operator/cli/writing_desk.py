"""The cluster of the commands that write: credentials, sealing keys, and the namespace that is meant.

Used by `seal`, `sealing-key`, `create`, `rotate`, `rollback`, `delete` and `reseal`. The Kubernetes client is imported
when a command needs it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypedDict

import click

from sshcredential_operator.api.conditions import STALLED
from sshcredential_operator.api.credential import Credential, parse_credential
from sshcredential_operator.api.durations import parse_duration
from sshcredential_operator.api.terminal import one_line
from sshcredential_operator.cli.desk import connect_or_end
from sshcredential_operator.cli.exit_codes import REFUSED, TIMED_OUT, end
from sshcredential_operator.cli.reading_desk import is_missing, or_end
from sshcredential_operator.cli.sealing_keys_at_desk import keys_in_file
from sshcredential_operator.encryption.sealing_keys import SealingKeys, from_jwks

if TYPE_CHECKING:
    from sshcredential_operator.client.connection import Connection
    from sshcredential_operator.client.credential_writes import CredentialWrites, Object
    from sshcredential_operator.client.exports import Exports
    from sshcredential_operator.client.refused import Refused
    from sshcredential_operator.client.targets import Targets

LOOK_AGAIN_SECONDS: Final = 0.3


class ClusterAsked(TypedDict):
    """What the options say of the cluster."""

    kubeconfig: Path | None
    context: str | None
    namespace: str | None
    operator_namespace: str


class WritingDesk:
    """A connection that is made when it is first needed: what needs no cluster works without one."""

    def __init__(self, asked: ClusterAsked) -> None:
        self._asked, self._connection = asked, None

    _connection: Connection | None

    @property
    def namespace(self) -> str:
        """The namespace that is meant: the one given, or that of the context."""
        return self._asked["namespace"] or self._connected.namespace

    @property
    def credentials(self) -> CredentialWrites:
        """The credentials of the cluster."""
        from sshcredential_operator.client.credential_writes import (  # noqa: PLC0415 - lazily, as the module says
            CredentialWrites,
        )

        return CredentialWrites(self._connected.api)

    @property
    def exports(self) -> Exports:
        """The exports of the cluster."""
        from sshcredential_operator.client.exports import Exports  # noqa: PLC0415 - the same

        return Exports(self._connected.api)

    @property
    def targets(self) -> Targets:
        """The targets of the cluster."""
        from sshcredential_operator.client.targets import Targets  # noqa: PLC0415 - the same

        return Targets(self._connected.api)

    def sealing_keys(self, file: Path | None) -> SealingKeys:
        """Return the sealing keys of a file, or with None those that the operator publishes."""
        if file is not None:
            return keys_in_file(file)
        found = from_jwks(self.sealing_keys_text().encode())
        if found is None:
            end(
                f"what namespace {self._asked['operator_namespace']} publishes are no sealing keys, or one is not the "
                "key that its name says: seal nothing to them, and tell whoever runs the operator"
            )
        return found

    def sealing_keys_text(self) -> str:
        """Return the text that the operator publishes."""
        from sshcredential_operator.client.sealing_keys import published_keys  # noqa: PLC0415 - the same

        return or_end(published_keys(self._connected.api, self._asked["operator_namespace"]))

    @property
    def _connected(self) -> Connection:
        self._connection = self._connection or connect_or_end(self._asked["kubeconfig"], self._asked["context"])
        return self._connection

    def seen(self, name: str) -> Credential | None:
        """Return a credential of the namespace, or None where there is none."""
        answer = self.credentials.get(self.namespace, name)
        if not isinstance(answer, dict) and is_missing(answer):
            return None
        return parse_credential(or_end(answer))

    def must_see(self, name: str) -> Credential:
        """Return a credential of the namespace, or end."""
        found = self.seen(name)
        if found is None:
            end(
                f"there is no SSHCredential {name} in namespace {self.namespace}: sshcred list -A shows where there are"
            )
        return found

    def settled(
        self, seen: Credential, wait: timedelta, until: Callable[[Credential], bool] | None = None
    ) -> Credential:
        """Wait until a credential is Ready, or only a person can help, or the time is over; return it as it is then."""
        over, told, ends = until or is_settled, "", time.monotonic() + wait.total_seconds()
        while not over(seen) and time.monotonic() < ends:
            if (why := said_of(seen)) != told and is_answered(seen):
                click.echo(f"waiting: {why}", err=True)
                told = why
            time.sleep(LOOK_AGAIN_SECONDS)
            seen = self.must_see(seen.key.name)
        return seen


def written(answer: Object | Refused) -> Credential:
    """Return what was written, or end with why it was not."""
    return parse_credential(or_end(answer))


def is_answered(seen: Credential) -> bool:
    """Whether the status is about the spec as it is now."""
    return seen.status.observed_generation >= seen.generation


def is_ready(seen: Credential) -> bool:
    """Whether the key is usable, for the spec as it is now."""
    ready = seen.status.ready
    return is_answered(seen) and ready is not None and ready.status == "True"


def is_settled(seen: Credential) -> bool:
    """Whether nothing more happens by itself."""
    return is_ready(seen) or (is_answered(seen) and seen.status.condition(STALLED) is not None)


def said_of(seen: Credential) -> str:
    """Return the message of Ready."""
    ready = seen.status.ready
    return one_line(ready.message) if ready else "no operator has looked at it yet"


def require_ready(seen: Credential) -> None:
    """End with what holds the credential up, unless it is ready."""
    if not is_ready(seen):
        name, namespace = seen.key.name, seen.key.namespace
        reason = one_line(seen.status.ready.reason) if seen.status.ready else "Pending"
        end(
            f"{namespace}/{name} is not ready: {reason}: {said_of(seen)}\n"
            f"Look at it again with: sshcred status {name} -n {namespace}",
            REFUSED if is_settled(seen) else TIMED_OUT,
        )


def duration(text: str) -> timedelta:
    """Return the time to wait that an option names, or end with wrong use."""
    wait = parse_duration(text)
    if wait is None:
        raise click.BadParameter("is no duration such as 60s or 2m", param_hint="--timeout")
    return wait

"""What the commands of `sshcred keyring` share: the key ring's ConfigMap, requests in it, and waiting for answers.

A request stays in the cluster until it is answered. A command that was broken off finds it, and goes on watching.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict, TypeVar

import click

from sshcredential_operator.api.terminal import one_line
from sshcredential_operator.cli.desk import connect_or_end, operator_namespace_option
from sshcredential_operator.cli.exit_codes import TIMED_OUT, end
from sshcredential_operator.cli.keyring_progress import Progress
from sshcredential_operator.cli.reading_desk import NOT_FOUND, or_end

if TYPE_CHECKING:
    from sshcredential_operator.client.credential_writes import CredentialWrites
    from sshcredential_operator.client.credentials import CredentialReads
    from sshcredential_operator.client.keyring import KeyRing, Sheet
    from sshcredential_operator.client.refused import Refused

CONFLICT: Final = 409
TRIES: Final = 10
LOOK_AGAIN_SECONDS: Final = 0.5
Command = Callable[..., Any]
Found = TypeVar("Found")


class RingAsked(TypedDict):
    """What the options say of the cluster."""

    kubeconfig: Path | None
    context: str | None
    operator_namespace: str


def ring_options(command: Command) -> Command:
    """Add the options that say which cluster and key ring."""
    for add in (
        click.option("--context", metavar="NAME", help="Context of the kubeconfig. Default: its current one."),
        click.option(
            "--kubeconfig",
            metavar="FILE",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="Default: KUBECONFIG, ~/.kube/config, or the pod's own account.",
        ),
        operator_namespace_option,
    ):
        command = add(command)
    return command


class RingDesk:
    """One connection and one key ring."""

    def __init__(self, asked: RingAsked) -> None:
        from sshcredential_operator.client.credential_writes import (  # noqa: PLC0415 - lazily, as all commands
            CredentialWrites,
        )
        from sshcredential_operator.client.credentials import CredentialReads  # noqa: PLC0415 - the same
        from sshcredential_operator.client.keyring import KeyRing  # noqa: PLC0415 - the same

        connection = connect_or_end(asked["kubeconfig"], asked["context"])
        self.ring: KeyRing = KeyRing(connection.api, asked["operator_namespace"])
        self.credentials: CredentialReads = CredentialReads(connection.api)
        self.writes: CredentialWrites = CredentialWrites(connection.api)

    def sheet(self) -> Sheet:
        """Return what the key ring's ConfigMap says, or end."""
        seen = found_or_end(self.ring.sheet(), self._nothing_there())
        if not seen.state:
            end(self._nothing_there())
        return seen

    def _nothing_there(self) -> str:
        return (
            f"no operator has told of its key ring in namespace {self.ring.namespace} yet: name its namespace with "
            "--operator-namespace, and see whether it runs and is ready"
        )

    def ask(self, entry: str, value: str) -> None:
        """Write a request, or end with why it could not be written."""
        refused = None
        for _ in range(TRIES):  # the operator writes how far it is into the same object
            refused = self.ring.ask(self.sheet(), entry, value)
            if refused is None or refused.code != CONFLICT:
                break
        or_end(refused)

    def until(self, over: Callable[[Sheet], bool], patience: timedelta, progress: Progress) -> Sheet:
        """Return what the operator says when it is over, and show how far it is meanwhile."""
        ends = time.monotonic() + patience.total_seconds()
        with progress:
            try:
                while not over(seen := self.sheet()):
                    progress.show(seen.state)
                    if time.monotonic() >= ends:
                        end(self._late(patience), TIMED_OUT)
                    time.sleep(LOOK_AGAIN_SECONDS)
            except KeyboardInterrupt:
                end("what was asked stays asked: the same command goes on watching it", TIMED_OUT)
            progress.show(seen.state)
        return seen

    def _late(self, patience: timedelta) -> str:
        return (
            f"it is not done after {patience.total_seconds():g} s. What was asked stays asked, and the same command "
            "goes on watching it while it runs. Does the operator run, is its root key there (/readyz tells), and may "
            "it do it?"
        )

    def answered(self, entry: str, patience: timedelta, progress: Progress | None = None) -> Sheet:
        """Return what the operator says when a request is answered, or end with its refusal."""
        seen = self.until(lambda sheet: entry not in sheet.requests, patience, progress or Progress())
        if why := seen.state.get("refused", {}).get(entry):
            end(one_line(str(why)))
        return seen

    def uid_of(self, namespace: str) -> str:
        """Return the uid of a namespace, or end."""
        missing = f"there is no namespace {namespace}: sshcred keyring status lists the workspaces that have keys"
        return found_or_end(self.ring.namespace_uid(namespace), missing)


def found_or_end(answer: Found | Refused, missing: str) -> Found:
    """Return what was answered, or end: with this sentence where there is no such object."""
    from sshcredential_operator.client.refused import Refused  # noqa: PLC0415 - lazily, as all commands

    if isinstance(answer, Refused) and answer.code == NOT_FOUND:
        end(missing)
    return or_end(answer)


def kids_in(workspace: Mapping[str, Any], namespace_uid: str) -> list[str]:
    """Return the keys of the namespace that exists now, the newest first; others are of one that is gone."""
    digits = namespace_uid.replace("-", "")[:12]
    kids = [str(workspace.get("keyId", "")), *map(str, workspace.get("olderKeyIds", ()))]
    return sorted((kid for kid in kids if kid.split(".")[1:2] == [digits]), key=slot, reverse=True)


def slot(kid: str) -> int:
    """Return the number of a workspace's key."""
    number = kid.partition(".")[0]
    return int(number) if number.isdecimal() else 0

"""The cluster of the commands that read. Used by `list`, `status`, `wait`, `public-key`, `target` and completion.

The Kubernetes client is imported when a command needs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sshcredential_operator.cli.desk import connect_or_end
from sshcredential_operator.cli.exit_codes import NO_ANSWER, REFUSED, end

if TYPE_CHECKING:
    from sshcredential_operator.client.credentials import CredentialReads
    from sshcredential_operator.client.exports import Exports
    from sshcredential_operator.client.refused import Refused
    from sshcredential_operator.client.targets import Targets

NOT_FOUND: Final = 404
Found = TypeVar("Found")
Object = dict[str, Any]


class ReadingDesk:
    """One connection, and the namespace that is meant."""

    def __init__(self, kubeconfig: Path | None, context: str | None, namespace: str | None) -> None:
        from sshcredential_operator.client.credentials import (  # noqa: PLC0415 - lazily, as the module says
            CredentialReads,
        )
        from sshcredential_operator.client.exports import Exports  # noqa: PLC0415 - the same
        from sshcredential_operator.client.targets import Targets  # noqa: PLC0415 - the same

        connection = connect_or_end(kubeconfig, context)
        self.credentials: CredentialReads = CredentialReads(connection.api)
        self.exports: Exports = Exports(connection.api)
        self.targets: Targets = Targets(connection.api)
        self.namespace = namespace or connection.namespace

    def must_see(self, name: str) -> Object:
        """Return a credential, or end with why it cannot be seen."""
        answer = self.credentials.get(self.namespace, name)
        if not isinstance(answer, dict) and is_missing(answer):
            end(
                f"there is no SSHCredential {name} in namespace {self.namespace}: sshcred list -A shows where there are"
            )
        return or_end(answer)

    def must_see_target(self, name: str) -> Object:
        """Return a target, or end with why it cannot be seen."""
        answer = self.targets.get(self.namespace, name)
        if not isinstance(answer, dict) and is_missing(answer):
            end(
                f"there is no SSHTarget {name} in namespace {self.namespace}: "
                "sshcred target list -A shows where there are"
            )
        return or_end(answer)


def is_missing(refused: Refused) -> bool:
    """Whether a refusal says that there is no such object; without the CRD it says something else."""
    return refused.code == NOT_FOUND and "not found" in refused.sentence


def or_end(answer: Found | Refused) -> Found:
    """Return what was answered, or end with the sentence of the refusal."""
    from sshcredential_operator.client.refused import Refused  # noqa: PLC0415 - the same

    if isinstance(answer, Refused):
        end(answer.sentence, NO_ANSWER if answer.code is None else REFUSED)
    return answer

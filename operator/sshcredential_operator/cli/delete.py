"""`sshcred delete`: ends a credential, and says before what uses it and what becomes of its key."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Unpack

import click

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.spec import DeletionPolicy, Spec
from sshcredential_operator.api.terminal import one_line
from sshcredential_operator.cli.desk import cluster_options, operator_namespace_option
from sshcredential_operator.cli.sealing_options import name_argument
from sshcredential_operator.cli.writing_desk import ClusterAsked, WritingDesk, duration, is_answered, written

AT_ONCE = {"deletionPolicy": DeletionPolicy.DELETE.value, "deletionGracePeriod": "0s"}


@click.command("delete")
@name_argument
@click.option("--yes", "-y", is_flag=True, help="Do not ask. Needed where there is no terminal.")
@click.option("--destroy", is_flag=True, help="Destroy the key at once, for good: no grace period.")
@click.option("--timeout", metavar="D", default="60s", show_default=True, help="With --destroy, for the operator.")
@operator_namespace_option
@cluster_options
def delete(name: str, *, yes: bool, destroy: bool, timeout: str, **asked: Unpack[ClusterAsked]) -> None:
    r"""Delete the SSHCredential NAME. One that is in use is not deleted.

    Its key is kept for spec.deletionGracePeriod, and is there again when a credential of this name comes back in that
    time. With --destroy it is destroyed at once, and nobody gets it back but from a backup.

    \b
    Exit status: 0 it is deleted, 1 it is not and why is said, 2 wrong use.

    \b
    Examples:
      sshcred delete hpc-login
      sshcred delete hpc-login --destroy --yes
    """
    patience = duration(timeout)
    desk = WritingDesk(asked)
    seen = desk.must_see(name)
    written_or_refused = desk.credentials.delete(seen, dry_run=True)  # admission is asked before anything is changed
    if not isinstance(written_or_refused, dict):
        raise click.ClickException(written_or_refused.sentence)
    for line in what_becomes_of(seen, destroy=destroy):
        click.echo(line, err=True)
    _require_consent(seen, yes=yes)
    if destroy:
        seen = desk.settled(written(desk.credentials.patch(seen, AT_ONCE)), patience, is_answered)
        _require_answer(seen)
    gone = desk.credentials.delete(seen)
    if not isinstance(gone, dict):
        raise click.ClickException(gone.sentence)
    click.echo(f"{seen.key.namespace}/{name} is deleted")


def what_becomes_of(seen: Credential, *, destroy: bool) -> Iterator[str]:
    """Yield what a person should know before: which key, who uses it, and whether it can be got back."""
    facts, name = seen.status.facts, f"{seen.key.namespace}/{seen.key.name}"
    if facts is None:
        yield f"{name} has no key yet."
        return
    yield f"{name} holds {facts.algorithm} {facts.bits} {one_line(facts.fingerprint)}."
    if seen.status.used_by:
        yield "It is used by " + ", ".join(one_line(f"{user.kind} {user.name}") for user in seen.status.used_by) + "."
    if seen.status.exposure == "Exported":
        yield "Copies of the key are in other Secrets, and end with it: sshcred exports shows them."
    if destroy:
        yield "The key is destroyed at once: nobody gets it back, except from a backup."
    elif not isinstance(seen.spec, Spec) or seen.spec.deletion_policy is DeletionPolicy.RETAIN:
        yield f"The key stays in Secret {seen.key.secret_name}, because of spec.deletionPolicy."
    else:
        yield (
            f"The key is kept for {seen.spec.deletion_grace_period}: a credential of this name that comes back in that "
            "time has it again."
        )
    yield "Its public key stays in authorized_keys until you take it out there."


def _require_consent(seen: Credential, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("Nothing is deleted without a terminal to ask on, or --yes.")
    if not click.confirm(f"Delete {seen.key.namespace}/{seen.key.name}?", err=True):
        raise click.ClickException("nothing was deleted")


def _require_answer(seen: Credential) -> None:
    """The operator has noted that there is no grace period: after the deletion only its note counts."""
    if not is_answered(seen):
        raise click.ClickException(
            f"the operator has not taken note of the end of {seen.key.name}'s grace period, so nothing was deleted; is "
            "it running? Give it longer with --timeout, or delete without --destroy"
        )

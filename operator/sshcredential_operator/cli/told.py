"""What people are told of a credential's key when a command has changed something. Used by the commands that write."""

from __future__ import annotations

import click

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.names import TARGET_KIND
from sshcredential_operator.api.terminal import one_line


def tell_of_key(seen: Credential) -> None:
    """Say which key there is, and what goes into authorized_keys."""
    facts, where = seen.status.facts, f"{seen.key.namespace}/{seen.key.name}"
    if facts is None:
        return
    protected = "with a passphrase" if facts.passphrase_protected else "without a passphrase"
    click.echo(f"{where} is ready: {facts.algorithm} {facts.bits} {one_line(facts.fingerprint)}, {protected}")
    click.echo("Its public key, for ~/.ssh/authorized_keys on the machines to log in to:")
    click.echo(one_line(facts.public_key))
    if seen.status.notes:
        click.echo(f"Notes: {', '.join(map(one_line, seen.status.notes))} (docs/concepts.md explains them)", err=True)


def tell_of_others(seen: Credential) -> None:
    """Say which key is announced, and how long the one before stays usable."""
    coming, previous = seen.status.next, seen.status.previous
    if coming is not None:
        there = f"before {one_line(coming.moment)}, when it takes the place of the one in use"
        if has_targets(seen):
            there = "where no SSHTarget installs it; it is used once it logs in at every SSHTarget of the credential"
        announced = f"The next key is announced: {one_line(coming.fingerprint)}."
        click.echo(f"{announced} Put its public key into authorized_keys {there}:")
        click.echo(one_line(coming.public_key))
    if previous is not None:
        click.echo(
            f"The key before, {one_line(previous.fingerprint)}, stays usable until {one_line(previous.moment)}. "
            f"Take it off authorized_keys after that; to go back to it until then: "
            f"sshcred rollback {seen.key.name} -n {seen.key.namespace}"
        )


def has_targets(seen: Credential) -> bool:
    """Whether SSHTargets use the credential."""
    return any(user.kind == TARGET_KIND for user in seen.status.used_by)

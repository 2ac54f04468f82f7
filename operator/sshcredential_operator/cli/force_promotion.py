"""`sshcred rotate --force`: uses the staged key though a target has not let it in yet. Called by `rotate`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import click

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.names import FORCE_PROMOTION_ANNOTATION
from sshcredential_operator.api.target import Target, parse_target
from sshcredential_operator.api.target_spec import TargetSpec
from sshcredential_operator.api.terminal import one_line
from sshcredential_operator.api.timestamps import parse_timestamp
from sshcredential_operator.cli.consent import require_yes
from sshcredential_operator.cli.exit_codes import TIMED_OUT, end
from sshcredential_operator.cli.target_words import address, is_answered, said_of
from sshcredential_operator.cli.told import tell_of_key, tell_of_others
from sshcredential_operator.cli.writing_desk import WritingDesk, written
from sshcredential_operator.client.refused import Refused


def force_promotion(name: str, desk: WritingDesk, *, yes: bool, wait: timedelta | None) -> None:
    """Ask for it, after saying what it means; `wait` None: do not wait for the operator."""
    seen = desk.must_see(name)
    staged = seen.status.next
    if staged is None:
        end(
            f"no next key of {name} is staged, so there is nothing to force: sshcred rotate {name} makes another key, "
            f"and sshcred status {name} tells what became of the last one"
        )
    for line in what_it_means(seen, _targets(seen, desk)):
        click.echo(line, err=True)
    if not yes:
        require_yes(
            f"Use {one_line(staged.fingerprint)} for {seen.key.namespace}/{name} now?",
            "Nothing is forced without a terminal to ask on, or --yes.",
            "nothing was changed: the next key goes on to wait",
        )
    changed = written(desk.credentials.annotate(seen, {FORCE_PROMOTION_ANNOTATION: staged.fingerprint}))
    due = parse_timestamp(staged.moment)
    if wait is None or (due is not None and due > datetime.now(UTC)):
        click.echo(
            f"the next key of {seen.key.namespace}/{name} is used from {one_line(staged.moment)} on, and waits for no "
            f"target: sshcred status {name} -n {seen.key.namespace}"
        )
        return
    _tell(desk.settled(changed, wait, lambda now: _is_in_use(now, staged.fingerprint)), staged.fingerprint)


def what_it_means(seen: Credential, targets: Sequence[Target] | Refused) -> Iterator[str]:
    """Yield which targets the key waits for, and what comes of not waiting; pure."""
    staged, current = seen.status.next, seen.status.facts
    if staged is None:
        raise TypeError
    yield f"The next key of {seen.key.namespace}/{seen.key.name} is {one_line(staged.fingerprint)}."
    if isinstance(targets, Refused):
        yield f"Which targets have not let it in cannot be told: {targets.sentence}."
        closed = None
    else:
        closed = [one for one in targets if not _lets_in(one, staged.fingerprint)]
        yield from _closed(closed)
    if closed == []:
        return
    if current is not None:
        yield f"Whoever uses the credential gets the next key then, instead of {one_line(current.fingerprint)}."
    yield "Where it is not in authorized_keys, logins fail until it is. A target with manage: Install still gets it, by"
    yield "the key before, as long as that is usable (spec.rotation.overlap); to the others you have to bring it."


def _lets_in(target: Target, fingerprint: str) -> bool:
    """What a status tells of another spec, such as of another host, does not count."""
    return is_answered(target) and fingerprint in target.status.authenticated_fingerprints


def _closed(closed: Sequence[Target]) -> Iterator[str]:
    if not closed:
        yield "Every target lets it in, as far as is known, so it waits for none."
        return
    yield "These targets have not let it in:"
    for one in closed:
        where = f" ({address(one.spec)})" if isinstance(one.spec, TargetSpec) else ""
        yield f"  {one.key.name}{where}: {said_of(one)}"


def _targets(seen: Credential, desk: WritingDesk) -> list[Target] | Refused:
    """Return the targets that hold the credential's next key until they let it in."""
    found = desk.targets.all_in(seen.key.namespace)
    if isinstance(found, Refused):
        return found
    targets = sorted(map(parse_target, found), key=lambda one: one.key)
    return [one for one in targets if one.credential == seen.key and not one.deleting]


def _is_in_use(now: Credential, fingerprint: str) -> bool:
    facts, staged = now.status.facts, now.status.next
    return (
        (facts is not None and facts.fingerprint == fingerprint) or staged is None or staged.fingerprint != fingerprint
    )


def _tell(changed: Credential, fingerprint: str) -> None:
    facts, name, namespace = changed.status.facts, changed.key.name, changed.key.namespace
    if facts is not None and facts.fingerprint == fingerprint:
        tell_of_key(changed)
        tell_of_others(changed)
        return
    look = f"sshcred status {name} -n {namespace}"
    if _is_in_use(changed, fingerprint):
        end(f"{namespace}/{name} does not use {fingerprint}: it is not its next key any more; {look}")
    end(f"{namespace}/{name} still waits: does the operator run? {look}", TIMED_OUT)

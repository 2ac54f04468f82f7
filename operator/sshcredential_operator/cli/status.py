"""`sshcred status`: everything about one credential in one view, and what to do next.

Its sections also serve `target status`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from sshcredential_operator.api.conditions import RECONCILING, STALLED, Condition
from sshcredential_operator.api.credential import Credential, parse_credential
from sshcredential_operator.api.export import Export
from sshcredential_operator.api.keymessages import NOTE_TEXTS
from sshcredential_operator.api.keyreasons import Note
from sshcredential_operator.api.names import EXPORT_KIND
from sshcredential_operator.api.remarks import CREDENTIAL_NOTES
from sshcredential_operator.api.spec import InvalidSpec, describe_source
from sshcredential_operator.api.staged import HELD
from sshcredential_operator.api.status import ROTATION_STAGED, OtherKey
from sshcredential_operator.api.terminal import one_line
from sshcredential_operator.api.timestamps import parse_timestamp
from sshcredential_operator.cli.desk import cluster_options
from sshcredential_operator.cli.listing import kind_of_key, readiness
from sshcredential_operator.cli.reading_desk import ReadingDesk
from sshcredential_operator.cli.sealing_options import name_argument
from sshcredential_operator.cli.shown import age_of, aligned, show_lines, show_objects
from sshcredential_operator.cli.told import has_targets

LAST_EVENTS: Final = 8


@click.command("status")
@name_argument
@click.option("--output", "-o", type=click.Choice(["view", "json", "yaml", "name"]), default="view", help="As list.")
@cluster_options
def status(name: str, *, output: str, kubeconfig: Path | None, context: str | None, namespace: str | None) -> None:
    r"""Show the SSHCredential NAME: is it ready, its keys, where it is used, what happened, and what to do next.

    \b
    Exit status: 0 it is shown, ready or not; 1 refused and why is said, 2 wrong use, 4 no cluster answers.

    \b
    Examples:
      sshcred status hpc-login
      sshcred status hpc-login -n genomics -o yaml
    """
    desk = ReadingDesk(kubeconfig, context, namespace)
    raw = desk.must_see(name)
    if output != "view":
        show_objects([raw], output, as_list=False)
        return
    own = parse_credential(raw).key
    copies, events = desk.exports.all_in(desk.namespace), desk.credentials.events_about(desk.namespace, name)
    exports = [one for one in copies if one.credential == own] if isinstance(copies, list) else []
    show_lines(list(view(raw, exports, events if isinstance(events, list) else None)))


def view(
    raw: Mapping[str, Any], exports: Sequence[Export], events: Sequence[Mapping[str, Any]] | None
) -> Iterator[str]:
    """Yield the lines; what belongs to a heading begins with blanks. `events` None: they may not be read."""
    seen = parse_credential(raw)
    yield from section(f"{seen.key.namespace}/{seen.key.name}", _identity(seen, raw))
    yield from section("Conditions", [condition_row(one) for one in seen.status.conditions])
    yield from section("Keys", list(_keys(seen)))
    yield from section("Used by", [*_users(seen, exports), *map(_export, exports)])
    yield from section("Notes", [(note, _meaning(note)) for note in seen.status.notes])
    told = [("(they may not be read)",)] if events is None else [event_row(one) for one in events[-LAST_EVENTS:]]
    yield from section("Events", told)
    yield "Next step"
    yield from (f"  {one_line(line)}" for line in next_steps(seen))


def next_steps(seen: Credential) -> Iterator[str]:
    """Yield what a person should do now."""
    ready, facts, key = seen.status.ready, seen.status.facts, seen.key
    if ready is None or ready.status != "True":
        yield ready.message if ready else "No operator has looked at this credential yet."
        return
    if seen.status.next:
        staged = seen.status.condition(ROTATION_STAGED)
        if staged and staged.reason in HELD:
            yield staged.message
            yield "The public key that has to be in authorized_keys there:"
        else:
            yield f"Put the next public key into authorized_keys before {seen.status.next.moment}:"
        yield f"sshcred public-key {key.name} -n {key.namespace} --next"
    if facts and has_targets(seen):
        yield "See where the key logs in:"
        yield f"sshcred target list -n {key.namespace}"
    elif facts:
        yield "Put the public key into ~/.ssh/authorized_keys on the machines to log in to, if it is not there yet:"
        yield f"sshcred public-key {key.name} -n {key.namespace}"


def section(title: str, rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a heading and its rows in columns, and an empty line; nothing where there are no rows."""
    if not rows:
        return
    yield title
    width = max(map(len, rows))
    padded = [[*map(one_line, row), *[""] * (width - len(row))] for row in rows]
    yield from (f"  {line}" for line in aligned(padded))
    yield ""


def _identity(seen: Credential, raw: Mapping[str, Any]) -> list[tuple[str, str]]:
    spec, described = seen.spec, (raw.get("spec") or {}).get("description")
    source = "(cannot be read)" if isinstance(spec, InvalidSpec) else describe_source(spec.source)
    found = [
        ("Name", seen.claimed_name),
        ("Description", str(described or "")),
        ("Ready", readiness(seen)),
        ("Source", source),
        ("Stored in", f"Secret {seen.status.secret_name}" if seen.status.secret_name else ""),
        ("Exposure", seen.status.exposure or ""),
        ("Rotates", seen.status.rotates_at or ""),
        ("Age", age_of(parse_timestamp(seen.created_at))),
    ]
    return [(name, value) for name, value in found if value]


def condition_row(one: Condition) -> tuple[str, ...]:
    """Return the cells of a condition; those whose message repeats that of Ready come without."""
    since = age_of(parse_timestamp(one.last_transition_time)) if not one.last_transition_time.startswith("1970") else ""
    text = one.message if one.type not in {RECONCILING, STALLED} else ""
    return (one.type, one.status, one.reason, since, text)


def _keys(seen: Credential) -> Iterator[tuple[str, ...]]:
    facts, status = seen.status.facts, seen.status
    if facts:
        protected = "with passphrase" if facts.passphrase_protected else "without passphrase"
        kind = f"{kind_of_key(seen)} {protected}"
        yield (f"in use, number {facts.key_number}", kind, facts.fingerprint, f"since {facts.created_at}")
    yield from _other("next", status.next, "used from")
    yield from _other("previous", status.previous, "usable until")


def _other(what: str, key: OtherKey | None, when: str) -> Iterator[tuple[str, ...]]:
    if key:
        yield (what, "", key.fingerprint, f"{when} {key.moment}")


def _users(seen: Credential, exports: Sequence[Export]) -> Iterator[tuple[str, str]]:
    shown = {(EXPORT_KIND, one.key.name) for one in exports}
    yield from ((user.kind, user.name) for user in seen.status.used_by if tuple(user) not in shown)


def _export(one: Export) -> tuple[str, str, str]:
    ready = one.status.ready
    said = f"{ready.status} ({ready.reason})" if ready else "Unknown"
    return (EXPORT_KIND, one.key.name, said)


def _meaning(note: str) -> str:
    known = {**NOTE_TEXTS, **CREDENTIAL_NOTES}
    return known.get(Note(note), "") if note in Note.__members__.values() else ""


def event_row(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the cells of an event."""
    moment = str(raw.get("eventTime") or raw["metadata"].get("creationTimestamp") or "").partition(".")[0]
    when = parse_timestamp(moment.removesuffix("Z") + "Z")
    return (age_of(when), str(raw.get("type", "")), str(raw.get("reason", "")), str(raw.get("note", "")))

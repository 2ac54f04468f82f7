"""`sshcred target status`: everything about one target in one view, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from sshcredential_operator.api.credential import Credential, parse_credential
from sshcredential_operator.api.names import TARGET_KIND
from sshcredential_operator.api.target import Target, parse_target
from sshcredential_operator.api.target_spec import HostKeyPolicy, Manage, TargetSpec
from sshcredential_operator.api.target_status import SeenHostKey
from sshcredential_operator.api.terminal import one_line
from sshcredential_operator.cli.desk import cluster_options
from sshcredential_operator.cli.reading_desk import ReadingDesk
from sshcredential_operator.cli.shown import show_lines, show_objects
from sshcredential_operator.cli.status import condition_row, event_row, section
from sshcredential_operator.cli.target_steps import next_steps, still_open
from sshcredential_operator.cli.target_words import address, ago, last_failed, readiness, target_argument

LAST_EVENTS: Final = 8


@click.command("status")
@target_argument
@click.option("--output", "-o", type=click.Choice(["view", "json", "yaml", "name"]), default="view", help="As list.")
@cluster_options
def target_status(
    name: str, *, output: str, kubeconfig: Path | None, context: str | None, namespace: str | None
) -> None:
    r"""Show the SSHTarget NAME: its host key, which keys log in, which old keys still do, and what to do next.

    \b
    Exit status: 0 it is shown, ready or not; 1 refused and why is said, 2 wrong use, 4 no cluster answers.

    \b
    Examples:
      sshcred target status login-node
      sshcred target status login-node -n genomics -o yaml
    """
    desk = ReadingDesk(kubeconfig, context, namespace)
    raw = desk.must_see_target(name)
    if output != "view":
        show_objects([raw], output, as_list=False)
        return
    seen = parse_target(raw)
    events = desk.credentials.events_about(desk.namespace, name, TARGET_KIND)
    show_lines(list(view(seen, _credential(desk, seen), events if isinstance(events, list) else None)))


def _credential(desk: ReadingDesk, seen: Target) -> Credential | None:
    """Return the credential, where it is there and may be read."""
    answer = desk.credentials.get(desk.namespace, seen.credential.name) if seen.credential else None
    return parse_credential(answer) if isinstance(answer, dict) else None


def view(seen: Target, credential: Credential | None, events: Sequence[Mapping[str, Any]] | None) -> Iterator[str]:
    """Yield the lines; what belongs to a heading begins with blanks. `events` None: they may not be read."""
    yield from section(str(seen.key), _identity(seen))
    yield from section("Conditions", [condition_row(one) for one in seen.status.conditions])
    yield from section("Host key", list(_host_keys(seen)))
    yield from section("Keys", list(keys_of(seen, credential)))
    yield from section("Notes", [(note,) for note in seen.status.notes])
    told = [("(they may not be read)",)] if events is None else [event_row(one) for one in events[-LAST_EVENTS:]]
    yield from section("Events", told)
    yield "Next step"
    yield from (f"  {one_line(line)}" for line in next_steps(seen, credential))


def _identity(seen: Target) -> list[tuple[str, str]]:
    spec, status = seen.spec, seen.status
    ready, reason = readiness(seen)
    found = [("Ready", ready if ready == "True" else f"{ready} ({reason})"), *_wanted(spec)]
    found += [
        ("Last probe", ago(status.last_probe_at) + (", without success" if last_failed(seen) else "")),
        ("Last success", ago(status.last_success_at)),
        ("Server", status.server_version or ""),
    ]
    return [(name, value) for name, value in found if value]


def _wanted(spec: object) -> Iterator[tuple[str, str]]:
    if not isinstance(spec, TargetSpec):
        yield "Spec", "(cannot be read)"
        return
    yield "Machine", f"{spec.username} at {address(spec)}" + (f", through target {spec.jump}" if spec.jump else "")
    yield "Credential", spec.credential
    yield "Host keys", _POLICIES[spec.host_keys.policy]
    yield "Public key", _MANAGED[spec.manage]


_POLICIES: Final = {
    HostKeyPolicy.PINNED: "Pinned: those of the spec",
    HostKeyPolicy.CERTIFICATE_AUTHORITY: "CertificateAuthority: certificates of the CAs of the spec",
    HostKeyPolicy.TRUST_ON_FIRST_USE: "TrustOnFirstUse: the first one is recorded",
}
_MANAGED: Final = {
    Manage.NONE: "you put it into authorized_keys (manage: None)",
    Manage.INSTALL: "it is put into authorized_keys (manage: Install)",
}


def _host_keys(seen: Target) -> Iterator[tuple[str, ...]]:
    status = seen.status
    named: tuple[tuple[str, SeenHostKey | None], ...] = (
        ("trusted", status.host_key),
        ("not trusted", status.offered_host_key),
    )
    yield from ((what, key.type, key.fingerprint, f"since {key.since}") for what, key in named if key)


def keys_of(seen: Target, credential: Credential | None) -> Iterator[tuple[str, ...]]:
    """Yield every key of which something is known: whose it is, and whether it logged in at the latest probe."""
    opens, shown = set(seen.status.authenticated_fingerprints), set()
    for what, fingerprint in _of(credential):
        shown.add(fingerprint)
        yield what, fingerprint, "logs in" if fingerprint in opens else "does not log in"
    yield from (("not of the credential now", one, "logs in") for one in sorted(opens - shown))
    still = "still opens the door" if still_open(seen) else "not seen refused yet"
    yield from (("retired", key.fingerprint, still) for key in seen.status.retired_keys)


def _of(credential: Credential | None) -> Iterator[tuple[str, str]]:
    if credential is None:
        return
    status = credential.status
    known = (("in use", status.facts), ("next", status.next), ("previous", status.previous))
    yield from ((what, key.fingerprint) for what, key in known if key)

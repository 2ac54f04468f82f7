"""`sshcred target trust`: takes a host key that a person has compared, where the first one was recorded by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from sshcredential_operator.api.names import TRUST_HOST_KEY_ANNOTATION
from sshcredential_operator.api.spec import FINGERPRINT
from sshcredential_operator.api.target import Target, parse_target
from sshcredential_operator.api.target_spec import HostKeyPolicy, TargetSpec
from sshcredential_operator.api.target_status import SeenHostKey
from sshcredential_operator.api.terminal import one_line
from sshcredential_operator.cli.consent import require_yes
from sshcredential_operator.cli.desk import cluster_options
from sshcredential_operator.cli.exit_codes import end
from sshcredential_operator.cli.reading_desk import ReadingDesk, or_end
from sshcredential_operator.cli.target_words import address, target_argument

CONFLICT: Final = 409
SSH_PORT: Final = 22
TRIES: Final = 5
"""The status of a target changes with every probe, which may come while a person compares."""
WARNING: Final = (
    "A host key changes when the machine was installed anew, or when its administrators replaced the key. It also",
    "changes when another machine answers in its place: that one would be logged in to, and would see what is done",
    "there. Compare the fingerprint with what the machine's owner tells you by another way, such as their web page or",
    "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub on its own console. Do not take it from the connection itself.",
)


@click.command("trust")
@target_argument
@click.option(
    "--fingerprint", metavar="SHA256:...", help="The host key's, that you have compared: nothing is asked then."
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask. Only with --fingerprint.")
@cluster_options
def trust(
    name: str,
    *,
    fingerprint: str | None,
    yes: bool,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
) -> None:
    r"""Trust the host key that the machine of the SSHTarget NAME shows now, instead of the one before.

    Only for targets of the policy TrustOnFirstUse; the others have their keys in the spec. Compare the fingerprint
    first with what the owner of the machine publishes.

    \b
    Exit status: 0 it is trusted from now on, 1 it is not and why is said, 2 wrong use, 4 no cluster answers.

    \b
    Examples:
      sshcred target trust login-node
      sshcred target trust login-node --fingerprint SHA256:HrIqWdCjs8vYvcbIuM9UPtpatK3J9oIGcge+sbINs1U
    """
    if fingerprint is not None and FINGERPRINT.fullmatch(fingerprint) is None:
        raise click.BadParameter("is no fingerprint such as ssh-keygen -l shows", param_hint="--fingerprint")
    if yes and fingerprint is None:
        raise click.UsageError("--yes alone compares nothing: say which host key you mean with --fingerprint.")
    desk = ReadingDesk(kubeconfig, context, namespace)
    seen = parse_target(desk.must_see_target(name))
    offered = _offered(seen)
    for line in _compared(seen, offered):
        click.echo(line, err=True)
    if fingerprint is None:
        require_yes(
            f"Trust {one_line(offered.fingerprint)} as {seen.key}?",
            "Nothing is trusted without a terminal to ask on, or --fingerprint with the host key that you mean.",
            "nothing was changed: the host key before is still the one that is trusted",
        )
    elif fingerprint != offered.fingerprint:
        end(f"{seen.key} shows {one_line(offered.fingerprint)}, and not {fingerprint}: nothing was changed")
    _take(desk, seen, offered)
    click.echo(f"{seen.key} trusts {one_line(offered.fingerprint)} from now on")
    click.echo(f"See whether it logs in now: sshcred target probe {name} -n {desk.namespace}")


def _offered(seen: Target) -> SeenHostKey:
    """Return the host key that is not trusted yet, or end with what there is to do instead."""
    spec, status = seen.spec, seen.status
    if not isinstance(spec, TargetSpec):
        end(f"the spec of {seen.key} cannot be read: sshcred target status {seen.key.name} -n {seen.key.namespace}")
    if spec.host_keys.policy is not HostKeyPolicy.TRUST_ON_FIRST_USE:
        end("\n".join(_instead(seen, spec)))
    if status.offered_host_key is None:
        end(_nothing_offered(seen))
    return status.offered_host_key


def _nothing_offered(seen: Target) -> str:
    known = seen.status.host_key
    if known is None:
        return (
            f"{seen.key} has shown no host key yet: the first one is recorded by itself, with an event. "
            f"sshcred target status {seen.key.name} -n {seen.key.namespace} tells what keeps it"
        )
    return f"{seen.key} shows the host key that is trusted, {one_line(known.fingerprint)}: there is none to compare"


def _instead(seen: Target, spec: TargetSpec) -> Iterator[str]:
    """Yield what belongs into the spec: under these policies, nothing else is trusted."""
    keys, offered = spec.host_keys, seen.status.offered_host_key
    where = (
        f"key {keys.known_hosts.key} of ConfigMap {keys.known_hosts.name}" if keys.known_hosts else "spec.hostKeys.keys"
    )
    yield f"{seen.key} has the policy {keys.policy}: it trusts what stands in {where}, and that is changed there."
    if keys.policy is HostKeyPolicy.CERTIFICATE_AUTHORITY:
        yield "Put the public key of the CA there that signs the machine's host key, as the CA's owner publishes it."
        yield "The machine's own key, which the status may show, is that of no CA."
    elif offered is None:
        yield "The machine has shown no other host key than those."
    else:
        yield f"Compare {one_line(offered.fingerprint)} with what the machine's owner tells you by another way."
        yield "If it is the same, add this line there, and take out the one that is no longer right:"
        yield one_line(_line(spec, offered))


def _line(spec: TargetSpec, offered: SeenHostKey) -> str:
    if spec.host_keys.known_hosts is None:
        return f'  - "{offered.public_key}"'
    return f"  {spec.host if spec.port == SSH_PORT else f'[{spec.host}]:{spec.port}'} {offered.public_key}"


def _compared(seen: Target, offered: SeenHostKey) -> Iterator[str]:
    """Yield both keys side by side, and what it may mean that they differ."""
    known, spec = seen.status.host_key, seen.spec
    yield f"{seen.key}, {address(spec)}:" if isinstance(spec, TargetSpec) else f"{seen.key}:"
    for what, key in (("trusted", known), ("offered", offered)):
        if key is not None:
            yield f"  {what}  {one_line(f'{key.type} {key.fingerprint} since {key.since}')}"
    yield from WARNING


def _take(desk: ReadingDesk, seen: Target, offered: SeenHostKey) -> None:
    """Say in the object that this very key is trusted, as long as it is the one that is offered."""
    said = {TRUST_HOST_KEY_ANNOTATION: offered.fingerprint}
    answer = desk.targets.annotate(seen, said, this_revision=True)
    for _ in range(TRIES):
        if isinstance(answer, dict) or answer.code != CONFLICT:
            break
        seen = parse_target(desk.must_see_target(seen.key.name))
        now = _offered(seen)
        if now.fingerprint != offered.fingerprint:
            end(f"{seen.key} shows yet another host key now, {one_line(now.fingerprint)}: nothing was changed")
        answer = desk.targets.annotate(seen, said, this_revision=True)
    or_end(answer)

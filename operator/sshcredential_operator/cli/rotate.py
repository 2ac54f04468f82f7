"""`sshcred rotate` and `sshcred rollback`: another key, because somebody asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Unpack

import click

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.spec import FINGERPRINT, Generate, ImportFrom, Sealed, Spec
from sshcredential_operator.api.terminal import one_line
from sshcredential_operator.cli.brought_key import brought_key
from sshcredential_operator.cli.desk import cluster_options, operator_namespace_option
from sshcredential_operator.cli.force_promotion import force_promotion
from sshcredential_operator.cli.sealed_block import SealedFor, sealed_block
from sshcredential_operator.cli.sealing_keys_at_desk import described, newest
from sshcredential_operator.cli.sealing_options import name_argument, passphrase_option, sealing_key_option
from sshcredential_operator.cli.told import tell_of_key, tell_of_others
from sshcredential_operator.cli.writing_desk import ClusterAsked, WritingDesk, duration, require_ready, written
from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.sealing import Scope, seal_of


class RotateAsked(ClusterAsked):
    """All options of `rotate` but those of the command alone."""

    private_key: str | None
    passphrase_file: Path | None
    sealing_key: Path | None


@click.command("rotate")
@name_argument
@click.option("--private-key", metavar="FILE", help="The other key, for a credential whose key you bring.")
@passphrase_option
@sealing_key_option
@click.option("--force", is_flag=True, help="Use the next key, which is staged, though a target does not let it in.")
@click.option("--yes", "-y", is_flag=True, help="With --force, do not ask. Needed where there is no terminal.")
@click.option("--wait/--no-wait", default=True, help="Whether to wait for the other key. Default: --wait.")
@click.option("--timeout", metavar="D", default="60s", show_default=True, help="Wait so long.")
@operator_namespace_option
@cluster_options
def rotate(name: str, *, force: bool, yes: bool, wait: bool, timeout: str, **asked: Unpack[RotateAsked]) -> None:
    r"""Replace the key of the SSHCredential NAME. The one before stays usable for spec.rotation.overlap.

    A key that the operator makes is made anew, and one that is imported is read again from its Secret: bring the other
    key there first. A sealed one takes the other key's file, which is checked and sealed here. Where manifests lie in
    Git, change them there instead: raise spec.rotation.serial, or commit what sshcred create --dry-run prints.

    With SSHTargets the other key is staged, and used when all of them let it in. --force asks for no other key: it
    lets the staged one be used without waiting for the rest, and says before which those are.

    \b
    Exit status: 0 it is replaced, 1 it is not and why is said,
    2 wrong use, 3 the time to wait is over, 4 no cluster answers.

    \b
    Examples:
      sshcred rotate deploy-key
      sshcred rotate hpc-login --private-key ~/.ssh/id_new --passphrase-file passphrase.txt
      sshcred rotate hpc-login --force
    """
    patience = duration(timeout)
    desk = WritingDesk(asked)
    if force:
        _require_nothing_else(asked)
        force_promotion(name, desk, yes=yes, wait=patience if wait else None)
        return
    seen = desk.must_see(name)
    change = _change(seen, desk, asked)
    changed = written(desk.credentials.patch(seen, change))
    if not wait:
        click.echo(f"asked for another key of {changed.key.namespace}/{changed.key.name}: sshcred status {name}")
        return
    changed = desk.settled(changed, patience)
    require_ready(changed)
    _tell_of_change(seen, changed)


def _require_nothing_else(asked: RotateAsked) -> None:
    """A staged key is the one that is forced, and no other."""
    if asked["private_key"] or asked["passphrase_file"] or asked["sealing_key"]:
        raise click.UsageError("--force is about the key that is staged: give no other one with it.")


def _change(seen: Credential, desk: WritingDesk, asked: RotateAsked) -> dict[str, Any]:
    """Return the patch of the spec that asks for another key."""
    source = seen.spec.source if isinstance(seen.spec, Spec) else None
    match source:
        case Sealed() if asked["private_key"] is None:
            raise click.UsageError(f"The key of {seen.key.name} is sealed: give the other one with --private-key FILE.")
        case Sealed():
            return _another_sealed(seen, source, desk, asked)
        case Generate() | ImportFrom() if asked["private_key"] is not None:
            where = "made by the operator" if isinstance(source, Generate) else "read from a Secret"
            raise click.UsageError(
                f"The key of {seen.key.name} is {where}, so --private-key is not for it: "
                "leave it out, or change the source in the manifest (sshcred create NAME --private-key FILE --dry-run)."
            )
        case Generate() | ImportFrom():
            if isinstance(source, ImportFrom):
                click.echo(
                    f"the key is read again from Secret {one_line(source.private_key.secret_name)}, key "
                    f"{one_line(source.private_key.key)}: if that does not hold the other key, nothing is replaced",
                    err=True,
                )
            return {"rotation": {"serial": _next_serial(seen)}}
    raise click.ClickException(f"the spec of {seen.key.name} cannot be read: sshcred status {seen.key.name}")


def _another_sealed(seen: Credential, source: Sealed, desk: WritingDesk, asked: RotateAsked) -> dict[str, Any]:
    """Return other values, for whom the present ones are; a passphrase that the other key has not is taken away."""
    to = newest(desk.sealing_keys(asked["sealing_key"]))
    present = seal_of(source.private_key)
    wide = present is not None and present.scope is Scope.NAMESPACE
    place = SealedFor(seen.key.namespace, None if wide else seen.key.name)
    key = brought_key(str(asked["private_key"]), asked["passphrase_file"])
    fingerprint = key.pair.public.fingerprint
    if seen.status.facts and seen.status.facts.fingerprint == fingerprint:
        raise click.ClickException(f"{seen.key.name} has this very key already ({fingerprint}): nothing was changed")
    click.echo(f"sealed key {fingerprint} for {place.in_words}, to {described(to)}", err=True)
    return {"sealed": {Field.PASSPHRASE.value: None} | sealed_block(key, to, place)}


def _next_serial(seen: Credential) -> int:
    """Return a serial above the last one that was honoured, and above one that still waits for its answer."""
    asked = seen.spec.rotation.serial if isinstance(seen.spec, Spec) else 0
    honoured = seen.status.facts.rotation_serial if seen.status.facts else 0
    if asked > honoured:
        raise click.ClickException(
            f"another key of {seen.key.name} is asked for already (spec.rotation.serial is {asked}, and {honoured} was "
            f"answered last): sshcred status {seen.key.name} tells what holds it up"
        )
    return honoured + 1


@click.command("rollback")
@name_argument
@click.option("--to", metavar="FINGERPRINT", help="The stored key to go back to. Default: the one before.")
@click.option("--timeout", metavar="D", default="60s", show_default=True, help="Wait so long.")
@operator_namespace_option
@cluster_options
def rollback(name: str, *, to: str | None, timeout: str, **asked: Unpack[ClusterAsked]) -> None:
    r"""Go back to the key that the SSHCredential NAME had before, as long as that is stored.

    The key in use now becomes the one before, and stays usable for spec.rotation.overlap. spec.rotation.rollbackTo
    holds the key until you take it out: a schedule rests as long.

    \b
    Exit status: 0 the key is in use again, 1 it is not and why is said,
    2 wrong use, 3 the time to wait is over, 4 no cluster answers.

    \b
    Examples:
      sshcred rollback hpc-login
      sshcred rollback hpc-login --to SHA256:HrIqWdCjs8vYvcbIuM9UPtpatK3J9oIGcge+sbINs1U
    """
    patience = duration(timeout)
    if to is not None and FINGERPRINT.fullmatch(to) is None:
        raise click.BadParameter("is no fingerprint such as sshcred status shows", param_hint="--to")
    desk = WritingDesk(asked)
    seen = desk.must_see(name)
    wanted = to or _before(seen)
    changed = desk.settled(written(desk.credentials.patch(seen, {"rotation": {"rollbackTo": wanted}})), patience)
    require_ready(changed)
    if changed.status.facts is None or changed.status.facts.fingerprint != wanted:
        raise click.ClickException(f"{name} keeps its key: no key {wanted} is stored any more; sshcred status {name}")
    _tell_of_change(seen, changed)


def _before(seen: Credential) -> str:
    if seen.status.previous is None:
        raise click.ClickException(
            f"no key of {seen.key.name} from before is stored: it was never replaced, or the overlap is over"
        )
    return one_line(seen.status.previous.fingerprint)


def _tell_of_change(seen: Credential, changed: Credential) -> None:
    """Say which key there is now; or that it is the same, and why."""
    before, now = seen.status.facts, changed.status.facts
    if before and now and before.fingerprint == now.fingerprint and changed.status.next is None:
        raise click.ClickException(
            f"{changed.key.name} has the same key as before ({one_line(now.fingerprint)}): "
            "what it comes from holds no other one. Bring the other key there, and rotate again"
        )
    tell_of_key(changed)
    tell_of_others(changed)

"""`sshcred list`: the credentials of a workspace, and with `--orphans` the keys that were left behind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from sshcredential_operator.api.credential import Credential, parse_credential
from sshcredential_operator.api.names import (
    ORPHANED_SINCE_ANNOTATION,
    CredentialKey,
    Namespace,
    credential_of_secret,
)
from sshcredential_operator.api.terminal import one_line
from sshcredential_operator.api.timestamps import parse_timestamp
from sshcredential_operator.cli.desk import cluster_options
from sshcredential_operator.cli.reading_desk import ReadingDesk, or_end
from sshcredential_operator.cli.shown import age_of, show_objects, show_table

HEADS: Final = ("NAME", "PROVIDER", "TYPE", "FINGERPRINT", "READY", "USED BY", "AGE")
WIDE: Final = ("SECRET", "ROTATES", "EXPOSURE", "MESSAGE")
ORPHAN_HEADS: Final = ("SECRET", "CREDENTIAL", "SINCE", "AGE")


@click.command("list")
@click.option("--all-namespaces", "-A", is_flag=True, help="List those of every namespace.")
@click.option("--orphans", is_flag=True, help="List the Secrets with keys whose credential is gone, instead.")
@click.option(
    "--output",
    "-o",
    type=click.Choice(["table", "wide", "json", "yaml", "name"]),
    default="table",
    help="As kubectl has them.",
)
@cluster_options
def listing(
    *,
    all_namespaces: bool,
    orphans: bool,
    output: str,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
) -> None:
    r"""List credentials: name, provider, type of key, fingerprint, whether it is ready, who uses it, age.

    \b
    Exit status: 0 they are listed, 1 refused and why is said, 2 wrong use, 4 no cluster answers.

    \b
    Examples:
      sshcred list
      sshcred list -A -o wide
      sshcred list --orphans
    """
    if all_namespaces and namespace:
        raise click.UsageError("Give either --namespace or --all-namespaces.")
    desk = ReadingDesk(kubeconfig, context, namespace)
    place = None if all_namespaces else desk.namespace
    found = _orphans(desk, place) if orphans else or_end(desk.credentials.all_in(place))
    found.sort(key=_place)
    if output in {"json", "yaml", "name"}:
        show_objects(found, output, as_list=True)
    elif found:
        heads = ORPHAN_HEADS if orphans else (*HEADS, *WIDE) if output == "wide" else HEADS
        rows = [_row(one, orphan=orphans, wide=output == "wide") for one in found]
        spaces = [one["metadata"]["namespace"] for one in found]
        if all_namespaces:
            heads, rows = ("NAMESPACE", *heads), [[space, *row] for space, row in zip(spaces, rows, strict=True)]
        show_table(heads, rows)
    if not found:
        what = "no keys were left behind" if orphans else "there are no credentials"
        click.echo(f"{what} in {'any namespace' if place is None else f'namespace {place}'}", err=True)


def _row(raw: Mapping[str, Any], *, orphan: bool, wide: bool) -> list[str]:
    cells = _orphan_cells(raw) if orphan else _cells(parse_credential(raw), raw)
    if wide and not orphan:
        cells += _wide_cells(parse_credential(raw))
    return [one_line(cell) for cell in cells]


def _cells(seen: Credential, raw: Mapping[str, Any]) -> list[str]:
    facts = seen.status.facts
    return [
        seen.key.name,
        str((raw.get("spec") or {}).get("provider", "SSH")),
        kind_of_key(seen),
        facts.fingerprint if facts else "",
        readiness(seen),
        ", ".join(f"{user.kind}/{user.name}" for user in seen.status.used_by),
        age_of(parse_timestamp(seen.created_at)),
    ]


def _wide_cells(seen: Credential) -> list[str]:
    ready = seen.status.ready
    return [
        seen.status.secret_name or "",
        seen.status.rotates_at or "",
        seen.status.exposure or "",
        ready.message if ready else "",
    ]


def kind_of_key(seen: Credential) -> str:
    """Return algorithm and size of the key in use, such as `RSA 4096`; nothing where there is no key."""
    facts = seen.status.facts
    return f"{facts.algorithm} {facts.bits}".replace("Ed25519 256", "Ed25519") if facts else ""


def readiness(seen: Credential) -> str:
    """Return the status of Ready, with its reason when it is not True or not about the spec as it is now."""
    ready = seen.status.ready
    if ready is None:
        return "Unknown (Pending)"
    if ready.status == "True" and seen.status.observed_generation < seen.generation:
        return "Unknown (Updating)"
    return ready.status if ready.reason == "Available" else f"{ready.status} ({ready.reason})"


def _orphans(desk: ReadingDesk, namespace: str | None) -> list[dict[str, Any]]:
    """Return the Secrets that hold keys and have no credential; the credentials are looked at last."""
    stored = or_end(desk.credentials.stored_in(namespace))
    living = {_place(one) for one in or_end(desk.credentials.all_in(namespace))}
    return [one for one in stored if (place := _owner(one)) and tuple(place) not in living]


def _owner(secret: Mapping[str, Any]) -> CredentialKey | None:
    metadata = secret["metadata"]
    return credential_of_secret(Namespace(metadata["namespace"]), metadata["name"])


def _orphan_cells(secret: Mapping[str, Any]) -> list[str]:
    metadata, owner = secret["metadata"], _owner(secret)
    since = (metadata.get("annotations") or {}).get(ORPHANED_SINCE_ANNOTATION)
    return [
        metadata["name"],
        owner.name if owner else "",
        since or "(not marked yet)",
        age_of(parse_timestamp(metadata.get("creationTimestamp", ""))),
    ]


def _place(raw: Mapping[str, Any]) -> tuple[str, str]:
    return raw["metadata"]["namespace"], raw["metadata"]["name"]

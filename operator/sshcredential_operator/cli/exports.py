"""`sshcred exports`: who has a copy of which credential."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from sshcredential_operator.api.export import Export
from sshcredential_operator.api.export_spec import ExportSpec
from sshcredential_operator.api.names import EXPORT_PLURAL, GROUP
from sshcredential_operator.api.terminal import one_line
from sshcredential_operator.cli.desk import cluster_options, sit_down
from sshcredential_operator.cli.reading_desk import or_end

HEADS: Final = ("namespace", "name", "credential", "secret", "profile", "ready", "reason", "expires")
RECIPIENT: Final = "(recipient)"
"""Instead of a profile: only the owner of a key opens this copy."""


@click.command("exports")
@click.option("--all-namespaces", "-A", is_flag=True, help="List those of every namespace.")
@click.option(
    "--output",
    "-o",
    type=click.Choice(["table", "json", "name"]),
    default="table",
    help="A table, one object a line, or what kubectl takes.",
)
@cluster_options
def exports(
    *, all_namespaces: bool, output: str, kubeconfig: Path | None, context: str | None, namespace: str | None
) -> None:
    r"""List exports: which credential, which Secret, for whom, and whether the copy is there.

    \b
    Exit status: 0 they are listed, 1 they are not and why is said, 2 wrong use, 4 no cluster answers.

    \b
    Examples:
      sshcred exports
      sshcred exports -A -o json
    """
    if all_namespaces and namespace:
        raise click.UsageError("Give either --namespace or --all-namespaces.")
    desk = sit_down(kubeconfig, context, namespace)
    found = or_end(desk.exports.all_in(None if all_namespaces else desk.namespace))
    found.sort(key=lambda one: one.key)
    match output:
        case "json":
            lines = [json.dumps(facts(one)) for one in found]
        case "name":
            lines = [f"{EXPORT_PLURAL}.{GROUP}/{one.key.name}" for one in found]
        case _:
            lines = table(found, HEADS if all_namespaces else HEADS[1:]) if found else []
    for line in lines:
        click.echo(line)
    if not found:
        where = "any namespace" if all_namespaces else f"namespace {desk.namespace}"
        click.echo(f"there are no exports in {where}", err=True)


def facts(export: Export) -> dict[str, str | None]:
    """Return what is listed of an export; what is not known is null."""
    spec = export.spec if isinstance(export.spec, ExportSpec) else None
    ready = export.status.ready
    return {
        "namespace": export.key.namespace,
        "name": export.key.name,
        "credential": spec.credential if spec else None,
        "secret": spec.secret_name if spec else None,
        "profile": spec.profile.value if spec and spec.profile else None,
        "ready": ready.status if ready else None,
        "reason": ready.reason if ready else None,
        "expires": export.status.expires_at,
    }


def table(found: Sequence[Export], heads: Sequence[str]) -> list[str]:
    """Return a head and one row an export, each column as wide as it has to be."""
    rows = [[head.upper() for head in heads]]
    for export in found:
        known = facts(export)
        if isinstance(export.spec, ExportSpec) and export.spec.profile is None:
            known["profile"] = RECIPIENT
        rows.append([one_line(known[head] or "") for head in heads])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["   ".join(map(str.ljust, row, widths)).rstrip() for row in rows]

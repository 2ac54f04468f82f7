"""`sshcred target list`: the machines to log in to, and whether that works."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from sshcredential_operator.api.target import Target, parse_target
from sshcredential_operator.api.target_spec import TargetSpec
from sshcredential_operator.api.terminal import one_line
from sshcredential_operator.cli.desk import cluster_options
from sshcredential_operator.cli.reading_desk import ReadingDesk, or_end
from sshcredential_operator.cli.shown import show_objects, show_table
from sshcredential_operator.cli.target_words import address, ago, readiness

HEADS: Final = ("NAME", "READY", "REASON", "HOST", "USER", "CREDENTIAL", "LAST SUCCESS")
WIDE: Final = ("HOST KEYS", "HOST KEY", "MANAGE", "THROUGH", "SERVER", "MESSAGE")


@click.command("list")
@click.option("--all-namespaces", "-A", is_flag=True, help="List those of every namespace.")
@click.option(
    "--output",
    "-o",
    type=click.Choice(["table", "wide", "json", "yaml", "name"]),
    default="table",
    help="As kubectl has them.",
)
@cluster_options
def list_targets(
    *, all_namespaces: bool, output: str, kubeconfig: Path | None, context: str | None, namespace: str | None
) -> None:
    r"""List targets: is each ready and why not, host and port, user, credential, and the last probe that succeeded.

    \b
    Exit status: 0 they are listed, 1 refused and why is said, 2 wrong use, 4 no cluster answers.

    \b
    Examples:
      sshcred target list
      sshcred target list -A -o wide
    """
    if all_namespaces and namespace:
        raise click.UsageError("Give either --namespace or --all-namespaces.")
    desk = ReadingDesk(kubeconfig, context, namespace)
    place = None if all_namespaces else desk.namespace
    found = or_end(desk.targets.all_in(place))
    found.sort(key=_place)
    if output in {"json", "yaml", "name"}:
        show_objects(found, output, as_list=True)
    elif found:
        _show(found, wide=output == "wide", spaces=all_namespaces)
    if not found:
        click.echo(f"there are no targets in {'any namespace' if place is None else f'namespace {place}'}", err=True)


def _show(found: list[dict[str, Any]], *, wide: bool, spaces: bool) -> None:
    heads: tuple[str, ...] = (*HEADS, *WIDE) if wide else HEADS
    rows = [_row(parse_target(raw), wide=wide) for raw in found]
    if spaces:
        heads = ("NAMESPACE", *heads)
        rows = [[_place(raw)[0], *row] for raw, row in zip(found, rows, strict=True)]
    show_table(heads, rows)


def _row(seen: Target, *, wide: bool) -> list[str]:
    spec, status = seen.spec, seen.status
    where, policy, manage, jump = ["(cannot be read)", "", ""], "", "", None
    if isinstance(spec, TargetSpec):
        where, policy, manage, jump = [address(spec), spec.username, spec.credential], *_how(spec)
    cells = [seen.key.name, *readiness(seen), *where, ago(status.last_success_at)]
    if wide:
        trusted = status.host_key.fingerprint if status.host_key else ""
        said = status.ready.message if status.ready else ""
        cells += [policy, trusted, manage, jump or "", status.server_version or "", said]
    return [one_line(cell) for cell in cells]


def _how(spec: TargetSpec) -> tuple[str, str, str | None]:
    return spec.host_keys.policy, spec.manage, spec.jump


def _place(raw: Mapping[str, Any]) -> tuple[str, str]:
    return raw["metadata"]["namespace"], raw["metadata"]["name"]

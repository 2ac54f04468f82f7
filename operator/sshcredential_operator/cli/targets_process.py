"""`sshcredential-operator targets`: the process that connects to SSH servers. Registered by `operator.py`."""

from __future__ import annotations

import asyncio

import click

from sshcredential_operator.cli.process_options import (
    connected,
    process_options,
    root_source_option,
    root_sources,
    set_up_log,
    told_what_a_kms_needs,
    where,
)
from sshcredential_operator.controller.targets.cluster_ranges import Told
from sshcredential_operator.controller.targets.options import TargetOptions
from sshcredential_operator.controller.targets.process import TargetsProcess
from sshcredential_operator.ssh.destinations import BadDestination


@click.command("targets")
@process_options
@root_source_option
@click.option(
    "--allow-destination",
    "allowed",
    metavar="CIDR|NAME[:PORT]",
    multiple=True,
    help="Connect to nothing else than what is given so. May be repeated. Default: everything but loopback, link-local "
    "and the cluster's own ranges.",
)
@click.option(
    "--cluster-range",
    "ranges",
    metavar="CIDR",
    multiple=True,
    help="Addresses of the cluster's pods and Services, which are refused unless allowed. May be repeated.",
)
@click.option(
    "--allow-targets-without-admission-policy",
    "unguarded",
    is_flag=True,
    help="Use credentials for whoever may create an SSHTarget; nobody is asked for the verb use.",
)
def targets(  # noqa: PLR0913, PLR0917 - one parameter an option
    operator_namespace: str | None,
    workspaces: tuple[str, ...],
    all_namespaces: bool,
    listen: str | None,
    log_format: str | None,
    debug: bool,
    allowed: tuple[str, ...],
    ranges: tuple[str, ...],
    roots: tuple[str, ...],
    unguarded: bool,
) -> None:
    """Try SSHTargets: log in with their credentials, install public keys, remove old ones."""
    place = where(operator_namespace, workspaces, listen, all_namespaces=all_namespaces)
    options = TargetOptions(
        *place, told=_told(allowed, ranges), guarded=not unguarded, root_sources=root_sources(roots)
    )
    set_up_log(log_format, debug=debug)
    asyncio.run(_run(options))


async def _run(options: TargetOptions) -> None:
    connection = await connected()
    with told_what_a_kms_needs():
        process = TargetsProcess(options, connection)
    await process.run()


def _told(allowed: tuple[str, ...], ranges: tuple[str, ...]) -> Told:
    told = Told(allowed, ranges)
    try:
        told.destinations()
    except BadDestination as bad:
        raise click.UsageError(bad.sentence) from None
    return told

"""Which cluster and namespace a command works with: its options, and the way there. Used by commands that need one.

The Kubernetes client is imported when a command needs it, so that all others, and `--help`, start quickly.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from sshcredential_operator.api.names import DEFAULT_OPERATOR_NAMESPACE

if TYPE_CHECKING:
    from sshcredential_operator.client.connection import Connection
    from sshcredential_operator.client.exports import Exports

Command = Callable[..., Any]


class Desk(NamedTuple):
    """The exports of a cluster, and the namespace that is meant."""

    exports: Exports
    namespace: str


def cluster_options(command: Command) -> Command:
    """Add the options that say which cluster and namespace."""
    for add in (
        click.option(
            "--kubeconfig",
            metavar="FILE",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="Default: KUBECONFIG, ~/.kube/config, or the pod's own account.",
        ),
        click.option("--context", metavar="NAME", help="Context of the kubeconfig. Default: its current one."),
        click.option("--namespace", "-n", metavar="NS", help="Default: that of the context."),
    ):
        command = add(command)
    return command


def operator_namespace_option(command: Command) -> Command:
    """Add the option that says where the operator itself lives."""
    return click.option(
        "--operator-namespace",
        metavar="NS",
        default=DEFAULT_OPERATOR_NAMESPACE,
        show_default=True,
        help="Where the operator runs, and publishes its sealing keys.",
    )(command)


def connect_or_end(kubeconfig: Path | None, context: str | None) -> Connection:
    """Return the connection that these options describe, or end with one sentence."""
    from sshcredential_operator.client.connection import (  # noqa: PLC0415 - lazily, as the module says
        NoClusterError,
        connect,
    )

    logging.disable()  # what the client's libraries log may hold credentials, and a person gets one sentence
    try:
        return connect(kubeconfig, context)
    except NoClusterError:
        raise click.ClickException(
            "no cluster to work with: is there a kubeconfig, and does it have this context with a working login?"
        ) from None


def sit_down(kubeconfig: Path | None, context: str | None, namespace: str | None) -> Desk:
    """Return the desk that these options describe, or end with one sentence."""
    from sshcredential_operator.client.exports import Exports  # noqa: PLC0415 - lazily, as the module says

    connection = connect_or_end(kubeconfig, context)
    return Desk(Exports(connection.api), namespace or connection.namespace)

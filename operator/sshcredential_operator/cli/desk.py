"""Which cluster and namespace a command works with: its options, and the way there. Used by commands that need one.

The Kubernetes client is imported when a command needs it, so that all others, and `--help`, start quickly.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from sshcredential_operator.api.names import DEFAULT_OPERATOR_NAMESPACE
from sshcredential_operator.cli.exit_codes import NO_ANSWER, EndedError
from sshcredential_operator.cli.files import shown_name

if TYPE_CHECKING:
    from sshcredential_operator.client.connection import Connection
    from sshcredential_operator.client.exports import Exports

Command = Callable[..., Any]
NAMESPACE: Final = re.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class Desk(NamedTuple):
    """The exports of a cluster, and the namespace that is meant."""

    exports: Exports
    namespace: str


def namespace_name(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    """Take the name of a namespace, or end with wrong use: in a path, `..` would mean all namespaces."""
    if name is not None and NAMESPACE.fullmatch(name) is None:
        raise click.BadParameter(f"{shown_name(name)} is no name of a namespace: lower-case letters, digits and dashes")
    return name


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
        click.option("--namespace", "-n", metavar="NS", callback=namespace_name, help="Default: that of the context."),
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
        callback=namespace_name,
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
        raise EndedError(
            "no cluster to work with: is there a kubeconfig, and does it have this context with a working login?",
            NO_ANSWER,
        ) from None


def sit_down(kubeconfig: Path | None, context: str | None, namespace: str | None) -> Desk:
    """Return the desk that these options describe, or end with one sentence."""
    from sshcredential_operator.client.exports import Exports  # noqa: PLC0415 - lazily, as the module says

    connection = connect_or_end(kubeconfig, context)
    return Desk(Exports(connection.api), namespace or connection.namespace)

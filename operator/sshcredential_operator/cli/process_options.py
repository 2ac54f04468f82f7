"""The options that all processes of ours have, and what they mean. Used by `operator.py` and `targets_process.py`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import click

from sshcredential_operator.api.names import DEFAULT_OPERATOR_NAMESPACE, Namespace
from sshcredential_operator.controller.connection import Connection, connect
from sshcredential_operator.controller.endpoint import NoConfigurationError, in_pod, pod_namespace
from sshcredential_operator.controller.logs import set_up
from sshcredential_operator.controller.root_sources import IN_SECRET, NamedSource, parse_source
from sshcredential_operator.encryption.kms_plugin import GrpcMissing

Command = TypeVar("Command", bound=Callable[..., Any])


class Where(NamedTuple):
    """Which namespaces a process works with, and where it listens."""

    operator_namespace: Namespace
    workspaces: tuple[Namespace, ...]
    host: str
    port: int


def process_options(command: Command) -> Command:
    """Give a command the options of every process."""
    for option in (
        click.option("--debug", is_flag=True, help="Log more of what the process itself does."),
        click.option(
            "--log-format", type=click.Choice(["json", "console"]), help="Default: console on a terminal, else json."
        ),
        click.option(
            "--listen",
            metavar="ADDRESS:PORT",
            help="Where /healthz, /readyz and /metrics are served. Default: :8080 in a pod, elsewhere a free loopback "
            "port.",
        ),
        click.option("--all-namespaces", is_flag=True, help="Serve every namespace; needs the rights cluster-wide."),
        click.option(
            "--workspace", "workspaces", metavar="NS", multiple=True, help="A namespace to serve. May be repeated."
        ),
        click.option(
            "--operator-namespace",
            metavar="NS",
            help=f"Namespace of the key ring. Default: the pod's own, elsewhere {DEFAULT_OPERATOR_NAMESPACE}.",
        ),
    ):
        command = option(command)
    return command


def where(
    operator_namespace: str | None, workspaces: tuple[str, ...], listen: str | None, *, all_namespaces: bool
) -> Where:
    """Return what these options come to, or say what is wrong with them."""
    if all_namespaces == bool(workspaces):
        raise click.UsageError("Give either --workspace NS (repeatable) or --all-namespaces.")
    host, port = _address(listen or (":8080" if in_pod() else "127.0.0.1:0"))
    own = operator_namespace or pod_namespace() or DEFAULT_OPERATOR_NAMESPACE
    if own in workspaces:
        raise click.UsageError(f"Namespace {own} holds the key ring and cannot be a workspace.")
    return Where(Namespace(own), tuple(Namespace(name) for name in dict.fromkeys(workspaces)), host, port)


def set_up_log(log_format: str | None, *, debug: bool) -> None:
    """Begin to log, as these options say."""
    set_up(json=log_format == "json" or (log_format is None and not sys.stderr.isatty()), debug=debug)


async def connected() -> Connection:
    """Return the connection to the cluster, or say that there is none to be had."""
    try:
        return await connect()
    except NoConfigurationError:
        raise click.ClickException(
            "No cluster to work with: set KUBECONFIG to a readable kubeconfig whose context works, or run in a pod."
        ) from None


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if re.fullmatch("[0-9]{1,5}", port) is None or int(port) > 65535:  # noqa: PLR2004 - ports
        raise click.UsageError("--listen wants ADDRESS:PORT, such as 127.0.0.1:8080 or :8080.")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - what `:8080` means


root_source_option = click.option(
    "--root-source",
    "roots",
    metavar="SOURCE",
    multiple=True,
    help="Where the root key is: secret (the default), file:/PATH or kms:/SOCKET. May be repeated: the first wraps, "
    "the others open what they have wrapped before, until all is under the first.",
)


def root_sources(texts: tuple[str, ...]) -> tuple[NamedSource, ...]:
    """Return what the values of `--root-source` name, or say what is wrong with them."""
    sources = [parse_source(text) for text in texts]
    named = tuple(source for source in sources if source)
    if len(named) < len(texts) or len(set(named)) < len(named):
        raise click.UsageError("--root-source wants secret, file:/PATH or kms:/SOCKET, each one once.")
    return named or IN_SECRET


@contextmanager
def told_what_a_kms_needs() -> Iterator[None]:
    """Say what to install where a KMS is named and its library is missing."""
    try:
        yield
    except GrpcMissing:
        raise click.ClickException(
            "A root key in a KMS needs grpcio: pip install 'sshcredential-operator[kms]'."
        ) from None

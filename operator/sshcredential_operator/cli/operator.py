"""`sshcredential-operator`: the operator's own command line, a console script."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Final

import click
import yaml

from sshcredential_operator import __version__
from sshcredential_operator.api.durations import parse_duration
from sshcredential_operator.api.policy import Policies, PolicyInvalid, parse_policies
from sshcredential_operator.cli.lazy_group import LazyGroup
from sshcredential_operator.cli.process_options import (
    connected,
    process_options,
    root_source_option,
    root_sources,
    set_up_log,
    told_what_a_kms_needs,
    where,
)
from sshcredential_operator.controller.endpoint import in_pod
from sshcredential_operator.controller.operator import Operator
from sshcredential_operator.controller.options import DEFAULT_REWRAP_RATE, SHORTEST_PERIOD, Options

COMMANDS: Final = {
    "run": ("operator:run", "Run the operator."),
    "targets": ("targets_process:targets", "Try SSHTargets: log in, install public keys, remove old ones."),
}
"""Each is a process of its own, and imports what the other one needs no part of."""


@click.group(cls=LazyGroup, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sshcredential-operator")
def main() -> None:
    """Keep SSH credentials on Kubernetes."""


@click.command()
@process_options
@click.option(
    "--policy",
    "policy_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="What keys of which workspace may be: least RSA size, allowed algorithms, longest age (YAML).",
)
@click.option(
    "--leader-election/--no-leader-election",
    default=None,
    help="Whether one of several replicas works at a time, by a Lease in the operator's namespace. "
    "Default: in a pod, and not elsewhere.",
)
@click.option(
    "--sealing-strict-only",
    is_flag=True,
    help="Refuse sealed values that any credential of a namespace may use.",
)
@click.option(
    "--allow-exports-without-admission-policy",
    "unguarded",
    is_flag=True,
    help="Copy private keys for whoever may create an SSHCredentialExport; nobody is asked for the verb export.",
)
@click.option(
    "--sealing-key-period",
    metavar="DURATION",
    default="720h",
    show_default=True,
    help="After how long values for spec.sealed are sealed to a new key; old keys keep opening. At least 1m.",
)
@root_source_option
@click.option(
    "--rewrap-rate",
    type=click.FloatRange(min=0.1, max=1000),
    default=DEFAULT_REWRAP_RATE,
    show_default=True,
    help="How many Secrets a second are put under a new workspace key, at most.",
)
def run(  # noqa: PLR0913, PLR0917 - one parameter an option
    operator_namespace: str | None,
    workspaces: tuple[str, ...],
    all_namespaces: bool,
    listen: str | None,
    policy_file: Path | None,
    leader_election: bool | None,
    unguarded: bool,
    sealing_key_period: str,
    sealing_strict_only: bool,
    roots: tuple[str, ...],
    rewrap_rate: float,
    log_format: str | None,
    debug: bool,
) -> None:
    """Run the operator, with the cluster that KUBECONFIG names or the one this pod runs in."""
    place = where(operator_namespace, workspaces, listen, all_namespaces=all_namespaces)
    policies = _policies(policy_file) if policy_file else Policies()
    set_up_log(log_format, debug=debug)
    elected = in_pod() if leader_election is None else leader_election
    options = Options(
        *place,
        policies=policies,
        leader_election=elected,
        guard_exports=not unguarded,
        sealing_key_period=_period(sealing_key_period),
        strict_seals_only=sealing_strict_only,
        root_sources=root_sources(roots),
        rewrap_rate=rewrap_rate,
    )
    asyncio.run(_run(options))


async def _run(options: Options) -> None:
    connection = await connected()
    with told_what_a_kms_needs():
        operator = Operator(options, connection)
    await operator.run()


def _period(text: str) -> timedelta:
    period = parse_duration(text)
    if period is None or period < SHORTEST_PERIOD:
        raise click.UsageError("--sealing-key-period wants a duration of at least 1m, such as 720h or 1h30m.")
    return period


def _policies(file: Path) -> Policies:
    try:
        return parse_policies(yaml.safe_load(file.read_text()))
    except OSError:
        raise click.ClickException(f"The policy file {file} cannot be read.") from None
    except (yaml.YAMLError, ValueError, RecursionError):  # a date that is none, or nothing but brackets
        raise click.ClickException(f"The policy file {file} is not YAML.") from None
    except PolicyInvalid as invalid:
        raise click.ClickException(f"The policy file {file} cannot be used: {invalid.sentence}.") from None

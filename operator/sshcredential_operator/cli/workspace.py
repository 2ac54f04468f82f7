"""`sshcred workspace create`: prints a workspace as manifests, for kubectl apply or for Git. Needs no cluster."""

from __future__ import annotations

import click

from sshcredential_operator.cli.desk import operator_namespace_option
from sshcredential_operator.cli.export_manifest import as_yaml
from sshcredential_operator.cli.files import shown_name
from sshcredential_operator.cli.workspace_manifests import EDITOR_ROLE, USER_ROLE, workspace_manifests
from sshcredential_operator.encryption.place import DNS_LABEL


@click.group("workspace")
def workspace() -> None:
    """Make workspaces: namespaces whose credentials the operator serves."""


@workspace.command("create")
@click.argument("name", metavar="NAME")
@click.option("--organization", is_flag=True, help="For a team: you bind its members. This is the default.")
@click.option("--personal", metavar="USER", help="For this one user, as the API server names it.")
@click.option(
    "--service-account",
    metavar="SA",
    help="The operator's, to print its RoleBinding, too, where no Helm chart makes one.",
)
@operator_namespace_option
def create_workspace(
    name: str, *, organization: bool, personal: str | None, service_account: str | None, operator_namespace: str
) -> None:
    r"""Print the Namespace NAME and the RoleBindings of a workspace; nothing is sent.

    What is left to do is said on standard error: the operator has to be told to serve the namespace.

    \b
    Exit status: 0 it is printed, 2 wrong use.

    \b
    Examples:
      sshcred workspace create genomics | kubectl apply -f -
      sshcred workspace create alice --personal alice@example.org > workspaces/alice.yaml
    """
    if organization and personal is not None:
        raise click.UsageError("Give either --organization or --personal USER.")
    if DNS_LABEL.fullmatch(name) is None:
        raise click.BadParameter(f"{shown_name(name)} is no name of a namespace", param_hint="NAME")
    if name == operator_namespace:
        raise click.BadParameter(
            "the operator's own namespace is no workspace: the key ring is there", param_hint="NAME"
        )
    if personal is not None and not (personal.isprintable() and personal.strip()):
        raise click.BadParameter("is no name of a user", param_hint="--personal")
    operator = (operator_namespace, service_account) if service_account else None
    manifests = workspace_manifests(name, personal, operator)
    click.echo("---\n".join(map(as_yaml, manifests)), nl=False)
    for line in _left_to_do(name, personal, operator_namespace):
        click.echo(line, err=True)


def _left_to_do(name: str, personal: str | None, operator_namespace: str) -> list[str]:
    served = (
        f"Apply it, then let the operator serve it: add {name} to the chart's value workspaces "
        f"(helm upgrade sshcredential-operator ... -n {operator_namespace} --reuse-values --set "
        f"'workspaces={{...,{name}}}'), or --workspace {name} where it is started by hand. An operator of all "
        "namespaces serves it already."
    )
    if personal is not None:
        return [served, f"{personal} writes and uses credentials there, and sees no key without the verb export."]
    people = f"kubectl create rolebinding {EDITOR_ROLE} -n {name} --clusterrole={EDITOR_ROLE} --group=TEAM"
    return [served, f"Then its people: {people} (who writes credentials; {USER_ROLE} for who lets workloads use them)"]

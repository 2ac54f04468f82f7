"""`sshcred validate`: judges manifests and whole trees as the API server and the operator would. Needs no cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from sshcredential_operator.cli.exit_codes import REFUSED
from sshcredential_operator.cli.files import STANDARD_INPUT, Unreadable, read_file, shown_name
from sshcredential_operator.cli.findings_shown import as_github, as_json, as_text
from sshcredential_operator.cli.sealing_keys_at_desk import keys_in_file
from sshcredential_operator.manifests.finding import Finding, Level
from sshcredential_operator.manifests.inspect import Inspection
from sshcredential_operator.manifests.object_meta import LABEL
from sshcredential_operator.manifests.plaintext import MOST_BYTES
from sshcredential_operator.manifests.tree import files_under

SHOWN_STANDARD_INPUT: Final = "standard input"


def _namespace(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not LABEL.fullmatch(value):
        raise click.BadParameter("a namespace is 1 to 63 lower-case letters, digits or dashes")
    return value


@click.command("validate")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option(
    "--sealing-key",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Check sealed values against these keys too; sshcred sealing-key writes the file.",
)
@click.option(
    "--namespace",
    "-n",
    metavar="NAME",
    callback=_namespace,
    help="Where objects will go that name no namespace themselves, as those of kustomize.",
)
@click.option("--strict", is_flag=True, help="Take warnings for errors.")
@click.option("--output", "-o", type=click.Choice(["text", "json", "github"]), default="text", show_default=True)
def validate(
    paths: tuple[str, ...], sealing_key: Path | None, namespace: str | None, strict: bool, output: str
) -> None:
    r"""Check manifests in files, folders or standard input (-), without a cluster.

    SSHCredentials and SSHCredentialExports are judged as the API server would judge them; other objects may stand
    between them. Sealed values are checked without opening them. A private key in the clear is found in any file,
    also in a Secret or in base64. Nothing of a file's content is printed.

    \b
    Exit status: 0 all is well (there may be warnings), 1 something is wrong, 2 wrong use.

    \b
    Examples:
      sshcred validate clusters/
      kubectl kustomize overlays/genomics | sshcred validate -
      sshcred validate --sealing-key key.json --namespace genomics --strict credential.yaml
    """
    inspection = Inspection(namespace, keys_in_file(sealing_key) if sealing_key else None)
    files = list(_files(paths))
    findings = [
        replace(found, level=Level.ERROR) if strict else found
        for file in files
        for found in _findings(inspection, file)
    ]
    _show(findings, len(files), inspection.objects, output)
    if any(finding.level is Level.ERROR for finding in findings):
        raise click.exceptions.Exit(REFUSED)


def _files(paths: tuple[str, ...]) -> Iterator[str]:
    for path in dict.fromkeys(paths):
        if path == STANDARD_INPUT:
            yield path
        elif not Path(path).exists():
            raise click.BadParameter(f"{shown_name(path)}: no such file or folder", param_hint="PATH")
        else:
            yield from (str(file) for file in files_under(Path(path)))


def _findings(inspection: Inspection, file: str) -> Iterator[Finding]:
    content = read_file(file, MOST_BYTES)
    if isinstance(content, Unreadable):
        yield Finding(
            file, 1, "Unreadable", f"This file cannot be read: {content.why}. Make it readable, or leave it out."
        )
    elif file == STANDARD_INPUT:
        yield from inspection.findings(SHOWN_STANDARD_INPUT, content.reveal(), manifests=True)
    else:
        # A pipe's name says nothing of what is in it: <(kubectl kustomize ...).
        yield from inspection.findings(file, content.reveal(), manifests=None if Path(file).is_file() else True)


def _show(findings: list[Finding], files: int, objects: int, output: str) -> None:
    if output == "json":
        click.echo(as_json(findings, files, objects))
        return
    for finding in findings:
        click.echo(as_github(finding) if output == "github" else as_text(finding))
    errors = sum(finding.level is Level.ERROR for finding in findings)
    warnings = len(findings) - errors
    counted = f"{_count(files, 'file')}, {_count(objects, 'object')} of sshcredentials.dev: "
    click.echo(f"{counted}{_count(errors, 'error')}, {_count(warnings, 'warning')}", err=True)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"

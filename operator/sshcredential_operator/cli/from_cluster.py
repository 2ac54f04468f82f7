"""A sealed manifest of a credential as the cluster has it, for Git: also of a generated or imported key.

Used by `sshcred reseal --from-cluster`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import click

from sshcredential_operator.api.credential import parse_credential
from sshcredential_operator.api.names import API_VERSION, KIND
from sshcredential_operator.cli.export_manifest import as_yaml
from sshcredential_operator.cli.resealing import ByOperator
from sshcredential_operator.cli.sealed_manifests import Kept
from sshcredential_operator.cli.writing_desk import WritingDesk

SOURCES: Final = ("generate", "importFrom", "sealed")
OF_OTHER_SOURCES: Final = ("every", "rollbackTo")
"""Members of spec.rotation that go with a key that the operator makes, or with the keys that it has stored."""


def print_manifest(name: str, desk: WritingDesk, by_operator: ByOperator) -> None:
    """Print it, or end with why not."""
    desk.must_see(name)
    raw = desk.credentials.get(desk.namespace, name)
    if not isinstance(raw, dict):
        raise click.ClickException(raw.sentence)
    values = by_operator.sealed(parse_credential(raw))
    if isinstance(values, Kept):
        raise click.ClickException(values.why)
    click.echo(as_yaml(_manifest(raw, {field.value: value for field, value in values.items()})), nl=False)
    source = next((one for one in SOURCES if one in raw["spec"]), "sealed")
    if source != "sealed":
        click.echo(
            f"Its key is of {source} in the cluster. spec takes one source, so let kubectl replace the whole object: "
            "kubectl replace -f FILE. The key stays the same.",
            err=True,
        )


def _manifest(raw: Mapping[str, Any], sealed: Mapping[str, str]) -> dict[str, Any]:
    """Return what people have written, with the sealed values for a source."""
    metadata = {"name": raw["metadata"]["name"], "namespace": raw["metadata"]["namespace"]}
    spec = {member: value for member, value in raw["spec"].items() if member not in SOURCES}
    if "rotation" in spec:
        rotation = spec["rotation"].items()
        spec["rotation"] = {member: value for member, value in rotation if member not in OF_OTHER_SOURCES}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec | {"sealed": dict(sealed)}}

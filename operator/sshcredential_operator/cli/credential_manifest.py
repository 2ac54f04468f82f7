"""The SSHCredential that a command line asks for: pure. Used by `create`."""

from __future__ import annotations

from typing import Any, TypedDict

import click

from sshcredential_operator.api.algorithms import GENERATED_BITS, Algorithm
from sshcredential_operator.api.names import API_VERSION, KIND


class GenerateAsked(TypedDict):
    """What the options say of a key that the operator makes."""

    algorithm: str | None
    bits: int | None
    comment: str | None
    generate_passphrase: bool


class AboutIt(TypedDict):
    """What the options say of the credential itself."""

    display_name: str | None
    description: str | None


def credential_manifest(name: str, namespace: str | None, about: AboutIt, source: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest. What the API server judges is left to it."""
    metadata = {"name": name} if namespace is None else {"name": name, "namespace": namespace}
    said = {"name": about["display_name"], "description": about["description"]}
    spec = {member: value for member, value in said.items() if value is not None}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec | source}


def generate_block(asked: GenerateAsked) -> dict[str, Any]:
    """Return `generate` with what was asked for, or raise click's error of wrong use."""
    algorithm, bits = Algorithm(asked["algorithm"] or Algorithm.ED25519), asked["bits"]
    if bits is not None and bits not in GENERATED_BITS[algorithm]:
        sizes = ", ".join(map(str, GENERATED_BITS[algorithm]))
        raise click.BadParameter(f"{algorithm.value} keys are made with {sizes} bits", param_hint="--bits")
    if algorithm is Algorithm.ED25519:
        bits = None
    found = {"algorithm": asked["algorithm"], "bits": bits, "comment": asked["comment"]}
    found["passphrase"] = "Generate" if asked["generate_passphrase"] else None
    return {"generate": {member: value for member, value in found.items() if value is not None}}

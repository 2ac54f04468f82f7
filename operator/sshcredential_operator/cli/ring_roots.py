"""The root key at a desk: from the Secrets that were read, or from a file or plugin that `--root-source` names.

Used by `sshcred keyring backup` and `restore`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import click

from sshcredential_operator.cli.exit_codes import end
from sshcredential_operator.controller.root_sources import IN_SECRET, NamedSource, parse_source
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.kms_plugin import GrpcMissing, GrpcPlugin
from sshcredential_operator.encryption.root_file import RootInFile
from sshcredential_operator.encryption.root_key import ROOT_SECRET_NAME, RootSource
from sshcredential_operator.encryption.root_kms import RootInKms
from sshcredential_operator.encryption.root_secret import root_keys_of
from sshcredential_operator.encryption.roots import LocalRoot, RootLack, RootPlace, Roots, load_roots

Command = Callable[..., Any]


class RootAmong:
    """The place of a root key in Secrets that were read already."""

    source = RootSource.SECRET
    where = f"Secret {ROOT_SECRET_NAME}"

    def __init__(self, secrets: Sequence[StoredSecret]) -> None:
        self._secret = next((secret for secret in secrets if secret.name == ROOT_SECRET_NAME), None)

    async def load(self) -> LocalRoot | RootLack:
        """Return what was read."""
        if self._secret is None:
            return RootLack.ABSENT
        keys = root_keys_of(self._secret)
        return RootLack.MALFORMED if keys is None else LocalRoot(self.source, keys)


def root_source_option(command: Command) -> Command:
    """Add the option that says where the root key is; nothing is said by an empty tuple."""
    return click.option(
        "--root-source",
        metavar="SOURCE",
        multiple=True,
        callback=_sources,
        help="As for the operator: secret, file:/PATH or kms:/SOCKET; the first is for writing. Default: secret.",
    )(command)


def roots_of(sources: tuple[NamedSource, ...], secrets: Sequence[StoredSecret], namespace: str) -> Roots:
    """Return the roots, or end with why there are none. Without a source, the root key is in its Secret."""
    places = _places(sources or IN_SECRET, secrets)
    loaded = asyncio.run(load_roots(places))
    if loaded.roots is None:
        lack = loaded.lack or RootLack.ABSENT
        end(
            f"no root key in namespace {namespace} ({places[0].where}): {lack.value}. Is --operator-namespace the "
            "operator's? Where the root is in a file or a KMS, say so with --root-source, as to the operator"
        )
    return loaded.roots


def _places(sources: tuple[NamedSource, ...], secrets: Sequence[StoredSecret]) -> tuple[RootPlace, ...]:
    try:
        return tuple(_place(named, secrets) for named in sources)
    except GrpcMissing:
        end("a KMS plugin is asked with gRPC: install sshcredential-operator[kms]")


def _place(named: NamedSource, secrets: Sequence[StoredSecret]) -> RootPlace:
    if named.path is None:
        return RootAmong(secrets)
    return RootInFile(named.path) if named.source is RootSource.FILE else RootInKms(GrpcPlugin(named.path))


def _sources(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> tuple[NamedSource, ...]:
    found = tuple(named for text in given if (named := parse_source(text)))
    if len(found) != len(given):
        raise click.BadParameter("is none of secret, file:/PATH and kms:/SOCKET")
    return found

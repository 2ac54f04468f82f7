"""Which roots the operator works with: `--root-source` in words, and the places that they name."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from sshcredential_operator.encryption.keyring_store import KeyringStore
from sshcredential_operator.encryption.kms_plugin import GrpcPlugin
from sshcredential_operator.encryption.root_file import RootInFile
from sshcredential_operator.encryption.root_key import RootSource
from sshcredential_operator.encryption.root_kms import RootInKms
from sshcredential_operator.encryption.root_secret import RootInSecret
from sshcredential_operator.encryption.roots import RootPlace

_KINDS: Final = {"secret": RootSource.SECRET, "file": RootSource.FILE, "kms": RootSource.KMS}


class NamedSource(NamedTuple):
    """One `--root-source`: what kind of place, and where it is in the file system."""

    source: RootSource
    path: Path | None = None


IN_SECRET: Final = (NamedSource(RootSource.SECRET),)
"""What is done where nobody says anything else."""


def parse_source(text: str) -> NamedSource | None:
    """Return the source that `secret`, `file:/PATH` or `kms:/SOCKET` names, or None."""
    word, _, path = text.partition(":")
    kind = _KINDS.get(word)
    if kind is RootSource.SECRET:
        return None if path or ":" in text else NamedSource(kind)
    path = path.removeprefix("unix://") if kind is RootSource.KMS else path
    return NamedSource(kind, Path(path)) if kind and path.startswith("/") else None


def places_of(sources: tuple[NamedSource, ...], store: KeyringStore) -> tuple[RootPlace, ...]:
    """Return the places; the first is for writing. Raises GrpcMissing where a plugin is named without the extra."""
    return tuple(_place(named, store) for named in sources)


def _place(named: NamedSource, store: KeyringStore) -> RootPlace:
    if named.path is None:
        return RootInSecret(store)
    return RootInFile(named.path) if named.source is RootSource.FILE else RootInKms(GrpcPlugin(named.path))

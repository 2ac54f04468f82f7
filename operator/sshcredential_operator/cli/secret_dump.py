"""Secrets out of YAML or JSON files, as kubectl prints them: several documents, and lists. Used by `recover`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from sshcredential_operator.cli.files import Unreadable, read_file
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.ring_backup import stored_secret_of

MAX_BYTES: Final = 512 * 1024 * 1024
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LISTS: Final = frozenset({"List", "SecretList"})


class Dumped(NamedTuple):
    """A Secret of a dump. None: it is none that an API server would have given."""

    namespace: str
    name: str
    secret: StoredSecret | None


def secrets_in(file: Path) -> Iterator[Dumped] | Unreadable:
    """Return the Secrets of a file, or why it cannot be read."""
    content = read_file(str(file), MAX_BYTES)
    if isinstance(content, Unreadable):
        return content
    if len(content) > MAX_BYTES:
        return Unreadable("is too large; split it")
    try:
        documents = list(yaml.load_all(content.reveal(), Loader=_LOADER))
    except (yaml.YAMLError, RecursionError, ValueError):  # ValueError: a number or date that is none
        return Unreadable("is no YAML or JSON, or was cut")
    return _secrets(documents)


def _secrets(documents: list[Any]) -> Iterator[Dumped]:
    for document in documents:
        is_list = isinstance(document, dict) and document.get("kind") in _LISTS
        items = document.get("items") if is_list else [document]
        for raw in items if isinstance(items, list) else ():
            if isinstance(raw, dict) and raw.get("kind") in ("Secret", None) and isinstance(raw.get("metadata"), dict):
                metadata = raw["metadata"]
                yield Dumped(str(metadata.get("namespace")), str(metadata.get("name")), stored_secret_of(raw))

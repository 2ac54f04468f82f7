"""The root key in a mounted file, so that a CSI driver, Vault's agent or SOPS can bring it. Used by the key ring.

The file holds what the Secret's value would hold. It is read at every load: who replaces it needs no restart. While a
key is being replaced it holds the new one first, and the old one after it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from sshcredential_operator.encryption.root_key import RootSource, root_keys_from_bytes
from sshcredential_operator.encryption.roots import LocalRoot, RootLack

_LONGEST: Final = 64 * 1024


class RootInFile:
    """Reads it in a thread: a file system may be slow to answer."""

    source = RootSource.FILE

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def where(self) -> str:
        """Name it for people."""
        return f"file {self._path}"

    async def load(self) -> LocalRoot | RootLack:
        """Read the file; a last line break, as editors make, does not count."""
        return await asyncio.to_thread(self._load)

    def _load(self) -> LocalRoot | RootLack:
        try:
            with self._path.open("rb") as file:
                text = file.read(_LONGEST)
        except FileNotFoundError:
            return RootLack.ABSENT
        except OSError:
            return RootLack.AWAY
        keys = root_keys_from_bytes(text.removesuffix(b"\n"))
        return RootLack.MALFORMED if keys is None else LocalRoot(self.source, keys)

"""Host certificates of every kind, made by the real ssh-keygen, and some put together by hand."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path
from typing import Final

from unit.keys.key_files import KeyFiles, Kind, run

HOST: Final = "login.hpc.example.org"
CERTIFICATE: Final = b"-cert-v01@openssh.com"


def blob_in(line: str) -> bytes:
    """Return the wire form in a line `type base64 [comment]`."""
    return base64.b64decode(line.split()[1])


def short(line: str) -> str:
    """Return a line without its comment."""
    return " ".join(line.split()[:2])


class Authority:
    """Signs with one key; its files lie in a folder of its own, a new one for each certificate."""

    def __init__(self, key_files: KeyFiles, kind: Kind, folder: Path) -> None:
        self._files = key_files
        self._folder = folder
        self._count = 0
        self.key = folder / "ca"
        if kind.algorithm == "Ed25519":  # cheap: one of its own, so that it is not a host's key too
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key)
        else:
            shutil.copy(key_files.original(kind), self.key)
            shutil.copy(key_files.original(kind).with_suffix(".pub"), self.key.with_suffix(".pub"))

    @property
    def line(self) -> str:
        return short(self.key.with_suffix(".pub").read_text())

    @property
    def blob(self) -> bytes:
        return blob_in(self.line)

    def file(self, kind: Kind, *options: str) -> Path:
        """Return the file of a certificate for this key; without options, a good one for HOST."""
        self._count += 1
        public = self._folder / f"{self._count}.pub"
        public.write_text(self._files.line(kind) + "\n")
        run("ssh-keygen", "-q", "-s", self.key, "-I", "id", *(options or ("-h", "-n", HOST)), public)
        return self._folder / f"{self._count}-cert.pub"

    def certificate(self, kind: Kind, *options: str) -> bytes:
        """Return a certificate in wire form."""
        return blob_in(self.file(kind, *options).read_text())

"""Builds a Go program and keeps it. Used for the control plane, for the consumers and for tests/tools.

The program lies among the tests, or is somebody else's and pinned by a go.mod there.
"""

from __future__ import annotations

import hashlib
import os
import re
import selectors
import subprocess
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, NamedTuple

from controlplane.gotoolchain import find_go
from controlplane.once import make_once
from controlplane.places import cache_folder
from controlplane.progress import Progress, say

LINES_SHOWN_ON_FAILURE: Final = 30


class BuildFailed(Exception):
    """`go build` did not succeed. The text holds the end of what it said."""


class GoProgram(NamedTuple):
    """What is built: a folder with go.mod and go.sum, and main.go where the program is our own."""

    name: str
    sources: Path
    flags: list[str]
    announcement: str
    """What somebody who waits for the build is told."""
    package: str = "."
    """The import path of its main package."""

    def fingerprint(self) -> str:
        """Return what names the build: another source, dependency or flag gives another binary."""
        digest = hashlib.sha256(" ".join(self.flags).encode())
        for name in ("main.go", "go.mod", "go.sum") if self.package == "." else ("go.mod", "go.sum"):
            digest.update((self.sources / name).read_bytes())
        return digest.hexdigest()[:16]

    def built(self) -> Path:
        """Return the path of the binary, building it if this version of it was never built before.

        Raises `BuildFailed`, or `NoGo` where there is no Go and none can be installed.
        """
        return make_once(cache_folder() / self.fingerprint() / self.name, self._build)

    def _build(self, target: Path) -> None:
        command = [str(find_go(self.sources)), "build", "-v", *self.flags, "-o", str(target), self.package]
        # Nothing of a developer's own Go settings may change what is built.
        settings = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off", "GOTOOLCHAIN": "local"}
        say(self.announcement)
        process = subprocess.Popen(
            command,
            cwd=self.sources,
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        with process:
            if process.stderr is None:  # never: it was asked for above
                raise BuildFailed("go build has no output to follow")
            _follow(process, process.stderr)


def stripped(*linker: str) -> list[str]:
    """Return the flags of `go build`: static, small, the same on every machine."""
    return ["-trimpath", "-buildvcs=false", "-ldflags", " ".join(["-s -w", *linker])]


def _follow(process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
    progress = Progress("go build")
    compiled = fetched = 0
    last: deque[str] = deque(maxlen=LINES_SHOWN_ON_FAILURE)
    try:
        for line in _lines_or_none(output):
            if line is not None and line.startswith("go: downloading "):
                fetched += 1
            elif line is not None and not re.fullmatch(r"[\w.~/-]+", line):
                last.append(line)
            elif line is not None:
                compiled += 1
            progress.tick(f"{fetched} modules fetched, {compiled} packages compiled")
    except BaseException:
        process.terminate()
        raise
    if process.wait() != 0:
        progress.finish("failed")
        raise BuildFailed("`go build` failed:\n" + "\n".join(last))
    progress.finish("done")


def _lines_or_none(output: IO[bytes]) -> Iterator[str | None]:
    """Yield each line of a pipe, and None once a second while nothing comes: linking is long and silent."""
    descriptor, rest = output.fileno(), b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            if not selector.select(timeout=1):
                yield None
                continue
            if not (chunk := os.read(descriptor, 65536)):
                break
            *lines, rest = (rest + chunk).split(b"\n")
            yield from (line.decode(errors="replace") for line in lines)
    if rest:
        yield rest.decode(errors="replace")

"""Builds the one binary that holds the whole control plane, and keeps it. Called before a control plane starts."""

from __future__ import annotations

import hashlib
import os
import re
import selectors
import subprocess
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from controlplane.gotoolchain import find_go
from controlplane.once import make_once
from controlplane.places import SOURCES, cache_folder
from controlplane.progress import Progress, say

VERSION_PACKAGE: Final = "k8s.io/component-base/version"
LINES_SHOWN_ON_FAILURE: Final = 30


class BuildFailed(Exception):
    """`go build` did not succeed. The text holds the end of what it said."""


def built_binary() -> Path:
    """Return the path of the control plane's binary, building it if this version of it was never built before.

    Raises `BuildFailed`, or `NoGo` where there is no Go and none can be installed.
    """
    return make_once(cache_folder() / fingerprint() / "controlplane", _build)


def fingerprint(sources: Path = SOURCES) -> str:
    """Return what names the build: another source, dependency or flag gives another binary."""
    digest = hashlib.sha256(" ".join(build_flags(sources)).encode())
    for name in ("main.go", "go.mod", "go.sum"):
        digest.update((sources / name).read_bytes())
    return digest.hexdigest()[:16]


def build_flags(sources: Path = SOURCES) -> list[str]:
    """Return the flags of `go build`: static, small, the same on every machine, and telling its version."""
    version = kubernetes_version((sources / "go.mod").read_text())
    major, minor, _ = version.removeprefix("v").split(".")
    told = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    stamps = [f"-X {VERSION_PACKAGE}.{name}={value}" for name, value in told.items()]
    return ["-trimpath", "-buildvcs=false", "-ldflags", " ".join(["-s -w", *stamps])]


def kubernetes_version(go_mod: str) -> str:
    """Return the version of Kubernetes that a go.mod requires, with its leading v."""
    found = re.search(r"^\s*k8s\.io/kubernetes (v\d+\.\d+\.\d+)", go_mod, re.MULTILINE)
    if found is None:
        raise BuildFailed("go.mod does not require k8s.io/kubernetes")
    return found[1]


def _build(target: Path) -> None:
    command = [str(find_go()), "build", "-v", *build_flags(), "-o", str(target), "."]
    # Nothing of a developer's own Go settings may change what is built.
    settings = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off", "GOTOOLCHAIN": "local"}
    say("building Kubernetes and etcd from source, once on this machine (about 6 minutes on two cores)")
    process = subprocess.Popen(
        command,
        cwd=SOURCES,
        env={**os.environ, **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    with process:
        if process.stderr is None:  # never: it was asked for above
            raise BuildFailed("go build has no output to follow")
        _follow(process, process.stderr)


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

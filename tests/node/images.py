"""Builds the images that a node runs, and keeps them as archives. Used by `node`, and by tests for images of their own.

buildah builds as root in a folder of its own: no daemon, no registry, and nothing of the machine's own images is seen.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from controlplane.gobuild import BuildFailed, GoProgram, stripped
from controlplane.once import locked, make_once
from controlplane.places import cache_folder
from controlplane.progress import say
from node.programs import PATH, path_of
from tools.programs import program

PAUSE: Final = "localhost/pause:test"
COREDNS: Final = "localhost/coredns:test"

PAUSE_PROGRAM: Final = GoProgram(
    "pause", Path(__file__).with_name("pause"), stripped(), "building the process that holds a pod's namespaces"
)
LINES_SHOWN_ON_FAILURE: Final = 40


def pause() -> Path:
    """Return the archive of the image that holds each pod's namespaces."""
    return of_one_program(PAUSE, PAUSE_PROGRAM.built())


def coredns() -> Path:
    """Return the archive of the cluster's name server."""
    return of_one_program(COREDNS, program("coredns"))


def of_one_program(reference: str, binary: Path, *arguments: str) -> Path:
    """Return the archive of an image that holds one static program and nothing else, run by nobody in particular."""
    entrypoint = json.dumps([f"/{binary.name}", *arguments])
    text = f"FROM scratch\nCOPY {binary.name} /{binary.name}\nUSER 65532:65532\nENTRYPOINT {entrypoint}\n"

    def make(archive: Path) -> None:
        with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
            shutil.copy(binary, folder)
            (Path(folder) / "Dockerfile").write_text(text)
            build(reference, Path(folder), archive)

    # A built program's folder is named by all that it was built from.
    return kept(reference, f"{text}{binary}".encode(), make)


def kept(reference: str, content: bytes, make: Callable[[Path], None]) -> Path:
    """Return the archive of an image, made once for everything that went into it (`content`)."""
    name = reference.rpartition("/")[2].partition(":")[0]
    digest = hashlib.sha256(reference.encode() + b"\0" + content).hexdigest()[:16]
    return make_once(cache_folder() / "images" / digest / f"{name}.tar", make)


def build(
    reference: str, context: Path, archive: Path, options: Sequence[str] = (), dockerfile: Path | None = None
) -> None:
    """Build a folder's Dockerfile, and write the image to an archive that `Node.load_image` takes.

    `options` are buildah's own, such as `--build-arg` or `--volume`. Raises `BuildFailed` with what it said.
    """
    say(f"building the image {reference}")
    chosen = dockerfile or context / "Dockerfile"
    with locked(_store() / "lock", "another process is building an image"):
        isolation = ("--isolation", "chroot", "--network", "host", "--layers")
        buildah("build", *isolation, *options, "--tag", reference, "--file", str(chosen), str(context))
        archive.unlink(missing_ok=True)
        buildah("push", "--signature-policy", str(_policy()), reference, f"docker-archive:{archive}:{reference}")


def buildah(*arguments: str) -> str:
    """Run buildah on the project's own store, and return what it printed."""
    outcome = _run(_driver(), arguments)
    if outcome.returncode != 0:
        said = "\n".join((outcome.stdout + outcome.stderr).splitlines()[-LINES_SHOWN_ON_FAILURE:])
        raise BuildFailed(f"buildah {arguments[0]} failed:\n{said}")
    return outcome.stdout


def _run(driver: str, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    # In mounts of its own: it leaves some behind.
    apart = (path_of("unshare"), "--mount", "--propagation=private", "--")
    store = ("--root", str(_store() / driver), "--runroot", str(_store() / f"{driver}-run"))
    command = (*apart, path_of("buildah"), *store, "--storage-driver", driver, *arguments)
    environment = {**os.environ, "PATH": PATH}
    return subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


@functools.cache
def _driver() -> str:
    """Overlay file systems are fast, but not to be had on top of each other: then whole copies."""
    return "overlay" if _run("overlay", ("info",)).returncode == 0 else "vfs"


def _store() -> Path:
    store = cache_folder() / "buildah"
    store.mkdir(mode=0o700, parents=True, exist_ok=True)
    return store


def _policy() -> Path:
    """Images are written to a file here, and none is fetched: whose signature they bear is of no interest."""
    policy = _store() / "policy.json"
    policy.write_text(json.dumps({"default": [{"type": "insecureAcceptAnything"}]}))
    return policy

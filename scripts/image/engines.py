"""The programs that can build an image: Docker, Podman, Buildah. Used by the builder and its base.

Docker and Podman keep the image where the machine's other images are. Buildah is for machines without a daemon: it has
a store of its own, needs neither user namespaces nor a container runtime, and the image leaves it as an archive.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from image.places import CHECKOUT, cache_folder

PULL_SECONDS: Final = 600


class Engine(NamedTuple):
    """How one of the programs is called."""

    name: str
    command: tuple[str, ...]
    build: tuple[str, ...]

    def run(self, *arguments: str) -> None:
        """Run a command of the program, showing what it says; end with a sentence when it fails."""
        if subprocess.run([*self.command, *arguments], check=False).returncode:
            raise SystemExit(f"image: {self.name} {arguments[0]} failed; the reason stands above")

    def can(self, *arguments: str) -> bool:
        """Return whether a command of the program succeeds, saying nothing."""
        try:
            return not subprocess.run(
                [*self.command, *arguments], capture_output=True, check=False, timeout=PULL_SECONDS
            ).returncode
        except (OSError, subprocess.TimeoutExpired):
            return False

    def build_image(self, arguments: Mapping[str, str], secrets: Mapping[str, Path], *options: str) -> None:
        """Build the Dockerfile, or one target of it."""
        given = [part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")]
        handed = [part for name, path in secrets.items() for part in ("--secret", f"id={name},src={path}")]
        self.run(*self.build, *given, *handed, *options, str(CHECKOUT))

    def has(self, image: str) -> bool:
        """Return whether the image is here already."""
        return self.can("inspect", "--type", "image", image)

    def pull(self, image: str) -> bool:
        """Return whether the image is here now."""
        trust = policy() if self.name == "buildah" else ()
        return self.has(image) or self.can("pull", "--quiet", *trust, image)

    def import_root(self, archive: Path, image: str) -> None:
        """Make an image out of the archive of a root file system."""
        if self.name != "buildah":
            self.run("import", str(archive), image)
            return
        start = [*self.command, "from", *policy(), "scratch"]
        container = subprocess.check_output(start, text=True).strip()
        self.run("add", "--quiet", container, str(archive), "/")
        self.run("config", "--env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", container)
        self.run("commit", "--quiet", "--rm", *policy(), container, image)

    def save(self, image: str, archive: Path) -> None:
        """Write the image as an archive that `docker load`, `podman load` and `ctr images import` read."""
        archive.parent.mkdir(parents=True, exist_ok=True)
        archive.unlink(missing_ok=True)
        if self.name == "buildah":
            self.run("push", "--quiet", *policy(), image, f"docker-archive:{archive}:{image}")
        else:
            self.run("save", "--output", str(archive), image)


DOCKER: Final = Engine("docker", ("docker",), ("build", "--quiet"))
PODMAN: Final = Engine("podman", ("podman",), ("build", "--quiet"))


def find_engine(wished: str = "") -> Engine:
    """Return the first engine that works on this machine; as root on Debian, Buildah is installed for it."""
    known = {"docker": DOCKER, "podman": PODMAN}
    if wished in known:
        return known[wished]
    if not wished:
        for engine in known.values():
            if shutil.which(engine.name) and engine.can("version"):
                return engine
    return buildah()


def buildah() -> Engine:
    """Return Buildah with a store of its own, by overlay mounts where the file system allows them."""
    provide("buildah")
    for driver in ("overlay", "vfs"):
        store = cache_folder() / f"store-{driver}"
        places = ("--root", str(store), "--runroot", str(store / "run"), "--storage-driver", driver)
        engine = Engine(
            "buildah",
            ("buildah", *places),
            ("build", "--quiet", "--layers", "--isolation", "chroot", "--network", "host", *policy()),
        )
        if engine.can("info"):
            return engine
    raise SystemExit("image: buildah can keep no images in " + str(cache_folder()))


def policy() -> tuple[str, str]:
    """Return Buildah's option for whose images it takes: the usual file is in a package that may be missing."""
    path = cache_folder() / "policy.json"
    path.write_text('{"default": [{"type": "insecureAcceptAnything"}]}\n', encoding="utf-8")
    return "--signature-policy", str(path)


def provide(program: str) -> None:
    """Install a program, which has the name of its package, where it is missing: as root on Debian."""
    if shutil.which(program):
        return
    if os.getuid() or not shutil.which("apt-get"):
        raise SystemExit(f"image: needs docker (a running daemon), podman or buildah; {program} is not installed here")
    print(f"image: installing the Debian package {program}", flush=True)
    subprocess.run(["sh", str(CHECKOUT / "scripts/apt-install.sh"), program], check=True)

"""What the image is built from: the public image of Python, or Debian's own packages. Used by the builder."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path
from typing import Final

from image.engines import Engine, provide
from image.places import cache_folder

PUBLIC: Final = "python:3.13-slim"
SUITE: Final = "trixie"  # its Python is 3.13, too
PACKAGES: Final = ("python3", "python3-venv", "ca-certificates")
KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
LEFT_OUT: Final = ("path-exclude=/usr/share/man/*", "path-exclude=/usr/share/locale/*")


def choose(engine: Engine, wished: str) -> str:
    """Return the base's name: what was wished for, else the public image, else Debian's packages."""
    if wished == "debian":
        return debian(engine)
    if wished:
        return wished
    if engine.pull(PUBLIC):
        return PUBLIC
    print(f"image: {PUBLIC} cannot be pulled here; building on Debian's packages instead (BASE=debian)", flush=True)
    return debian(engine)


def debian(engine: Engine) -> str:
    """Return the name of a base made of Debian's packages, made now if it is not here."""
    sources = mirrors()
    made_of = hashlib.sha256(repr((SUITE, PACKAGES, LEFT_OUT, sources)).encode()).hexdigest()[:12]
    image = f"localhost/sshcredential-operator-base:{SUITE}-{made_of}"
    if engine.has(image):
        return image
    provide("mmdebstrap")
    print(f"image: making a base of Debian {SUITE} (a minute or two)", flush=True)
    archive = cache_folder() / f"{SUITE}-{made_of}.tar"
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
    command += [f"--dpkgopt={option}" for option in LEFT_OUT]
    if subprocess.run([*command, SUITE, str(archive), *sources], check=False).returncode:
        raise SystemExit("image: mmdebstrap failed; the reason stands above")
    engine.import_root(archive, image)
    archive.unlink()
    return image


def mirrors() -> list[str]:
    """Return the sources of packages that this machine's apt has, with the names of our suite."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"]
    try:
        listed = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        raise SystemExit(f"image: without apt there are no Debian packages; name a base: BASE={PUBLIC}") from None
    found = (re.fullmatch(r"(\S+) [a-z]+((?:-updates|-security)?)", line) for line in listed)
    lines = {f"deb [signed-by={KEYRING}] {each[1]} {SUITE}{each[2]} main" for each in found if each}
    if not lines:
        raise SystemExit(f"image: this machine's apt has no lists of packages (apt-get update); or BASE={PUBLIC}")
    return sorted(lines)

"""Picks out of the base what the image needs to run Python, no more. Called by the Dockerfile: rootfs.py FOLDER.

An allow-list: the interpreter, the standard library without its parts for desktops and developers, the shared libraries
that these and the installed wheels are linked with, and a few files of /etc. Run by the virtual environment's Python.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

NOT_SHIPPED: Final = {
    "__phello__",
    "ensurepip",  # holds a copy of pip
    "idlelib",
    "lib2to3",
    "pydoc_data",
    "site-packages",
    "dist-packages",
    "test",
    "tkinter",
    "turtledemo",
    "venv",
}
"""Folders of the standard library that no server needs."""

NOT_SHIPPED_FILES: Final = re.compile(
    r"config-.*|__pycache__|.*\.pyc|.*\.a|turtle\.py|pip.*"
    r"|(_tkinter|_curses|_curses_panel|_dbm|_gdbm|_sqlite3|readline|xx.*|_test.*|_ctypes_test)\..*so"
)
"""Names below the standard library: build settings, bytecode (made again), and modules for terminals and databases."""

ETC: Final = ("os-release", "nsswitch.conf", "ld.so.cache", "ssl/certs/ca-certificates.crt", "ssl/openssl.cnf")
LOADED_LATER: Final = ("libgcc_s.so.1",)
"""What glibc opens by name, so that no program is linked with it: ending a thread needs it."""

PASSWD: Final = """\
root:x:0:0:root:/root:/usr/sbin/nologin
sshcredential:x:65532:65532::/nonexistent:/usr/sbin/nologin
"""
GROUP: Final = "root:x:0:\nsshcredential:x:65532:\n"
"""The uid has a name because libraries ask for it."""


def main(target: Path) -> None:
    """Fill the folder."""
    target.mkdir(parents=True)
    for link in (path for path in Path("/").iterdir() if path.is_symlink() and path.name.startswith("lib")):
        (target / link.name).symlink_to(link.readlink())  # /lib is /usr/lib
    standard_library = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
    executable = Path(sys.executable).resolve()
    copy_interpreter(target)
    for folder in sorted(standard_library):
        shutil.copytree(folder, target / folder.relative_to("/"), ignore=not_shipped, symlinks=True, dirs_exist_ok=True)
    venv = Path(sys.prefix)
    for library in sorted(libraries([executable, *extensions(target), *extensions(venv)])):
        if not library.is_relative_to(venv):
            copy_file(library, target)
    write_etc(target)
    keep_packages(target)


def copy_interpreter(target: Path) -> None:
    """Copy the interpreter with the links that lead the virtual environment to it."""
    link = Path(sys.prefix) / "bin" / "python3"
    while link.is_relative_to(sys.prefix):
        link = link.parent / link.readlink()
    copy_file(link, target)


def not_shipped(_folder: str, names: list[str]) -> list[str]:
    """Return the names that are left out."""
    return [name for name in names if name in NOT_SHIPPED or NOT_SHIPPED_FILES.fullmatch(name)]


def extensions(folder: Path) -> Iterator[Path]:
    """Yield the shared objects below the folder."""
    return (path for path in folder.rglob("*.so*") if path.is_file())


def libraries(linked: Iterable[Path]) -> set[Path]:
    """Return every shared library that the files need, as the dynamic loader finds them."""
    answer = subprocess.run(["ldd", *map(str, linked)], capture_output=True, text=True, check=False).stdout
    if "not found" in answer:
        sys.exit(f"a shared library is missing in the base:\n{answer}")
    found = {Path(path) for path in re.findall(r"(?:=> |^\s+)(/\S+) \(0x", answer, re.MULTILINE)}
    if not found:
        sys.exit(f"ldd names no library:\n{answer}")
    folders = {path.parent for path in found}
    return found | {folder / name for folder in folders for name in LOADED_LATER if (folder / name).exists()}


def copy_file(path: Path, target: Path) -> None:
    """Copy a file to its own place under the target; a link is copied together with what it points to."""
    path = path.parent.resolve() / path.name  # the folder may be reached through a link: /lib64 is /usr/lib64
    place = target / path.relative_to("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists() or place.is_symlink():
        return
    shutil.copy2(path, place, follow_symlinks=False)
    if path.is_symlink():
        copy_file(path.parent / path.readlink(), target)


def write_etc(target: Path) -> None:
    """Write accounts, and copy what the C library, OpenSSL and scanners look for."""
    for name in ETC:
        if (Path("/etc") / name).exists():
            place = target / "etc" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path("/etc") / name, place)
    (target / "etc" / "passwd").write_text(PASSWD, encoding="utf-8")
    (target / "etc" / "group").write_text(GROUP, encoding="utf-8")
    (target / "tmp").mkdir()
    (target / "tmp").chmod(0o1777)


def keep_packages(target: Path) -> None:
    """Keep what Debian says of the packages that the files come from: for the list of parts, scanners, licences."""
    status = target / "var" / "lib" / "dpkg" / "status.d"
    status.mkdir(parents=True)
    for package in sorted(owners(target)):
        said = subprocess.run(["dpkg-query", "--status", package], capture_output=True, text=True, check=True).stdout
        (status / package).write_text(said, encoding="utf-8")
        copyright_file = Path("/usr/share/doc") / package / "copyright"
        if copyright_file.exists():
            place = target / copyright_file.relative_to("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(copyright_file, place)


def owners(target: Path) -> set[str]:
    """Return the Debian packages that own files under the target."""
    names = {"/" + str(path.relative_to(target)) for path in target.rglob("*") if not path.is_dir()}
    found = set()
    for listing in Path("/var/lib/dpkg/info").glob("*.list"):
        if names & {placed(line) for line in listing.read_text(encoding="utf-8").splitlines()}:
            found.add(listing.stem.partition(":")[0])
    return found


def placed(name: str) -> str:
    """Return where a file of Debian's lists really lies: some name it by the old places /lib and /lib64."""
    return f"/usr{name}" if name.startswith(("/lib/", "/lib64/")) else name


if __name__ == "__main__":
    main(Path(sys.argv[1]))

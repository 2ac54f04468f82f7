"""The files that manifests lie in: found in folders, read, compared and written in one step. Used by `reseal`."""

from __future__ import annotations

import difflib
import io
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from sshcredential_operator.cli.files import Unreadable, read_file

ENDINGS: Final = frozenset({".yaml", ".yml", ".json"})
MAX_BYTES: Final = 16 * 1024 * 1024


def files_in(paths: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
    """Yield every file, once, and whether it was named; of folders what may be a manifest, but nothing hidden."""
    seen: set[Path] = set()
    for path in paths:
        found = _in_folder(path) if path.is_dir() else [path]
        for file in found:
            if file.resolve() not in seen:
                seen.add(file.resolve())
                yield file, not path.is_dir()


def text_of(file: Path) -> str | Unreadable:
    """Return the text of a file, with its line ends as they are."""
    content = read_file(str(file), MAX_BYTES)
    if isinstance(content, Unreadable):
        return content
    if len(content) > MAX_BYTES:
        return Unreadable("is too large for a manifest")
    try:
        return content.reveal().decode()
    except UnicodeDecodeError:
        return Unreadable("is no text in UTF-8")


def write_instead(file: Path, before: str, after: str) -> Unreadable | None:
    """Let the file hold the text `after`, in one step and with its mode kept; a link stays one.

    Not where it no longer holds `before`. Return why not.
    """
    target = file.resolve()
    if text_of(target) != before:
        return Unreadable("was changed meanwhile")
    beside: str | None = None
    try:
        handle, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "wb") as out:
            out.write(after.encode())
            os.fchmod(out.fileno(), target.stat().st_mode & 0o7777)
            out.flush()
            os.fsync(out.fileno())
        Path(beside).replace(target)
    except OSError as error:
        if beside:
            Path(beside).unlink(missing_ok=True)
        return Unreadable(error.strerror or "cannot be written")
    return None


def difference(file: Path, before: str, after: str) -> str:
    """Return a unified diff that `git apply` and `patch -p1` take."""
    name = file.as_posix().lstrip("/")
    lines = difflib.unified_diff(_lines(before), _lines(after), f"a/{name}", f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _in_folder(folder: Path) -> list[Path]:
    found: list[Path] = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(place, name) for name in sorted(files) if Path(name).suffix in ENDINGS and name[0] != "."]
    return found


def _lines(text: str) -> list[str]:
    return list(io.StringIO(text, newline="\n"))

"""What an authorized_keys file shall hold after an `Arrangement`: bytes in, bytes out, pure. Used by `arranging.py`.

A line of ours is `[options] type base64 [comment] mark`, one blank between its parts, ended by LF. The comment is the
public key's own, with `?` for what is not printable ASCII. A line counts as ours by its last word alone.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sshcredential_operator.encryption.public_line import fingerprint_of
from sshcredential_operator.ssh.authorized_keys import MAX_BYTES, Key, Line, parse_key, parse_line, split_lines
from sshcredential_operator.ssh.install_causes import InstallCause, refuse
from sshcredential_operator.ssh.visit import Arrangement

_MARK: Final = re.compile(rb"[!-~]{1,512}")
_UNPRINTABLE: Final = re.compile(rb"[^ -~]")
_LONGEST_COMMENT: Final = 128


@dataclass(frozen=True, slots=True)
class Edited:
    """The file's new content, and what it holds of this credential, as fingerprints."""

    content: bytes
    ours: frozenset[str]
    by_hand: frozenset[str]
    removed: frozenset[str]


def edit(content: bytes, arrangement: Arrangement) -> Edited:
    """Return the content as the arrangement wants it; where nothing lacks, the very same bytes.

    Raises NotInstalled when the file is, or would be, too large, and when the options cannot stand before a key.
    """
    if len(content) > MAX_BYTES:
        refuse(InstallCause.TOO_LARGE)
    mark = arrangement.mark.encode()
    wanted = {key.blob: own_line(arrangement.options, key, mark) for key in map(_key, arrangement.wanted)}
    kept = {_key(text).blob for text in arrangement.kept}
    before = [parse_line(raw) for raw in split_lines(content)]
    after = list(_left(before, mark, wanted, kept))
    there = {line.blob for line in after}
    missing = [line for blob, line in wanted.items() if blob not in there]
    result = b"".join(line.raw for line in after)
    if missing:
        result = _ended(result) + b"".join(line.raw for line in missing)
    if len(result) > MAX_BYTES:
        refuse(InstallCause.TOO_LARGE)
    ours = {line.blob for line in [*after, *missing] if line.last_word == mark}
    return Edited(
        result,
        _fingerprints(ours),
        _fingerprints(line.blob for line in after if line.last_word != mark and line.blob in wanted),
        _fingerprints({line.blob for line in before if line.last_word == mark} - ours),
    )


def own_line(options: str, key: Key, mark: bytes) -> Line:
    """Return the line that installs the key; refuse options with which sshd would read it in another way."""
    blob = base64.b64encode(key.blob)
    type_length = int.from_bytes(key.blob[:4], "big")
    comment = _UNPRINTABLE.sub(b"?", key.comment.strip()[:_LONGEST_COMMENT])
    before = options.strip().encode()
    parts = (before, key.blob[4 : 4 + type_length], blob, comment, mark)
    line = parse_line(b" ".join(part for part in parts if part) + b"\n")
    if (line.blob, line.options, line.last_word) != (key.blob, before, mark) or not _MARK.fullmatch(mark):
        refuse(InstallCause.BAD_OPTIONS)
    return line


def with_lost_lines(current: bytes, base: bytes, late: bytes) -> bytes:
    """Return `current` with the lines that somebody added to the old file after we had read it.

    `base` is what we read and replaced; `late` is what the old file, which has no name any more, holds now.
    """
    known = {line.rstrip(b"\n") for line in split_lines(base) + split_lines(current)}
    lost = [line for line in split_lines(late) if line.rstrip(b"\n") not in known]
    return _ended(current) + b"".join(lost) if lost else current


def _left(before: list[Line], mark: bytes, wanted: dict[bytes, Line], kept: set[bytes]) -> Iterator[Line]:
    """Yield the lines that stay: all of others, kept ones, and each wanted key's first one, mended where it differs."""
    seen: set[bytes] = set()
    for line in before:
        if line.last_word != mark:
            yield line
        elif line.blob in wanted and line.blob not in seen:
            seen.add(line.blob)
            own = wanted[line.blob]
            yield line if line.options == own.options else own
        elif line.blob in kept and line.blob not in wanted:
            yield line


def _ended(content: bytes) -> bytes:
    return content + b"\n" if content and not content.endswith(b"\n") else content


def _key(text: str) -> Key:
    key = parse_key(text.encode())
    if key is None:
        raise ValueError("an arrangement holds public keys only")
    return key


def _fingerprints(blobs: Iterable[bytes | None]) -> frozenset[str]:
    return frozenset(fingerprint_of(blob) for blob in blobs if blob is not None)

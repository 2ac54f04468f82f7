"""The same as `sftp_arranging` where there is no SFTP: `arrange.sh`, run by a POSIX shell. Used by `arranging.py`.

The command line carries a loader only; script and content come by stdin, which the loader reads line by line.
What the account's start files print is passed over: ours begins with a mark that is nowhere in what we send.
"""

from __future__ import annotations

import contextlib
import random
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.resources import files
from typing import Final, NamedTuple, Protocol

from sshcredential_operator.ssh.authorized_edit import Edited, edit, with_lost_lines
from sshcredential_operator.ssh.authorized_keys import MAX_BYTES
from sshcredential_operator.ssh.deadline import Deadline
from sshcredential_operator.ssh.install_causes import InstallCause, NotInstalled, refuse
from sshcredential_operator.ssh.outcome import Outcome, with_removed
from sshcredential_operator.ssh.visit import Arrangement

LOADER: Final = (
    """exec sh -c 'n=$(printf "\\n."); n=${n%.}; s=; while IFS= read -r l; do """
    """[ "$l" = sshcredential-operator:end-of-script ] && break; s=$s$l$n; done; eval "$s"'"""
)
SCRIPT: Final = files("sshcredential_operator.ssh").joinpath("arrange.sh").read_bytes()
_MOST_NOISE: Final = 64 * 1024
_AGAIN: Final = frozenset({b"Locked", b"Changed"})
_CAUSES: Final = {cause.value.encode(): cause for cause in InstallCause}


class Channel(Protocol):
    """What is needed of a channel of the library, on which LOADER was started."""

    def sendall(self, data: bytes, /) -> None:
        """Write."""

    def recv(self, nbytes: int, /) -> bytes:
        """Read."""

    def shutdown_write(self) -> None:
        """End the script's stdin."""


Started = Callable[[], AbstractContextManager[Channel]]
"""Starts LOADER on a channel of its own, for a block."""


class _Again(Exception):
    """Somebody else was there; it may be better next time."""


class _Seen(NamedTuple):
    content: bytes
    safe: bool


class _Script:
    """One run of the script."""

    def __init__(self, channel: Channel, mode: str) -> None:
        self._channel = channel
        self._unread = b""
        first, second, token = (secrets.token_hex(16) for _ in range(3))
        self._mark = f"\n{first}{second} ".encode()
        self._heard = False
        settings = f"mode={mode} half1={first} half2={second} token={token}\n".encode()
        self.send(settings + SCRIPT + b"\nsshcredential-operator:end-of-script\n")

    def send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # it may have refused and ended: what it said is read next
            self._channel.sendall(data)

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self._channel.shutdown_write()

    def look(self) -> _Seen:
        _, words = self._said()
        if len(words) != 3 or words[0] != b"file":  # noqa: PLR2004 - file, whether it is there, its mode
            refuse(InstallCause.NONSENSE)
        return _Seen(self.content(), words[2] == b"safe")

    def content(self) -> bytes:
        content, words = self._said()
        if words != [b"end"] or len(content) > MAX_BYTES:
            refuse(InstallCause.NONSENSE)
        return content

    def done(self) -> bool:
        """Return whether the replaced file was changed late; what it holds is read as content then."""
        if self._said()[1] != [b"done"]:
            refuse(InstallCause.NONSENSE)
        return self._next() is not None

    def _said(self) -> tuple[bytes, list[bytes]]:
        """Return the bytes before the next mark, and the words after it."""
        found = self._next()
        if found is None:
            refuse(InstallCause.NONSENSE if self._heard else InstallCause.NO_SHELL)
        self._heard = True
        words = found[1]
        if words[:1] == [b"refused"]:
            if words[1] in _AGAIN:
                raise _Again
            refuse(_CAUSES.get(words[1], InstallCause.NONSENSE))
        return found

    def _next(self) -> tuple[bytes, list[bytes]] | None:
        while True:
            before, mark, after = self._unread.partition(self._mark)
            if mark and b"\n" in after:
                line, _, self._unread = after.partition(b"\n")
                return before, line.split()
            if len(self._unread) > MAX_BYTES + _MOST_NOISE:
                refuse(InstallCause.NONSENSE if self._heard else InstallCause.NO_SHELL)
            if not (more := self._channel.recv(64 * 1024)):
                return None
            self._unread += more


def arrange_by_shell(started: Started, arrangement: Arrangement, deadline: Deadline) -> Outcome:
    """Return what the file holds now; raise NotInstalled, with the file as it was."""
    with _run(started, "look") as script:
        script.end()
        seen = script.look()
        edited = edit(seen.content, arrangement)
        if edited.content == seen.content and seen.safe:
            return Outcome(edited, changed=False)
    lost: tuple[bytes, bytes] | None = None
    before: Edited | None = None
    give_up = Deadline.after(deadline.remaining() / 2)
    while not give_up.passed():
        try:
            with _run(started, "write") as script:
                seen, edited = _write(script, arrangement, lost)
                before = with_removed(edited, before)
                if not script.done():
                    return Outcome(before, changed=True)
                lost = (seen.content, script.content())
        except _Again:
            time.sleep(random.uniform(0.02, 0.15))  # noqa: S311 - only so that writers do not keep step
    raise NotInstalled(InstallCause.BUSY)


def _write(script: _Script, arrangement: Arrangement, lost: tuple[bytes, bytes] | None) -> tuple[_Seen, Edited]:
    seen = script.look()
    edited = edit(with_lost_lines(seen.content, *lost) if lost else seen.content, arrangement)
    if edited.content == seen.content:
        script.send(b"keep\n")
    else:
        script.send(b"%d\n" % len(edited.content) + edited.content)
    script.end()
    return seen, edited


@contextmanager
def _run(started: Started, mode: str) -> Iterator[_Script]:
    with started() as channel:
        yield _Script(channel, mode)

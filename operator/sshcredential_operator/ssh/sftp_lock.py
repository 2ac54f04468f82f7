"""The lock that writers of authorized_keys take turns by, and what dead ones left behind, over SFTP.

Used by `sftp_arranging.py`; the script for a shell uses the same names. Other programs do not know the lock.
"""

from __future__ import annotations

import contextlib
import random
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sshcredential_operator.api.target_spec import LONGEST_TIMEOUT
from sshcredential_operator.ssh.deadline import Deadline
from sshcredential_operator.ssh.install_causes import InstallCause, refuse
from sshcredential_operator.ssh.sftp import CREATE_NEW, FAILURE, Refused, Sftp

LOCK: Final = b".authorized_keys.sshcredential-operator.lock"
TEMPORARY: Final = b".authorized_keys.sshcredential-operator.%s.tmp"
STALE_SECONDS: Final = int(LONGEST_TIMEOUT.total_seconds()) + 60
"""No visit lasts longer: whoever made a file so long ago by the server's own clock is dead."""

_TEMPORARY: Final = re.compile(rb"\.authorized_keys\.sshcredential-operator\.[0-9a-f]{32}\.tmp")
_MOST_NAMES: Final = 2000


def temporary_in(folder: bytes) -> bytes:
    """Return a path in the folder that nobody else has."""
    return folder + b"/" + TEMPORARY % secrets.token_hex(16).encode()


@contextmanager
def locked(sftp: Sftp, folder: bytes, deadline: Deadline) -> Iterator[None]:
    """Hold the lock in the block; wait for it at most half of what is left, then refuse as Busy."""
    lock = folder + b"/" + LOCK
    give_up = Deadline.after(deadline.remaining() / 2)
    while not _taken(sftp, lock):
        if give_up.passed():
            refuse(InstallCause.BUSY)
        if not _broken(sftp, folder, lock):
            time.sleep(random.uniform(0.02, 0.15))  # noqa: S311 - only so that writers do not keep step
    try:
        _clean(sftp, folder, _modified(sftp, lock))
        yield
    finally:
        with contextlib.suppress(Refused):
            sftp.remove(lock)


def _taken(sftp: Sftp, lock: bytes, tries: int = 10) -> bool:
    try:
        sftp.close(sftp.open(lock, CREATE_NEW, 0o600))
    except Refused as refused:
        if sftp.path_attributes(lock, follow=False) is not None:
            return False
        if refused.code != FAILURE or not tries:
            raise  # it was not somebody else's lock that was in the way
        return _taken(sftp, lock, tries - 1)  # it may have been, and is gone
    return True


def _broken(sftp: Sftp, folder: bytes, lock: bytes) -> bool:
    """Take away the lock of a dead writer. A rename, since of two who try only one succeeds."""
    mine = temporary_in(folder)
    sftp.close(sftp.open(mine, CREATE_NEW, 0o600))
    now = _modified(sftp, mine)
    sftp.remove(mine)
    made = sftp.path_attributes(lock, follow=False)
    if made is None or now - made.modified <= STALE_SECONDS:
        return made is None
    try:
        sftp.rename_new(lock, mine)
        sftp.remove(mine)
    except Refused:
        return False
    return True


def _clean(sftp: Sftp, folder: bytes, now: int) -> None:
    for name in filter(_TEMPORARY.fullmatch, sftp.names(folder, _MOST_NAMES)):
        path = folder + b"/" + name
        left = sftp.path_attributes(path, follow=False)
        if left and now - left.modified > STALE_SECONDS:
            with contextlib.suppress(Refused):
                sftp.remove(path)


def _modified(sftp: Sftp, path: bytes) -> int:
    found = sftp.path_attributes(path, follow=False)
    return found.modified if found else 0

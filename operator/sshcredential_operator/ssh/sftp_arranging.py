"""Bring ~/.ssh/authorized_keys into order over SFTP: a new file beside the old one, renamed over it. For `arranging`.

At every moment the old file or the new one is there, whole. Others who do not know our lock are noticed: the file is
read again right before the rename, and the replaced one, which stays open, right after it.
"""

from __future__ import annotations

import contextlib
import posixpath
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from sshcredential_operator.ssh.authorized_edit import Edited, edit, with_lost_lines
from sshcredential_operator.ssh.authorized_keys import MAX_BYTES
from sshcredential_operator.ssh.deadline import Deadline
from sshcredential_operator.ssh.install_causes import InstallCause, NotInstalled, refuse
from sshcredential_operator.ssh.outcome import Outcome, with_removed
from sshcredential_operator.ssh.sftp import (
    CREATE_NEW,
    NO_SUCH_FILE,
    PERMISSION_DENIED,
    READ,
    UNSUPPORTED,
    Refused,
    Sftp,
)
from sshcredential_operator.ssh.sftp_lock import locked, temporary_in
from sshcredential_operator.ssh.visit import Arrangement

FOLDER: Final = b".ssh"
FILE: Final = b".ssh/authorized_keys"
ATTEMPTS: Final = 8
_WRITABLE_BY_OTHERS: Final = 0o022
"""What sshd does not bear by default (StrictModes)."""


class _Found(NamedTuple):
    """The file as it is; without a handle when it is not there."""

    path: bytes
    content: bytes = b""
    handle: bytes | None = None
    uid: int = -1
    mode: int = 0o600

    @property
    def right_mode(self) -> int:
        return self.mode & 0o777 & ~_WRITABLE_BY_OTHERS


def arrange_by_sftp(sftp: Sftp, arrangement: Arrangement, deadline: Deadline) -> Outcome:
    """Return what the file holds now; raise NotInstalled, or Refused as unsupported, with the file as it was."""
    try:
        with _opened(sftp) as found:
            edited = edit(found.content, arrangement)
            if edited.content == found.content and found.mode == found.right_mode and _folder_is_safe(sftp):
                return Outcome(edited, changed=False)
        _make_folder(sftp)
        with locked(sftp, posixpath.dirname(found.path), deadline):
            return _arrange_locked(sftp, arrangement)
    except Refused as refused:
        if refused.code == UNSUPPORTED:
            raise  # there is another way
        refuse(_cause(sftp, refused))


def _arrange_locked(sftp: Sftp, arrangement: Arrangement) -> Outcome:
    lost: tuple[bytes, bytes] | None = None
    before: Edited | None = None
    for _ in range(ATTEMPTS):
        with _opened(sftp) as found:
            edited = edit(with_lost_lines(found.content, *lost) if lost else found.content, arrangement)
            if edited.content == found.content:
                _mend_mode(sftp, found)
                return Outcome(with_removed(edited, before), changed=True)
            if not _replaced(sftp, found, edited.content):
                continue
            late = sftp.read(found.handle, MAX_BYTES) if found.handle is not None else b""
        before = with_removed(edited, before)
        if late == found.content:
            return Outcome(before, changed=True)
        lost = (found.content, late)
    raise NotInstalled(InstallCause.BUSY)


@contextmanager
def _opened(sftp: Sftp) -> Iterator[_Found]:
    """Find the file and keep it open in the block."""
    path = _path(sftp)
    attributes = sftp.path_attributes(path)
    if attributes is None:
        yield _Found(path)
        return
    if not stat.S_ISREG(attributes.mode):
        refuse(InstallCause.NOT_A_FILE)
    handle = sftp.open(path, READ)
    try:
        content = sftp.read(handle, MAX_BYTES)
        if len(content) > MAX_BYTES:
            refuse(InstallCause.TOO_LARGE)
        yield _Found(path, content, handle, attributes.uid, stat.S_IMODE(attributes.mode))
    finally:
        with contextlib.suppress(Refused):
            sftp.close(handle)


def _path(sftp: Sftp) -> bytes:
    """Return where the file is to be written: behind a link, if that leads to a file within the home folder."""
    folder = sftp.path_attributes(FOLDER)
    if folder is not None and not stat.S_ISDIR(folder.mode):
        refuse(InstallCause.NOT_A_FILE)
    link = sftp.path_attributes(FILE, follow=False)
    if link is None or not stat.S_ISLNK(link.mode):
        return FILE
    if sftp.path_attributes(FILE) is None:
        refuse(InstallCause.LINK)
    target, home = sftp.real_path(FILE), sftp.real_path(b".")
    if not target.startswith(home.rstrip(b"/") + b"/"):
        refuse(InstallCause.LINK)
    return target


def _make_folder(sftp: Sftp) -> None:
    attributes = sftp.path_attributes(FOLDER)
    if attributes is None:
        if sftp.real_path(b".") == b"/":  # where a login ends whose home folder is not there
            refuse(InstallCause.HOME_MISSING)
        with contextlib.suppress(Refused):  # another writer may be faster; what else is wrong shows at once
            sftp.make_folder(FOLDER, 0o700)
    elif not _folder_is_safe(sftp):
        with contextlib.suppress(Refused):
            sftp.set_path_mode(FOLDER, stat.S_IMODE(attributes.mode) & ~_WRITABLE_BY_OTHERS)


def _folder_is_safe(sftp: Sftp) -> bool:
    attributes = sftp.path_attributes(FOLDER)
    return attributes is None or not attributes.mode & _WRITABLE_BY_OTHERS


def _mend_mode(sftp: Sftp, found: _Found) -> None:
    if found.handle is not None and found.mode != found.right_mode:
        sftp.set_mode(found.handle, found.right_mode)


def _replaced(sftp: Sftp, found: _Found, content: bytes) -> bool:
    """Put the content in the file's place; False when somebody else was there meanwhile."""
    temporary = temporary_in(posixpath.dirname(found.path))
    handle = sftp.open(temporary, CREATE_NEW, 0o600)
    try:
        _write(sftp, handle, found, content)
        with _opened(sftp) as now:
            if (now.path, now.content, now.handle is None) != (found.path, found.content, found.handle is None):
                return False
        if found.handle is None:
            return _named(sftp, temporary, found.path)
        sftp.rename_over(temporary, found.path)
        return True
    finally:
        with contextlib.suppress(Refused):
            sftp.remove(temporary)


def _write(sftp: Sftp, handle: bytes, found: _Found, content: bytes) -> None:
    made = sftp.attributes(handle)
    if found.handle is not None and made.uid != found.uid:
        refuse(InstallCause.OTHER_OWNER)
    if stat.S_IMODE(made.mode) != found.right_mode:
        sftp.set_mode(handle, found.right_mode)
    sftp.write(handle, content)
    with contextlib.suppress(Refused):  # not every server can
        sftp.sync(handle)
    written = sftp.attributes(handle).size
    sftp.close(handle)
    if written != len(content):
        refuse(InstallCause.CANNOT_WRITE)


def _named(sftp: Sftp, temporary: bytes, path: bytes) -> bool:
    """Give the first file its name; this does not replace one that came meanwhile."""
    try:
        sftp.rename_new(temporary, path)
    except Refused:
        if sftp.path_attributes(path, follow=False) is None:
            raise
        return False
    return True


def _cause(sftp: Sftp, refused: Refused) -> InstallCause:
    if refused.code == PERMISSION_DENIED:
        return InstallCause.NO_PERMISSION
    if refused.code == NO_SUCH_FILE and sftp.path_attributes(b".") is None:
        return InstallCause.HOME_MISSING
    with contextlib.suppress(Refused):
        free, read_only = sftp.space(b".")
        if read_only:
            return InstallCause.READ_ONLY
        if not free:
            return InstallCause.DISK_FULL
    return InstallCause.CANNOT_WRITE

"""Why a key could not be installed: the `cause` of INSTALL_FAILED, a closed set of words. Used by `arranging.py`.

The catalogue has a text for each.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NoReturn

from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.ssh.visit import Failed


class InstallCause(StrEnum):
    """What was in the way."""

    HOME_MISSING = "HomeMissing"
    READ_ONLY = "ReadOnly"
    DISK_FULL = "DiskFull"
    """Or over a quota: servers seldom tell these apart."""
    NO_PERMISSION = "NoPermission"
    OTHER_OWNER = "OtherOwner"
    """authorized_keys belongs to another account: replacing it would give it to this one."""
    LINK = "Link"
    """authorized_keys is a link out of the home folder, or to nothing."""
    NOT_A_FILE = "NotAFile"
    TOO_LARGE = "TooLarge"
    BAD_OPTIONS = "BadOptions"
    BUSY = "Busy"
    """Somebody else holds the lock, or changed the file each time that it was to be replaced."""
    NO_SHELL = "NoShell"
    """No usable SFTP, and what should run a script does something else: a forced command, nologin."""
    CANNOT_WRITE = "CannotWrite"
    NONSENSE = "Nonsense"
    """The server's answers break the protocol."""


class NotInstalled(Exception):
    """Nothing was installed, and the file is as it was. It has no text: what a server says stays where it was said."""

    def __init__(self, cause: InstallCause) -> None:
        super().__init__()
        self.cause = cause

    @property
    def failed(self) -> Failed:
        """Return this as the outcome of a visit."""
        return Failed(TargetReason.INSTALL_FAILED, {"cause": self.cause.value})


def refuse(cause: InstallCause) -> NoReturn:
    """Raise NotInstalled."""
    raise NotInstalled(cause)

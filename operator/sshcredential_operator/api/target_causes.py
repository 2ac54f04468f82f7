"""Words that say more of a reason than its name, as the catalogue tells them to people. Used by `target_messages`.

The words are those of INSTALL_FAILED, from `ssh/install_causes.py`. What is not here is told as it is.
"""

from __future__ import annotations

from typing import Final

CAUSES: Final[dict[str, str]] = {
    "HomeMissing": "the account has no home directory",
    "ReadOnly": "the home directory lies on a file system that is read-only",
    "DiskFull": "the disk is full, or the account's quota is used up",
    "NoPermission": "the account may not write to its own .ssh directory",
    "OtherOwner": "authorized_keys belongs to another account",
    "Link": "authorized_keys or .ssh is a link out of the home directory, or to nothing",
    "NotAFile": "authorized_keys is no file, or .ssh no directory",
    "TooLarge": "authorized_keys is too large to be changed here",
    "BadOptions": "spec.authorizedKey.options are none that can stand before a key",
    "Busy": "somebody else kept changing authorized_keys at the same time",
    "NoShell": "the account has neither SFTP nor a shell that runs commands",
    "CannotWrite": "writing to the home directory did not succeed",
    "Nonsense": "the server's answers to file operations make no sense",
}

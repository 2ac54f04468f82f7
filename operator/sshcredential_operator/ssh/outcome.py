"""What came of arranging, before it is told as a visit. Made by the ways to arrange, told by `arranging.py`."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from sshcredential_operator.ssh.authorized_edit import Edited


class Outcome(NamedTuple):
    """What the file holds, and whether anything was written."""

    edited: Edited
    changed: bool


def with_removed(edited: Edited, before: Edited | None) -> Edited:
    """Return the later of two edits, which has removed what the earlier one has."""
    return replace(edited, removed=(edited.removed | before.removed) - edited.ours) if before else edited

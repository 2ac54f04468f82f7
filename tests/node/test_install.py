"""The life of an installation: it comes up restricted, works, changes, goes back, goes, and comes again with all keys."""

from __future__ import annotations

from node.installation import WORKSPACES, Installation


def test_both_replicas_become_ready(installed: Installation) -> None:
    assert len(installed.until_ready()) == 2

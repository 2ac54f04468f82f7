"""An export whose time ends. A minute is the least that can be asked for; it began with the first test of exports."""

from __future__ import annotations

from cluster.desk import Desk
from cluster.export_desk import ExportDesk
from cluster.shown import message_of, states_of
from controlplane.waiting import wait_until


def test_an_export_that_has_expired_stays_without_a_copy(desk: Desk, exports: ExportDesk, expiring: str) -> None:
    wait_until(lambda: desk.secret(f"{expiring}-copy") is None, "the copy is gone", 70)

    ended = exports.until(expiring, "Expired")
    assert states_of(ended) == {"Ready": "False", "Stalled": "True"}
    assert f"ended at {ended['status']['expiresAt']}" in message_of(ended)
    shown = desk.until_object(expiring, lambda found: "usedBy" not in found["status"], "unused")
    assert shown["status"]["exposure"] == "Encrypted"
    exports.edit(expiring, {"username": "git"})
    exports.until(expiring, "Expired")
    assert desk.secret(f"{expiring}-copy") is None

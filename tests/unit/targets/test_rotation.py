"""Keys are replaced through a target: staged, let in, promoted, kept for a while, and at last refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sshcredential_operator.api.target_reasons import TargetReason
from unit.targets.target_memory import INSTALL, PAIRS, SPEC, fp, line, opened

OVER = 24 * 3600 + 3


async def test_a_rotation_goes_through_a_target_that_installs() -> None:
    lab = opened(INSTALL, theirs=set())
    await lab.step()

    lab.ring.next = 1
    await lab.step()
    assert lab.server.ours == {fp(0), fp(1)}
    assert lab.status()["authenticatedFingerprints"] == [fp(0), fp(1)]

    lab.rotate()
    await lab.step()
    assert lab.server.ours == {fp(0), fp(1)}, "the previous line stays until its time is over"
    assert lab.status()["authenticatedFingerprints"] == [fp(1)]
    assert [key["fingerprint"] for key in lab.status()["retiredKeys"]] == [fp(0)]
    assert lab.server.visits[-1][0] != "query", "a previous key may still be used"

    lab.server.visits.clear()
    for _ in range(3):
        outcome = await lab.step()
        assert outcome.due_in
        await lab.wait(min(outcome.due_in, OVER))
    assert lab.server.ours == {fp(1)}
    assert ("query", line(PAIRS[0])) in lab.server.visits
    assert "retiredKeys" not in lab.status()
    assert "notes" not in lab.status() or lab.status()["notes"] == ["BootstrapPresent"]
    assert [name for name, _ in lab.events] == ["Installed", "Installed", "Removed"]
    assert lab.says() == ("True", "LoggedIn")


async def test_the_old_line_goes_at_the_moment_when_its_key_is_gone() -> None:
    lab = opened(INSTALL, theirs=set())
    await lab.step()
    lab.ring.next = 1
    await lab.step()
    lab.rotate(timedelta(hours=1))
    outcome = await lab.step()
    assert outcome.due_in == 3603
    await lab.wait(3602)
    assert lab.server.ours == {fp(0), fp(1)}
    await lab.wait(1)
    assert lab.server.ours == {fp(1)}
    assert "retiredKeys" not in lab.status()


async def test_a_key_without_overlap_is_asked_for_all_the_same() -> None:
    lab = opened()
    await lab.step()
    lab.ring.next = 1
    lab.server.theirs.add(fp(1))
    await lab.step()
    lab.rotate(timedelta(0))
    lab.now += timedelta(minutes=1)
    lab.end_previous()
    await lab.step()

    assert lab.says("Installed") == ("False", "RetiredKeyAccepted")
    assert lab.says() == ("True", "LoggedIn")
    assert lab.status()["notes"] == ["RetiredKeyAccepted"]
    assert lab.events == [("RetiredKeyAccepted", True)]

    lab.server.theirs.discard(fp(0))
    await lab.until_due()
    assert "retiredKeys" not in lab.status()
    assert "notes" not in lab.status()
    assert lab.says("Installed") == ("True", "InstalledByHand")


async def test_a_staged_key_that_nobody_installed_leaves_the_target_ready() -> None:
    lab = opened()
    await lab.step()
    lab.ring.next = 1
    outcome = await lab.step()

    assert lab.says() == ("True", "LoggedIn")
    assert lab.says("Authenticated") == ("False", "AuthenticationFailed")
    assert lab.status()["authenticatedFingerprints"] == [fp(0)]
    assert fp(1) in lab.status()["conditions"][0]["message"]
    assert outcome.due_in == 330
    lab.server.theirs.add(fp(1))
    await lab.wait(330)
    assert lab.status()["authenticatedFingerprints"] == [fp(0), fp(1)]


@pytest.mark.parametrize("restarted", [False, True], ids=["the same process", "another process"])
async def test_a_staged_key_is_tried_at_once(restarted: bool) -> None:
    lab = opened(SPEC, theirs={fp(0), fp(1)})
    await lab.step()
    lab.ring.next = 1
    if restarted:
        lab.restart()
    await lab.step()
    assert lab.status()["authenticatedFingerprints"] == [fp(0), fp(1)]


async def test_a_promotion_while_the_process_is_down_is_seen_at_once() -> None:
    lab = opened(INSTALL, theirs=set())
    await lab.step()
    lab.ring.next = 1
    await lab.step()
    lab.rotate()
    lab.restart()
    await lab.step()
    assert lab.status()["authenticatedFingerprints"] == [fp(1)]
    assert [key["fingerprint"] for key in lab.status()["retiredKeys"]] == [fp(0)]


async def test_a_rotation_that_is_half_written_is_waited_for() -> None:
    lab = opened()
    await lab.step()
    visits = len(lab.server.visits)
    lab.ring.status_lags = True
    lab.annotate(probe_requested="1")
    assert (await lab.step()).retry
    assert len(lab.server.visits) == visits


async def test_a_line_that_was_lost_is_written_again_by_way_of_a_previous_key() -> None:
    lab = opened(INSTALL, theirs={fp(0)}, ours={fp(1)})
    lab.passwords.clear()
    lab.ring.next = 1
    lab.rotate()
    lab.server.ours.clear()
    await lab.step()
    assert lab.server.ours == {fp(1)}
    assert lab.says() == ("True", "LoggedIn")


async def test_a_staged_key_that_meets_passing_trouble_is_not_tried_again_at_once() -> None:
    lab = opened()
    await lab.step()
    lab.ring.next = 1
    lab.server.trouble = TargetReason.TIMED_OUT
    await lab.step()
    visits = len(lab.server.visits)
    assert (await lab.step()).due_in == 330
    assert len(lab.server.visits) == visits


@pytest.mark.parametrize("restarted", [False, True], ids=["the same process", "another process"])
async def test_a_previous_key_stays_as_long_as_it_lingers_and_no_longer(restarted: bool) -> None:
    lab = opened(INSTALL, theirs=set())
    await lab.step()
    lab.ring.next = 1
    await lab.step()
    lab.rotate(timedelta(hours=1))
    await lab.step()
    if restarted:
        lab.restart()
    assert (await lab.step()).due_in == 3603
    lab.annotate(probe_requested="1")
    await lab.wait(3601)
    assert lab.server.ours == {fp(0), fp(1)}
    await lab.wait(2)
    assert lab.server.ours == {fp(1)}


@pytest.mark.parametrize("restarted", [False, True], ids=["the same process", "another process"])
async def test_the_key_of_a_credential_that_was_deleted_and_made_again_is_told_as_long_as_it_opens(
    restarted: bool,
) -> None:
    """Its line has the mark of an id that is gone with it: only a person can say whose it was."""
    lab = opened(INSTALL, theirs={fp(0)})
    await lab.step()
    lab.credential_exists = False
    await lab.step()
    if restarted:
        lab.restart()
    lab.credential_exists, lab.ring.current = True, 1

    await lab.step()

    assert lab.says("Authenticated") == ("True", "LoggedIn")
    assert lab.says("Installed") == ("False", "RetiredKeyAccepted")
    lab.server.theirs.clear()
    await lab.until_due()
    assert lab.says("Installed") == ("True", "Installed")

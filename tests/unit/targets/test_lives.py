"""Random lives of a target: whatever happens in whatever order, some things are never so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from sshcredential_operator.api.target_reasons import TargetReason
from unit.reconcile.samples import unhurried
from unit.targets.target_memory import FIRST_USE, HOSTS, INSTALL, PAIRS, SPEC, TARGET, CrashedError, Lab, fp, opened


def _stage(lab: Lab) -> None:
    if lab.ring.next is None and lab.ring.current + 1 < len(PAIRS):
        lab.ring.next = lab.ring.current + 1


def _promote(lab: Lab) -> None:
    if lab.ring.next is not None:
        lab.rotate(timedelta(hours=2))


def _install_by_hand(lab: Lab) -> None:
    lab.server.theirs = {fp(number) for number in range(len(PAIRS))}


def _lose_lines(lab: Lab) -> None:
    lab.server.theirs, lab.server.ours = set(), set()


def _away(lab: Lab) -> None:
    lab.server.trouble = TargetReason.TIMED_OUT


def _back(lab: Lab) -> None:
    lab.server.trouble = None


def _other_host_key(lab: Lab) -> None:
    lab.server.host_key = HOSTS[(HOSTS.index(lab.server.host_key) + 1) % len(HOSTS)]


def _trust_what_is_shown(lab: Lab) -> None:
    if shown := lab.status().get("offeredHostKey"):
        lab.annotate(trust_host_key=shown["fingerprint"])


def _request(lab: Lab) -> None:
    lab.annotate(probe_requested=f"at {lab.now}")


def _restart(lab: Lab) -> None:
    lab.restart()


def _crash(lab: Lab) -> None:
    lab.crash_before_status = True


def _minutes(lab: Lab) -> None:
    lab.now += timedelta(minutes=6)


def _half_a_day(lab: Lab) -> None:
    lab.now += timedelta(hours=13)


STEPS: tuple[Callable[[Lab], None], ...] = (
    _stage,
    _promote,
    _install_by_hand,
    _lose_lines,
    _away,
    _back,
    _other_host_key,
    _trust_what_is_shown,
    _request,
    _restart,
    _crash,
    _minutes,
    _half_a_day,
)


async def live(lab: Lab, steps: list[Callable[[Lab], None]]) -> None:
    for step in steps:
        step(lab)
        lab.end_previous()
        before, patches = lab.status(), lab.patches
        recorded = before.get("hostKey")
        lab.server.visits.clear()
        try:
            outcome = await lab.step()
        except CrashedError:
            lab.restart()
            continue
        lab.crash_before_status = False
        status = lab.status()
        assert lab.patches - patches <= 2
        if lab.patches > patches and lab.server.visits:
            tried = {who for _, who in lab.server.visits}
            named = set(status.get("authenticatedFingerprints", ()))
            if status.get("lastProbeAt") and lab.says() != ("True", "LoggedIn"):
                assert named <= tried
            if not lab.server.trouble:
                assert {one for one in named if not lab.server.lets_in(one)} == set()
        key = status.get("hostKey")
        if recorded and key and key["fingerprint"] != recorded["fingerprint"]:
            person = lab.targets[TARGET]["metadata"]["annotations"]["sshcredentials.dev/trust-host-key"]
            assert person == key["fingerprint"]
        if outcome.due_in:
            visits = list(lab.server.visits)
            lab.now += timedelta(seconds=outcome.due_in / 2)
            await lab.step()
            assert lab.server.visits == visits, "visited before it was due"
            lab.now -= timedelta(seconds=outcome.due_in / 2)


@unhurried
@given(st.sampled_from([SPEC, FIRST_USE, INSTALL]), st.lists(st.sampled_from(STEPS), max_size=25))
def test_no_key_is_named_that_did_not_log_in_and_no_host_key_is_taken_silently(
    spec: dict[str, object], steps: list[Callable[[Lab], None]]
) -> None:
    asyncio.run(live(opened(spec), steps))


@unhurried
@given(st.sampled_from([SPEC, FIRST_USE, INSTALL]), st.lists(st.sampled_from(STEPS), max_size=15))
def test_when_all_is_well_again_the_target_is_ready_and_nothing_old_is_let_in(
    spec: dict[str, object], steps: list[Callable[[Lab], None]]
) -> None:
    lab = opened(spec)

    async def in_the_end() -> None:
        await live(lab, steps)
        lab.server.trouble, lab.server.host_key = None, HOSTS[0]
        lab.annotate(trust_host_key=HOSTS[0].public.fingerprint)
        lab.server.theirs = {fp(lab.ring.current), *([fp(lab.ring.next)] if lab.ring.next is not None else ())}
        for _ in range(4):
            await lab.wait(13 * 3600)

    asyncio.run(in_the_end())
    assert lab.says() == ("True", "LoggedIn")
    assert "retiredKeys" not in lab.status()
    wanted = {lab.ring.current, lab.ring.next} - {None}
    assert set(lab.status()["authenticatedFingerprints"]) == {fp(number) for number in wanted if number is not None}

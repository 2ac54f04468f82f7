"""Passes over targets: what they find, say and write, and that nothing is visited before its time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sshcredential_operator.api.names import TargetKey
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.target_reasons import PASSING, TargetReason
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.targets.target_memory import (
    FIRST_USE,
    HOSTS,
    INSTALL,
    NAMESPACE,
    SPEC,
    CrashedError,
    Lab,
    fp,
    opened,
)

BASTION = TargetKey(NAMESPACE, "bastion")
BEHIND = SPEC | {"jumpTargetRef": {"name": "bastion"}}
FROM_MAP = SPEC | {"hostKeys": {"policy": "Pinned", "knownHosts": {"configMapName": "hosts"}}}


async def test_a_key_that_logs_in_makes_the_target_ready() -> None:
    lab = opened()
    outcome = await lab.step()

    assert (outcome.reason, lab.says()) == ("LoggedIn", ("True", "LoggedIn"))
    assert lab.says("HostKeyTrusted") == ("True", "HostKeyTrusted")
    assert lab.says("Authenticated") == ("True", "LoggedIn")
    assert lab.says("Installed") == ("True", "InstalledByHand")
    status = lab.status()
    assert status["authenticatedFingerprints"] == [fp(0)]
    assert status["hostKey"]["fingerprint"] == HOSTS[0].public.fingerprint
    assert status["serverVersion"] == "OpenSSH_9.6"
    assert status["lastProbeAt"] == status["lastSuccessAt"] == "2026-01-31T12:00:00Z"
    assert (lab.events, lab.patches) == ([], 2)


async def test_a_pass_that_is_not_due_asks_nobody_and_writes_nothing() -> None:
    lab = opened()
    await lab.step()
    lab.asked.clear()
    lab.server.visits.clear()
    patches = lab.patches

    outcome = await lab.wait(11 * 3600)

    assert (lab.asked, lab.server.visits, lab.patches) == ([], [], patches)
    assert outcome.due_in == 3600 + 30
    await lab.wait(outcome.due_in)
    assert lab.server.visits == [("login", fp(0))]
    assert lab.patches == patches + 1


async def test_after_a_restart_nothing_is_probed_before_its_time() -> None:
    lab = opened()
    await lab.step()
    lab.server.visits.clear()
    lab.restart()
    assert (await lab.wait(3600)).due_in == 11 * 3600 + 30
    lab.restart()
    late = await lab.wait(24 * 3600)
    assert (late.due_in, lab.server.visits) == (30, [])


def _deny(lab: Lab) -> None:
    lab.server.theirs.clear()


def _other_host(lab: Lab) -> None:
    lab.server.host_key = HOSTS[1]


def _no_credential(lab: Lab) -> None:
    lab.credential_exists = False


def _unguarded(lab: Lab) -> None:
    lab.guarded = False


def _unavailable(lab: Lab) -> None:
    lab.unavailable = TargetReason.KEY_UNAVAILABLE


def _bad_hosts(lab: Lab) -> None:
    lab.config_maps["hosts", "known_hosts"] = "nonsense"


def _no_password(lab: Lab) -> None:
    lab.passwords.clear()
    _deny(lab)


def _wrong_password(lab: Lab) -> None:
    lab.passwords["once"] = b"wrong"
    _deny(lab)


def _disk_full(lab: Lab) -> None:
    lab.server.file_trouble = True


def _loop(lab: Lab) -> None:
    lab.apply(SPEC | {"jumpTargetRef": {"name": "login-node"}}, BASTION)


def _unknown_bastion(lab: Lab) -> None:
    lab.apply(FIRST_USE, BASTION)


def _nothing(lab: Lab) -> None:
    pass


FINDINGS: dict[str, tuple[dict[str, Any], Callable[[Lab], None], str]] = {
    "the key is not let in": (SPEC, _deny, "AuthenticationFailed"),
    "the server shows another host key": (SPEC, _other_host, "HostKeyChanged"),
    "there is no credential": (SPEC, _no_credential, "CredentialMissing"),
    "the policy is not in force": (SPEC, _unguarded, "TargetNotGuarded"),
    "the key does not open": (SPEC, _unavailable, "KeyUnavailable"),
    "the config map is missing": (FROM_MAP, _nothing, "KnownHostsConfigMapMissing"),
    "the known hosts cannot be read": (FROM_MAP, _bad_hosts, "KnownHostsInvalid"),
    "there is no bootstrap": (INSTALL, _no_password, "BootstrapMissing"),
    "the bootstrap is refused": (INSTALL, _wrong_password, "BootstrapFailed"),
    "the file cannot be written": (INSTALL, _disk_full, "InstallFailed"),
    "the jump target is missing": (BEHIND, _nothing, "JumpTargetMissing"),
    "the jumps lead in a circle": (BEHIND, _loop, "JumpLoop"),
    "the jump host is not known yet": (BEHIND, _unknown_bastion, "JumpFailed"),
    "the spec cannot be read": (SPEC | {"port": 0}, _nothing, "SpecInvalid"),
}


@pytest.mark.parametrize(("spec", "spoil", "reason"), FINDINGS.values(), ids=FINDINGS)
async def test_what_is_wrong_is_said_in_its_own_word(
    spec: dict[str, Any], spoil: Callable[[Lab], None], reason: str
) -> None:
    lab = opened(spec)
    spoil(lab)
    await lab.step()
    visits, patches = list(lab.server.visits), lab.patches

    assert lab.says() == ("False", reason)
    assert lab.status().get("authenticatedFingerprints", []) in ([], [fp(0)] if reason == "InstallFailed" else [])
    lab.asked.clear()
    await lab.step()
    assert (lab.server.visits, lab.patches, lab.asked) == (visits, patches, []), "not tried again at once"


@pytest.mark.parametrize("reason", sorted(PASSING))
async def test_trouble_of_the_server_that_was_never_good_is_said_at_once(reason: TargetReason) -> None:
    lab = opened(trouble=reason)
    await lab.step()
    assert lab.says() == ("False", reason.value)


@pytest.mark.parametrize("reason", sorted(PASSING))
async def test_passing_trouble_turns_a_good_state_unknown_only_the_second_time(reason: TargetReason) -> None:
    lab = opened()
    await lab.step()
    before = lab.patches
    lab.server.trouble = reason

    first = await lab.until_due()
    assert (lab.says(), lab.patches) == (("True", "LoggedIn"), before)
    assert first.due_in == 330
    await lab.wait(first.due_in)
    assert lab.says() == ("Unknown", reason.value)
    assert lab.status().get("authenticatedFingerprints") is None
    assert lab.events == [("BecameUnreachable", True)]

    lab.server.trouble = None
    await lab.until_due()
    assert lab.says() == ("True", "LoggedIn")
    assert lab.events[1:] == [("Recovered", False)]


async def test_a_requested_probe_is_answered_though_the_server_is_away_for_a_moment() -> None:
    lab = opened()
    await lab.step()
    lab.server.trouble = TargetReason.TIMED_OUT
    lab.annotate(probe_requested="now")
    await lab.step()

    assert (lab.status()["handledProbeRequest"], lab.says()) == ("now", ("True", "LoggedIn"))
    assert "TimedOut" in lab.status()["conditions"][0]["message"]
    visits = len(lab.server.visits)
    await lab.step()
    assert len(lab.server.visits) == visits


async def test_a_request_is_probed_once() -> None:
    lab = opened()
    await lab.step()
    lab.server.visits.clear()
    lab.annotate(probe_requested="x" * 1000)
    await lab.step()
    await lab.step()
    assert lab.server.visits == [("login", fp(0))]
    assert lab.status()["handledProbeRequest"] == "x" * 256


async def test_the_first_host_key_is_recorded_and_another_one_waits_for_a_person() -> None:
    lab = opened(FIRST_USE)
    await lab.step()
    assert lab.events == [("TrustedOnFirstUse", False)]
    assert lab.status()["notes"] == ["TrustedOnFirstUse"]

    lab.server.host_key = HOSTS[1]
    await lab.until_due()
    assert lab.says() == lab.says("HostKeyTrusted") == ("False", "HostKeyChanged")
    assert lab.status()["offeredHostKey"]["fingerprint"] == HOSTS[1].public.fingerprint
    assert lab.status()["hostKey"]["fingerprint"] == HOSTS[0].public.fingerprint

    lab.annotate(trust_host_key=HOSTS[2].public.fingerprint)
    visits = len(lab.server.visits)
    await lab.step()
    assert len(lab.server.visits) == visits, "another fingerprint trusts nothing"

    lab.annotate(trust_host_key=HOSTS[1].public.fingerprint)
    await lab.step()
    assert lab.says() == ("True", "LoggedIn")
    assert lab.status()["hostKey"]["fingerprint"] == HOSTS[1].public.fingerprint
    assert "offeredHostKey" not in lab.status()
    assert "notes" not in lab.status()


async def test_a_host_key_that_is_swapped_within_the_first_probe_gets_no_password() -> None:
    lab = opened(INSTALL | {"hostKeys": {"policy": "TrustOnFirstUse"}}, theirs=set(), swap=HOSTS[1])
    await lab.step()
    assert lab.says() == ("False", "HostKeyChanged")
    assert lab.status()["hostKey"]["fingerprint"] == HOSTS[0].public.fingerprint
    assert lab.server.ours == set()


async def test_a_bootstrap_is_read_only_until_the_key_is_installed() -> None:
    lab = opened(INSTALL, theirs=set())
    await lab.step()
    assert lab.says("Installed") == ("True", "Installed")
    assert lab.says() == ("True", "LoggedIn")
    assert lab.status()["notes"] == ["BootstrapPresent"]
    assert (lab.asked.count("password"), lab.events) == (1, [("Installed", False)])

    await lab.until_due()
    assert lab.asked.count("password") == 1
    assert lab.server.visits[-1] == ("arrange", fp(0)), "one visit does for both where nothing is to be written"


async def test_a_crash_before_the_status_is_written_changes_nothing_in_the_end() -> None:
    lab = opened(INSTALL, theirs=set())
    lab.status()["conditions"][0]["reason"] = "Probing"
    lab.crash_before_status = True
    with pytest.raises(CrashedError):
        await lab.step()
    assert lab.server.ours == {fp(0)}
    lab.restart()
    await lab.step()
    assert (lab.says(), lab.server.ours) == (("True", "LoggedIn"), {fp(0)})


async def test_a_label_that_is_set_meanwhile_does_not_cost_the_probe() -> None:
    lab = opened()
    await lab.step()
    visits = len(lab.server.visits)
    lab.annotate(probe_requested="1")
    login = lab.login

    async def relabelled(*args: Any) -> Any:
        came = await login(*args)
        lab.annotate(unrelated="x")
        return came

    lab.login = relabelled  # type: ignore[method-assign, assignment]  # somebody writes while the visit lasts
    await lab.step()
    assert lab.status()["handledProbeRequest"] == "1"
    assert len(lab.server.visits) == visits + 1


async def test_a_probe_whose_result_could_not_be_written_is_made_again() -> None:
    """A staged key would be held for half a day otherwise, and `sshcred target probe` wait for nothing."""
    lab = opened(theirs={fp(0), fp(1)})
    await lab.step()
    lab.ring.next = 1
    lab.annotate(probe_requested="1")
    lab.write_trouble = TroubleError(Reason.SERVER_UNAVAILABLE)
    assert (await lab.step()).retry

    visits = len(lab.server.visits)
    outcome = await lab.step(failures=1)
    assert len(lab.server.visits) == visits, "a server is not to be hammered for what the API server does"
    assert outcome.due_in == 330

    lab.write_trouble = None
    await lab.wait(330)
    assert lab.status()["authenticatedFingerprints"] == [fp(0), fp(1)]
    assert lab.status()["handledProbeRequest"] == "1"


async def test_trouble_of_the_api_server_is_borne_for_a_while() -> None:
    lab = opened()
    await lab.step()
    lab.api_trouble = TroubleError(Reason.FORBIDDEN, {"verb": "get", "resource": "secrets"})
    lab.annotate(probe_requested="1")
    assert (await lab.step()).retry
    assert lab.says() == ("True", "LoggedIn")
    assert (await lab.step(failures=5)).retry
    assert lab.says() == ("Unknown", "Forbidden")


@pytest.mark.parametrize("lacking", ["the policy", "the credential"])
async def test_a_login_at_another_host_opens_no_door_while_the_new_one_waits(lacking: str) -> None:
    """Else the operator would promote a key that the host of the new spec has never seen."""
    lab = opened(theirs={fp(0), fp(1)})
    lab.ring.next = 1
    await lab.step()
    assert fp(1) in lab.door()

    lab.apply(SPEC | {"host": "other.hpc.example.org"})
    lab.guarded, lab.credential_exists = lacking != "the policy", lacking != "the credential"
    await lab.step()
    assert (lab.status()["observedGeneration"], lab.door()) == (2, frozenset())

    lab.guarded, lab.credential_exists = True, True
    await lab.wait(3600)
    assert fp(1) in lab.door()


async def test_what_lacked_is_taken_as_soon_as_it_is_there() -> None:
    lab = opened()
    await lab.step()
    _no_credential(lab)
    await lab.step()
    assert lab.says() == ("False", "CredentialMissing")
    lab.credential_exists = True
    await lab.step()
    assert lab.says() == ("True", "LoggedIn")


async def test_a_visit_says_whose_it_is_so_that_no_namespace_takes_the_places_of_all() -> None:
    lab = opened()
    await lab.step()
    assert lab.server.namespaces == {NAMESPACE}


async def test_a_target_behind_a_bastion_is_probed_when_the_bastion_is_known() -> None:
    lab = opened(BEHIND)
    lab.apply(FIRST_USE, BASTION)
    await lab.step()
    assert (lab.says(), lab.server.visits) == (("False", "JumpFailed"), [])
    await lab.step(BASTION)
    await lab.step()
    assert lab.says() == ("True", "LoggedIn")

"""`cli/target_steps.py` and `status.py`: what to do about a target, and about a key that waits for it."""

from __future__ import annotations

from typing import Any, Final

import pytest

from sshcredential_operator.api.credential import Credential, parse_credential
from sshcredential_operator.api.target import Target, parse_target
from sshcredential_operator.api.target_spec import TargetSpec
from sshcredential_operator.cli.status import next_steps as steps_of_credential
from sshcredential_operator.cli.target_steps import next_steps
from sshcredential_operator.cli.target_words import address, last_failed, readiness

CURRENT: Final = f"SHA256:{'A' * 43}"
NEXT: Final = f"SHA256:{'B' * 43}"
KEY: Final = {
    "type": "ssh-ed25519",
    "fingerprint": CURRENT,
    "publicKey": "ssh-ed25519 A",
    "since": "2026-01-01T00:00:00Z",
}
META: Final = {"namespace": "genomics", "uid": "u", "resourceVersion": "1", "generation": 1}
TOFU: Final = {"policy": "TrustOnFirstUse"}


def ready(status: str = "True", reason: str = "LoggedIn", message: str = "All log in.") -> dict[str, str]:
    return {"type": "Ready", "status": status, "reason": reason, "message": message}


def target(*, manage: str = "None", host: str = "h.example.org", **status: Any) -> Target:
    spec = {"credentialRef": {"name": "hpc-login"}, "host": host, "username": "me", "hostKeys": TOFU}
    told = {"observedGeneration": 1, "conditions": [ready()], **status}
    raw = {"metadata": META | {"name": "login-node"}, "spec": spec | {"authorizedKey": {"manage": manage}}}
    return parse_target(raw | {"status": told})


def credential(*, staged: bool, waits: str = "Staged") -> Credential:
    status: dict[str, Any] = {"observedGeneration": 1, "conditions": [ready()]}
    if staged:
        status["next"] = {"fingerprint": NEXT, "publicKey": "ssh-ed25519 B", "promotesAt": "2026-01-01T00:00:00Z"}
        status["conditions"] += [{"type": "RotationStaged", "status": "True", "reason": waits, "message": "It waits."}]
    return parse_credential({"metadata": META | {"name": "hpc-login"}, "spec": {"generate": {}}, "status": status})


@pytest.mark.parametrize(
    ("seen", "staged", "first"),
    [
        pytest.param(target(), False, "Nothing: every key logs in that should.", id="all is well"),
        pytest.param(
            target(lastProbeAt="2026-01-02T00:00:00Z", lastSuccessAt="2026-01-01T00:00:00Z"),
            False,
            "The latest probe did not succeed.",
            id="one failure",
        ),
        pytest.param(
            target(conditions=[ready("False", "TimedOut", "No answer.")]), False, "No answer.", id="it is not ready"
        ),
        pytest.param(target(offeredHostKey=KEY), False, "Compare the host key that is not trusted", id="a host key"),
        pytest.param(target(), True, "The next key does not log in yet, and waits for that. Put it", id="by hand"),
        pytest.param(
            target(manage="Install"),
            True,
            "The next key does not log in yet, and waits for that; it is installed",
            id="installed",
        ),
        pytest.param(target(authenticatedFingerprints=[NEXT]), True, "Nothing: ", id="the next key logs in"),
        pytest.param(
            target(notes=["RetiredKeyAccepted"], retiredKeys=[{"fingerprint": CURRENT, "publicKey": "ssh-ed25519 A"}]),
            False,
            "Keys that were replaced still open the door.",
            id="an old key",
        ),
    ],
)
def test_the_first_step_is_the_most_urgent_one(seen: Target, staged: bool, first: str) -> None:
    assert next(next_steps(seen, credential(staged=staged))).startswith(first)


@pytest.mark.parametrize(
    ("waits", "first"), [("Staged", "Put the next public key"), ("WaitingForTargets", "It waits.")]
)
def test_a_staged_key_says_what_it_waits_for(waits: str, first: str) -> None:
    assert next(steps_of_credential(credential(staged=True, waits=waits))).startswith(first)


@pytest.mark.parametrize(
    ("host", "shown"), [("h.example.org", "h.example.org:22"), ("2001:db8::1", "[2001:db8::1]:22")]
)
def test_an_address_has_its_port(host: str, shown: str) -> None:
    spec = target(host=host).spec
    assert isinstance(spec, TargetSpec)
    assert address(spec) == shown


def test_what_is_said_of_an_earlier_spec_is_not_said_of_this_one() -> None:
    assert readiness(target()) == ("True", "LoggedIn")
    assert readiness(target(observedGeneration=0)) == ("Unknown", "Probing")
    assert readiness(target(conditions=[])) == ("Unknown", "Pending")


def test_a_probe_failed_when_the_last_success_is_older() -> None:
    assert not last_failed(target())
    assert not last_failed(target(lastProbeAt="2026-01-01T00:00:00Z", lastSuccessAt="2026-01-01T00:00:00Z"))
    assert last_failed(target(lastProbeAt="2026-01-01T00:00:00Z"))

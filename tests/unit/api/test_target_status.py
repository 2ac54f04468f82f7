"""`api/target_status.py`: written, read, compared; whatever somebody else put there is overwritten."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sshcredential_operator.api.conditions import READY, Condition
from sshcredential_operator.api.target_status import (
    INSTALLED,
    RetiredKey,
    SeenHostKey,
    TargetStatus,
    parse_target_status,
    target_merge_patch,
)
from unit.api.merge_patches import merged

MOMENT = "2026-01-31T12:00:00Z"
FULL = TargetStatus(
    observed_generation=3,
    conditions=(
        Condition(READY, "True", "LoggedIn", "All is well.", 3, MOMENT),
        Condition(INSTALLED, "True", "Installed", "It is there.", 3, MOMENT),
    ),
    host_key=SeenHostKey("ssh-ed25519", "SHA256:h", "ssh-ed25519 AAAA", MOMENT),
    offered_host_key=SeenHostKey("ssh-rsa", "SHA256:o", "ssh-rsa AAAA", MOMENT),
    server_version="OpenSSH_9.6",
    authenticated_fingerprints=("SHA256:x", "SHA256:y"),
    retired_keys=(RetiredKey("SHA256:z", "ssh-ed25519 ZZZZ"),),
    last_probe_at=MOMENT,
    last_success_at=MOMENT,
    handled_probe_request="now",
    notes=("BootstrapPresent",),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
MEMBERS = sorted(target_merge_patch(FULL, over=TargetStatus()).keys() | {"password"})


def written(status: TargetStatus, over: Any) -> Any:
    return merged(over, target_merge_patch(status, over=parse_target_status(over)))


def test_what_was_written_is_read_and_nothing_is_left_of_it_afterwards() -> None:
    assert parse_target_status(written(FULL, {})) == FULL
    assert parse_target_status(written(TargetStatus(), written(FULL, {}))) == TargetStatus()


@settings(max_examples=60, deadline=None)
@given(JSON | st.dictionaries(st.sampled_from(MEMBERS), JSON))
def test_nothing_that_lies_there_raises_and_all_of_it_is_overwritten(raw: Any) -> None:
    assert isinstance(parse_target_status(raw), TargetStatus)

    after = written(FULL, raw if isinstance(raw, dict) else {})

    assert parse_target_status(after) == FULL
    assert after.get("password") is None


@pytest.mark.parametrize(
    "vandalism",
    [
        pytest.param({"password": "mine"}, id="a member that there is not"),
        pytest.param({"hostKey": None}, id="no host key"),
        pytest.param({"hostKey": {"type": "ssh-rsa"}}, id="half a host key"),
        pytest.param(
            {"hostKey": {"type": "t", "fingerprint": "f", "publicKey": "p", "since": MOMENT}}, id="another host key"
        ),
        pytest.param({"offeredHostKey": "ssh-rsa AAAA"}, id="a host key as text"),
        pytest.param({"serverVersion": 9}, id="a version that is a number"),
        pytest.param({"authenticatedFingerprints": ["SHA256:x"]}, id="a key less that logged in"),
        pytest.param({"authenticatedFingerprints": ["SHA256:x", 7, "SHA256:y"]}, id="a number that logged in"),
        pytest.param({"retiredKeys": []}, id="no retired key"),
        pytest.param({"retiredKeys": [{"fingerprint": "SHA256:z"}]}, id="half a retired key"),
        pytest.param(
            {"retiredKeys": [{"fingerprint": "SHA256:z", "publicKey": "ssh-ed25519 ZZZZ", "x": 1}]},
            id="a retired key with more",
        ),
        pytest.param({"lastProbeAt": 7}, id="a time that is a number"),
        pytest.param({"handledProbeRequest": "then"}, id="another request"),
        pytest.param({"notes": [1]}, id="a note that is a number"),
    ],
)
def test_a_status_that_somebody_changed_differs_and_is_mended(vandalism: dict[str, Any]) -> None:
    changed = written(FULL, {}) | vandalism

    assert parse_target_status(changed) != FULL
    assert written(FULL, changed) == written(FULL, {})

"""`api/export_status.py`: written, read, compared; whatever somebody else put there is overwritten."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sshcredential_operator.api.conditions import READY, Condition
from sshcredential_operator.api.export_status import (
    Admission,
    ExportStatus,
    export_merge_patch,
    parse_export_status,
)
from unit.api.merge_patches import merged

MOMENT = "2026-01-31T12:00:00Z"
FULL = ExportStatus(
    observed_generation=3,
    conditions=(Condition(READY, "True", "Exported", "All is well.", 3, MOMENT),),
    key_number=2,
    fingerprint="SHA256:x",
    secret_name="git-auth",
    expires_at=MOMENT,
    notes=("UrlIgnored",),
    admission=Admission(3, "p.1 b.1", admitted=True),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
MEMBERS = sorted(export_merge_patch(FULL, over=ExportStatus()).keys() | {"privateKey"})


def written(status: ExportStatus, over: Any) -> Any:
    return merged(over, export_merge_patch(status, over=parse_export_status(over)))


def test_what_was_written_is_read_and_nothing_is_left_of_it_afterwards() -> None:
    assert parse_export_status(written(FULL, {})) == FULL
    assert parse_export_status(written(ExportStatus(), written(FULL, {}))) == ExportStatus()


@settings(max_examples=60, deadline=None)
@given(JSON | st.dictionaries(st.sampled_from(MEMBERS), JSON))
def test_nothing_that_lies_there_raises_and_all_of_it_is_overwritten(raw: Any) -> None:
    assert isinstance(parse_export_status(raw), ExportStatus)

    after = written(FULL, raw if isinstance(raw, dict) else {})

    assert parse_export_status(after) == FULL
    assert after.get("privateKey") is None


@pytest.mark.parametrize(
    "vandalism",
    [
        pytest.param({"privateKey": "mine"}, id="a member that there is not"),
        pytest.param({"keyNumber": "2"}, id="a number as text"),
        pytest.param({"keyNumber": True}, id="a number that is true"),
        pytest.param({"secretName": None}, id="no Secret"),
        pytest.param({"notes": ["UrlIgnored", 1]}, id="a note that is a number"),
        pytest.param({"admission": {"generation": 3, "policy": "p.1 b.1", "admitted": "yes"}}, id="admitted by text"),
        pytest.param({"admission": {"generation": 3, "policy": "p.1 b.1"}}, id="half a verdict"),
        pytest.param({"admission": {"generation": 9, "policy": "p.1 b.1", "admitted": True}}, id="another verdict"),
    ],
)
def test_a_status_that_somebody_changed_differs_from_the_one_that_was_written(vandalism: dict[str, Any]) -> None:
    changed = written(FULL, {}) | vandalism

    assert parse_export_status(changed) != FULL
    assert written(FULL, changed) == written(FULL, {})

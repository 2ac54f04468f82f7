"""`exports/guard.py`: whether the requester of a generation was asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sshcredential_operator.api.export import Export
from sshcredential_operator.api.export_spec import ExportSpec, Profile
from sshcredential_operator.api.export_status import Admission, ExportStatus
from sshcredential_operator.exports.guard import is_admitted, verdict
from sshcredential_operator.exports.observed import Guarding
from unit.exports.export_memory import EXPORT

SINCE = "2026-01-31T12:00:00Z"
POLICY = Guarding("p.1 b.1", SINCE)
NEWER = Guarding("p.2 b.1", "2026-01-31T13:00:00Z")


def export(generation: int = 1, known: Admission | None = None, created: str = SINCE) -> Export:
    spec = ExportSpec("hpc-login", "git-auth", Profile.FLUX, None)
    made = Export(EXPORT, "uid", generation, "1", created, deleting=False, spec=spec, status=ExportStatus())
    return replace(made, status=ExportStatus(admission=known))


@pytest.mark.parametrize(
    ("seen", "policy", "admitted"),
    [
        pytest.param(export(), POLICY, True, id="created with the policy in force"),
        pytest.param(export(created="2026-01-31T11:59:59Z"), POLICY, False, id="created before it"),
        pytest.param(export(created=""), POLICY, False, id="created nobody knows when"),
        pytest.param(export(), Guarding("p.1 b.1", ""), False, id="a policy of an unknown age"),
        pytest.param(
            export(2, created="2026-01-31T11:59:59Z"), POLICY, False, id="changed, and never looked at before"
        ),
        pytest.param(export(1, Admission(1, "p.1 b.1", True)), NEWER, True, id="admitted by an earlier policy"),
        pytest.param(export(1, Admission(1, "p.1 b.1", False)), POLICY, False, id="refused, and not touched"),
        pytest.param(export(2, Admission(1, "p.1 b.1", False)), POLICY, True, id="refused, and changed under the same"),
        pytest.param(export(2, Admission(1, "p.1 b.1", True)), POLICY, True, id="changed under the same policy"),
        pytest.param(
            export(2, Admission(1, "p.1 b.1", True)), NEWER, False, id="changed, perhaps between two policies"
        ),
        pytest.param(export(2, Admission(1, "", True)), POLICY, False, id="changed after a record without a policy"),
        pytest.param(export(2, Admission(9, "p.1 b.1", True)), POLICY, False, id="a record of the future"),
    ],
)
def test_a_verdict_is_of_a_generation_and_a_policy(seen: Export, policy: Guarding, admitted: bool) -> None:
    assert verdict(seen, policy) == Admission(seen.generation, policy.identity, admitted)


def test_what_was_refused_once_is_asked_again_only_when_it_changes() -> None:
    refused = export(created="2026-01-31T11:00:00Z")
    told = verdict(refused, POLICY)
    under_a_newer = verdict(export(1, told), NEWER)

    assert not under_a_newer.admitted
    assert verdict(export(2, under_a_newer), NEWER).admitted
    assert not verdict(export(2, under_a_newer), POLICY).admitted


@pytest.mark.parametrize(
    ("known", "admitted"),
    [
        (None, False),
        (Admission(2, "p", True), True),
        (Admission(2, "p", False), False),
        (Admission(1, "p", True), False),
    ],
    ids=["nobody has looked", "this generation", "refused", "an earlier generation"],
)
def test_the_status_remembers(known: Admission | None, admitted: bool) -> None:
    assert is_admitted(export(2, known)) is admitted

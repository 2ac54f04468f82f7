"""SSHTargets that Argo CD's rule is tested with: statuses as the pass over a target makes them. Used by `argocd.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from argocd_cases import (
    DELETED,
    EDITED,
    GOING,
    KEY,
    NOT_ANSWERED,
    NOW,
    Case,
    Object,
    changed,
    manifest_of,
    pending,
    public_half,
)
from sshcredential_operator.api.names import TARGET_KIND
from sshcredential_operator.api.target import parse_target
from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.api.target_status import TargetStatus, target_merge_patch
from sshcredential_operator.ssh.visit import OfferedKey
from sshcredential_operator.targets.findings import Finding
from sshcredential_operator.targets.fold import Result, status_after
from sshcredential_operator.targets.judge import LOGGED_IN, Judged

SPEC: Final[Object] = {
    "credentialRef": {"name": "hpc-login"},
    "host": "login.hpc.example.org",
    "port": 22,
    "username": "nextflow",
    "hostKeys": {"policy": "TrustOnFirstUse"},
    "authorizedKey": {"manage": "None"},
    "probe": {"every": "12h", "timeout": "10s"},
}
NOT_SEEN: Final = TargetStatus()
HOST_KEY, OTHER = (OfferedKey("ssh-ed25519", key.fingerprint, key.public_key) for key in map(public_half, "ho"))
WENT_WELL: Final = Judged(
    LOGGED_IN,
    keys=LOGGED_IN,
    installed=Finding(TargetReason.INSTALLED_BY_HAND),
    logged_in=(KEY.fingerprint,),
    host_key=HOST_KEY,
    server_version="OpenSSH_9.6",
    visited=True,
)


def _target(health: str, judged: Judged, before: TargetStatus = NOT_SEEN, failures: int = 0) -> Case:
    """Return a target as it is left after a probe."""
    status = _after(judged, before, failures)
    [ready, *_] = status.conditions
    patch = target_merge_patch(status, over=NOT_SEEN)
    return Case(health, ready.message, manifest_of(TARGET_KIND, SPEC, patch))


def _after(judged: Judged, before: TargetStatus, failures: int = 0) -> TargetStatus:
    raw = manifest_of(TARGET_KIND, SPEC, target_merge_patch(before, over=NOT_SEEN))
    raw["metadata"] |= {"uid": "00000000-0000-4000-8000-000000000000", "resourceVersion": "1"}
    return status_after(Result(judged, datetime.fromisoformat(NOW), None, failures), parse_target(raw))


def _failed(reason: TargetReason, **facts: str) -> Judged:
    return Judged(Finding(reason, facts), visited=True)


def targets(default: Object) -> dict[str, Case]:
    """Return the cases of an SSHTarget by name; `default` is the status that the CRD gives."""
    healthy, good = _target("Healthy", WENT_WELL), _after(WENT_WELL, NOT_SEEN)
    changed_key = Judged(
        Finding(TargetReason.HOST_KEY_CHANGED, {"offered": OTHER.fingerprint}), offered=OTHER, visited=True
    )
    refused = _failed(TargetReason.AUTHENTICATION_FAILED, fingerprint=KEY.fingerprint)
    waits = Judged(Finding(TargetReason.CREDENTIAL_MISSING))
    return {
        "healthy": healthy,
        "healthy_after_one_failure": _target("Healthy", _failed(TargetReason.TIMED_OUT), good, failures=1),
        "progressing_not_seen": pending(healthy, default),
        "progressing_without_status": changed(healthy, "Progressing", NOT_ANSWERED, {"status": None}),
        "progressing_spec_changed": changed(healthy, "Progressing", NOT_ANSWERED, EDITED),
        "progressing_deleted": changed(healthy, "Progressing", GOING, DELETED),
        "progressing_credential_missing": _target("Progressing", waits),
        "progressing_unreachable": _target("Progressing", _failed(TargetReason.TIMED_OUT), good, failures=2),
        "degraded_host_key_changed": _target("Degraded", changed_key, good),
        "degraded_authentication_failed": _target("Degraded", refused),
    }

"""What the visits of one probe say of a target: pure. Used by `fold` and `events`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.ssh.visit import Arranged, Failed, OfferedKey, Queried, Visited
from sshcredential_operator.targets.findings import Finding, Found
from sshcredential_operator.targets.probe import NOT_INSTALLED, NOT_LET_IN, UNTRUSTED, shown_by

LOGGED_IN: Final = Finding(TargetReason.LOGGED_IN)


@dataclass(frozen=True, slots=True)
class Judged:
    """What one probe came to; without visits, only `ready` is told."""

    ready: Finding
    keys: Finding | None = None
    """Of the condition Authenticated; None where no login was tried."""
    installed: Finding | None = None
    logged_in: tuple[str, ...] = ()
    host_key: OfferedKey | None = None
    """The trusted one, where the server was reached."""
    offered: OfferedKey | None = None
    """One that is not trusted."""
    server_version: str | None = None
    accepted: frozenset[str] = frozenset()
    """Retired keys that the server still takes."""
    refused: frozenset[str] = frozenset()
    """Those that it takes no more."""
    left_over: bool = False
    """Whether the server could not be asked for them."""
    visited: bool = False


def judged(found: Found) -> Judged:
    """Return what the visits say."""
    queried, visits = found.queried, list(_visits(found))
    accepted = queried.accepted & found.asked if isinstance(queried, Queried) else frozenset()
    failures = [came for came in visits if isinstance(came, Failed)]
    return Judged(
        ready=_ready(found),
        keys=_keys(found),
        installed=_installed(found, accepted),
        logged_in=tuple(h.fingerprint for h in found.wanted if isinstance(found.logins.get(h.fingerprint), Visited)),
        host_key=next((key for came in visits if (key := shown_by(came))), None),
        offered=next((one.offered for one in failures if one.reason in UNTRUSTED and one.offered), None),
        server_version=next((version for came in visits if (version := _version(came))), None),
        accepted=accepted,
        refused=found.asked - accepted if isinstance(queried, Queried) else frozenset(),
        left_over=bool(found.asked) and not isinstance(queried, Queried),
        visited=True,
    )


def _ready(found: Found) -> Finding:
    """Ready is about the current key, and about installing where that is wanted; a wrong host comes before both."""
    wrong = next((came for came in _visits(found) if isinstance(came, Failed) and came.reason in UNTRUSTED), None)
    if wrong:
        return _of(wrong)
    if isinstance(found.arranged, Failed):
        return _of(found.arranged)
    current = found.logins.get(found.current.fingerprint)
    if isinstance(current, Failed):
        return _of(current, found.current.fingerprint)
    return LOGGED_IN


def _keys(found: Found) -> Finding | None:
    for half in found.wanted:
        came = found.logins.get(half.fingerprint)
        if isinstance(came, Failed):
            return _of(came, half.fingerprint) if came.reason in NOT_LET_IN or half == found.next else None
        if came is None:
            return None
    return LOGGED_IN


def _installed(found: Found, accepted: frozenset[str]) -> Finding | None:
    current, came = found.current.fingerprint, found.arranged
    if accepted:
        return Finding(TargetReason.RETIRED_KEY_ACCEPTED, {"fingerprint": min(accepted)})
    if isinstance(came, Arranged):
        ours = current in came.ours
        return Finding(TargetReason.INSTALLED if ours else TargetReason.INSTALLED_BY_HAND)
    if isinstance(came, Failed):
        return _of(came) if came.reason in NOT_INSTALLED else None
    login = found.logins.get(current)
    if isinstance(login, Failed):
        return Finding(TargetReason.NOT_INSTALLED, {"fingerprint": current}) if login.reason in NOT_LET_IN else None
    return Finding(TargetReason.INSTALLED_BY_HAND) if login else None


def _of(failed: Failed, fingerprint: str | None = None) -> Finding:
    facts = dict(failed.facts)
    if failed.offered and failed.reason in UNTRUSTED:
        facts["offered"] = failed.offered.fingerprint
    if "fault" in facts:
        facts.setdefault("cause", facts["fault"])
    return Finding(failed.reason, facts | ({"fingerprint": fingerprint} if fingerprint else {}))


def _visits(found: Found) -> Iterator[Visited | Arranged | Queried | Failed]:
    yield from (came for came in (found.arranged, *found.logins.values(), found.queried) if came)


def _version(came: Visited | Arranged | Queried | Failed) -> str | None:
    return came.server_version if isinstance(came, Visited | Failed) else came.visited.server_version

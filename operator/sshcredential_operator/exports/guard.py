"""Whether the requester of an export was asked for the right to it: pure. Used by `checks` and `report`.

Admission asks; this tells whether it did. A time proves it only for a creation, since anybody can touch metadata later.
For a change of the spec the status remembers what was looked at last: a generation that came after that, under the
very same policy and binding, was let in by them.
"""

from __future__ import annotations

from sshcredential_operator.api.export import Export
from sshcredential_operator.api.export_status import Admission
from sshcredential_operator.api.timestamps import parse_timestamp
from sshcredential_operator.exports.observed import Guarding


def verdict(export: Export, policy: Guarding) -> Admission:
    """Return what is known of this generation; the status keeps it."""
    known = export.status.admission
    if known is None:
        admitted = _is_not_older(export.created_at, policy.since)
    elif known.generation == export.generation:
        admitted = known.admitted
    else:
        admitted = known.generation < export.generation and known.policy == policy.identity
    return Admission(export.generation, policy.identity, admitted)


def is_admitted(export: Export) -> bool:
    """Whether the status already says so of this generation."""
    known = export.status.admission
    return known is not None and known.generation == export.generation and known.admitted


def _is_not_older(created_at: str, since: str) -> bool:
    created, began = parse_timestamp(created_at), parse_timestamp(since)
    return created is not None and began is not None and created >= began

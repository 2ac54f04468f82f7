"""What is to be done for one export, or for the copies of one that is gone: pure.

No clock, client or environment in here: the same observation always gives the same decision.
"""

from __future__ import annotations

from dataclasses import replace

from sshcredential_operator.api.export import Export
from sshcredential_operator.api.export_spec import ExportSpec
from sshcredential_operator.exports.checks import CHECKS, withdrawn
from sshcredential_operator.exports.decision import NOTHING, Decision, Look, Why
from sshcredential_operator.exports.observed import Observed


def decide(observed: Observed) -> Decision:
    """Return what is to be done; total, and the same for the same observation."""
    export = observed.export
    if export is None or export.deleting:
        return _decide_ended(observed)
    decision = next(d for check in CHECKS if (d := check(observed, export)))
    if decision.reason is None:
        return decision
    ends = export.expires_at
    to_come = [moment for moment in (decision.due, ends) if moment and moment > observed.now]
    return replace(decision, facts=_common(export) | dict(decision.facts), due=min(to_come, default=None))


def _decide_ended(observed: Observed) -> Decision:
    """Nobody asks for these copies any more. That the export is gone is read live before one is removed."""
    if observed.trouble or not observed.served:
        return NOTHING
    removal = withdrawn(observed, Why.DELETED)
    if removal and observed.export is None and not observed.absence_is_live:
        return Decision(None, look=Look.EXPORT)
    return replace(removal, reason=None) if removal else NOTHING


def _common(export: Export) -> dict[str, str | int]:
    spec = export.spec
    return {"credential": spec.credential, "secret": spec.secret_name} if isinstance(spec, ExportSpec) else {}

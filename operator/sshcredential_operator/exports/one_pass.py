"""One pass over one export. Called by the controller's workers, one at a time for each export."""

from __future__ import annotations

from dataclasses import replace

from sshcredential_operator.api.names import ExportKey
from sshcredential_operator.api.reasons import COURSE, Course, Reason
from sshcredential_operator.exports.act import act
from sshcredential_operator.exports.decide import decide
from sshcredential_operator.exports.decision import Act, Decision
from sshcredential_operator.exports.observe import look, observe
from sshcredential_operator.exports.observed import Observed
from sshcredential_operator.exports.ports import ExportWorld
from sshcredential_operator.exports.report import report, tell
from sshcredential_operator.reconcile.one_pass import PATIENCE, Outcome
from sshcredential_operator.reconcile.trouble import TroubleError


async def follow(key: ExportKey, world: ExportWorld, failures: int = 0) -> Outcome:
    """Bring one export one step further; `failures` is how many passes in a row came before without success.

    Raises TroubleError when not even the status could be written.
    """
    observed = await observe(key, world)
    acted = None
    try:
        observed, decision = await _weigh(observed, world)
        if decision.act:
            acted = decision.act
            observed = await act(decision, observed, world)
            await tell(decision, observed, world)
            observed, decision = await _weigh(observed, world)
            if decision.act:  # one change a pass; another one follows at once, the same one again after a while
                return Outcome(decision.reason, acted, retry=True, retry_after=None if decision.act is acted else 0)
    except TroubleError as trouble:
        observed = replace(observed, trouble=trouble)
        decision = decide(observed)
    reported = not _passes_by_itself(decision, observed, failures) and await report(decision, observed, world)
    return _outcome(decision, observed, acted)._replace(reported=reported)


async def _weigh(observed: Observed, world: ExportWorld) -> tuple[Observed, Decision]:
    decision = decide(observed)
    while decision.look:
        observed = await look(decision, observed, world)
        decision = decide(observed)
    return observed, decision


def _passes_by_itself(decision: Decision, observed: Observed, failures: int) -> bool:
    # A hiccup of the API server, or somebody who was faster, does not make a good state bad.
    return (
        observed.trouble is not None
        and decision.reason in {Reason.SERVER_UNAVAILABLE, Reason.FORBIDDEN}
        and failures < PATIENCE
    )


def _outcome(decision: Decision, observed: Observed, acted: Act | None) -> Outcome:
    trouble = observed.trouble
    retry = trouble is not None or (
        decision.due is None and decision.reason is not None and COURSE[decision.reason] is Course.RETRY
    )
    due_in = (decision.due - observed.now).total_seconds() if decision.due else None
    return Outcome(decision.reason, acted, retry, trouble.retry_after if trouble else None, due_in)

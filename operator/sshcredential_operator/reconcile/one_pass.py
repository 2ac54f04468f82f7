"""One pass over one credential. Called by the controller's workers, one at a time for each credential."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Final, NamedTuple

from sshcredential_operator.api.keyreasons import Note
from sshcredential_operator.api.names import CredentialKey
from sshcredential_operator.api.reasons import COURSE, Course, Reason
from sshcredential_operator.api.spec import ImportFrom, Spec
from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.reconcile.act import act
from sshcredential_operator.reconcile.decide import decide
from sshcredential_operator.reconcile.decision import Act, Decision
from sshcredential_operator.reconcile.making import needs_key_work
from sshcredential_operator.reconcile.narrow import spec_of
from sshcredential_operator.reconcile.observe import look, observe
from sshcredential_operator.reconcile.observed import Foreign, Observed, Stored
from sshcredential_operator.reconcile.ports import World
from sshcredential_operator.reconcile.report import report, tell_of_ends
from sshcredential_operator.reconcile.trouble import TroubleError


class Outcome(NamedTuple):
    """What a pass came to. `retry_after` 0 means at once, `due_in` asks for one in so many seconds.

    `needs_place` asks for another pass that may do costly work on keys.
    """

    reason: Reason | TargetReason | None
    acted: Enum | None = None
    """The change that was made."""
    retry: bool = False
    retry_after: float | None = None
    due_in: float | None = None
    needs_place: bool = False
    reported: bool = False
    """Whether the status was written."""


PATIENCE: Final = 5
"""So many tries in a row meet a server that is away or busy before the status says so: about three seconds."""


async def reconcile(key: CredentialKey, world: World, failures: int = 0) -> Outcome:
    """Bring one credential one step further; `failures` is how many passes in a row came before without success.

    Raises TroubleError when not even the status could be written.
    """
    observed = await observe(key, world)
    acted = None
    try:
        observed, decision = await _weigh(observed, world)
        if decision.act and not _lacks_place(decision, observed, world):
            acted = decision.act
            observed = await act(decision.act, observed, world)
            await tell_of_ends(observed, world)
            observed, decision = await _weigh(observed, world)
            if decision.act:  # one change a pass; another one follows at once, the same one again after a while
                return Outcome(decision.reason, acted, retry=True, retry_after=None if decision.act is acted else 0)
    except TroubleError as trouble:
        observed = replace(observed, trouble=trouble)
        decision = decide(observed)
    if _lacks_place(decision, observed, world):
        return Outcome(decision.reason, acted, needs_place=True)
    reported = not _passes_by_itself(decision, observed, failures) and await report(decision, observed, world)
    world.inputs.watch(key, awaited_secrets(observed))
    return _outcome(decision, observed, acted)._replace(reported=reported)


LOOKS_AGAIN: Final[dict[Reason, float]] = {
    Reason.KEY_UNAVAILABLE: 60.0,
    Reason.SEALING_KEY_UNKNOWN: 60.0,
    Reason.TIMED_OUT: 600.0,
}
"""After so many seconds a stopped credential is looked at again, where nothing tells that the cause is over: the return
of a workspace key or sealing key, and the load that made the check of a good key take too long."""


async def _weigh(observed: Observed, world: World) -> tuple[Observed, Decision]:
    decision = decide(observed)
    while decision.look and not _lacks_place(decision, observed, world):
        observed = await look(decision.look, observed, world)
        decision = decide(observed)
    return observed, decision


def _lacks_place(decision: Decision, observed: Observed, world: World) -> bool:
    return needs_key_work(decision, observed) and not world.keys.has_place(observed.key)


def awaited_secrets(observed: Observed) -> frozenset[str]:
    """Return the names of the Secrets whose appearance, change or end would change what is so."""
    credential = observed.credential
    if credential is None or not isinstance(credential.spec, Spec):
        return frozenset()
    names = set()
    if isinstance(observed.secret, Foreign):
        names.add(observed.key.secret_name)
    source = credential.spec.source
    if isinstance(source, ImportFrom) and _input_matters(observed):
        names |= {ref.secret_name for ref in (source.private_key, source.passphrase) if ref}
    return frozenset(names)


def _input_matters(observed: Observed) -> bool:
    if not isinstance(observed.secret, Stored) or observed.input_present:
        return True
    if spec_of(observed.credential).rotation.serial > observed.secret.record.rotation_serial:
        return True
    notes = observed.credential.status.notes if observed.credential else ()
    return observed.input_present is None and Note.INPUT_SECRET_PRESENT.value in notes


def _passes_by_itself(decision: Decision, observed: Observed, failures: int) -> bool:
    # A hiccup of the API server does not make a good state bad, nor cost two more writes. One that has just started
    # refuses everything until it has read the roles.
    suspended = decision.reason is Reason.SUSPENDED  # which says nothing of the trouble behind it
    met = observed.trouble.reason if suspended and observed.trouble else decision.reason
    return met in {Reason.SERVER_UNAVAILABLE, Reason.FORBIDDEN} and failures < PATIENCE


def _outcome(decision: Decision, observed: Observed, acted: Act | None) -> Outcome:
    trouble = observed.trouble
    retry = trouble is not None or (decision.reason is not None and COURSE[decision.reason] is Course.RETRY)
    due_in = (decision.due - observed.now).total_seconds() if decision.due else None
    again = LOOKS_AGAIN.get(decision.reason) if decision.reason else None
    due_in = min((seconds for seconds in (due_in, again) if seconds is not None), default=None)
    return Outcome(decision.reason, acted, retry, trouble.retry_after if trouble else None, due_in)

"""What the witness of the random lives says of a run: the licences of every write, and what is right in the end.

It raises at the first thing that is wrong; here each becomes a violation, and it goes on with the next revision.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from cluster.etcd_history import CREDENTIALS
from faults.oracles_story import Step, Story, is_of_credential, raw_secret
from faults.run import Violation
from lives.rest import is_right
from lives.revisions import CredentialWritten, Revision, SecretWritten
from lives.witness import Seen, Witness

UNNUMBERED: Final = {
    "an operator deleted a credential": "I5",
    "an operator created a credential": "I5",
    "a deletion policy that nobody wrote": "I5",
    "the policy of a deletion was forgotten": "I4",
    "the spec was not answered": "I4",
    "a serial was forgotten": "I4",
    "a rollback was forgotten": "I4",
    "a staged key was forgotten": "I4",
    "a schedule was forgotten": "I4",
    "not everybody is told who uses it": "I4",
    "nobody did any harm, but": "I4",
    "a false green": "I3",
}
"""Of what the witness says without a number; all the rest is about changes of keys that nobody asked for."""

ABOUT_TIME: Final = re.compile(
    r"before its time|within its grace period|for a (shorter|longer) time|is left|left behind"
)
"""Cannot be said where an operator's clock was another one."""


def witnessed(story: Story) -> Iterator[Violation]:
    """Let the witness hear every revision, and say what must never have been; then look at what is so in the end."""
    run = story.run
    witness = Witness(run.namespace, run.kek_of)
    rests = sorted(run.rests, reverse=True)
    for step in story.of_workspace:
        while rests and rests[-1] < step.version:
            witness.at_rest()
            rests.pop()
        said = _objection(witness, step)
        if said and (run.clocks_agree or not ABOUT_TIME.search(said)):
            yield Violation(numbered(said), f"{step}: {said}")
    if run.seconds_to_level is not None:
        for name, seen in witness.seen.items():
            said = _objection_in_the_end(witness, seen, story.end)
            if said and (run.clocks_agree or not ABOUT_TIME.search(said)):
                yield Violation(numbered(said), f"{name} in the end: {said}")


def _objection(witness: Witness, step: Step) -> str | None:
    told = as_heard(step)
    try:
        if told:
            witness.heard(told)
    except AssertionError as error:
        return _words(error)
    return None


def _objection_in_the_end(witness: Witness, seen: Seen, end: datetime) -> str | None:
    try:
        is_right(seen, end, witness.left)
    except AssertionError as error:
        return _words(error)
    return None


def _words(error: AssertionError) -> str:
    """Return what an assertion says; where it says nothing, the line that it stands in."""
    return str(error) or f"not so: {traceback.extract_tb(error.__traceback__)[-1].line}"


def as_heard(step: Step) -> Revision | None:
    """Return a revision as the witness hears it; None for what is no credential and no Secret of one."""
    if step.revision.resource == CREDENTIALS:
        return CredentialWritten(step.name, step.object, step.at, step.by_operator)
    if is_of_credential(step):
        raw = raw_secret(step.object) if step.object else None
        return SecretWritten(step.name, raw, step.at, step.by_operator)
    return None


def numbered(said: str) -> str:
    """Return the invariant that a sentence of the witness is about."""
    if found := re.match(r"\(?'?(I\d+)\b", said):
        return found[1]
    return next((number for words, number in UNNUMBERED.items() if words in said), "I1")

"""Of Ready: at every revision the Secret is there, opens, holds both halves of the key that the status names (I3).

Who takes a credential for green goes by the public rules of kubectl, kstatus and Argo CD. The private half is read
without the operator's code.
"""

from __future__ import annotations

from collections.abc import Iterator

from cluster.etcd_history import CREDENTIALS
from cluster.false_greens import false_halves, greens, shared_names
from faults.oracles_story import Story, is_of_credential
from faults.run import Violation
from sshcredential_operator.api.names import SECRET_TYPE


def no_green_is_false(story: Story) -> Iterator[Violation]:
    """Hold every moment of green to what lies in the Secret then."""
    own = [step for step in story.of_workspace if step.revision.resource == CREDENTIALS or is_of_credential(step)]
    last = {step.name: step.version for step in own}
    theirs = _touched_by_users(story)
    for moment in greens([step.revision for step in own], story.run.kek_of):
        name = moment.credential.name
        if moment.secret and moment.secret.version in theirs and moment.version != last[name]:
            continue  # what users do to a Secret is told as soon as it is seen
        kind = (moment.secret.object or {}).get("type") if moment.secret else None
        if kind not in {None, SECRET_TYPE}:
            yield Violation("I3", f"{name} at {moment.version}: green over a Secret of the type {kind}")
        for lie in false_halves(moment, at_rest=moment.version == last[name]):
            yield Violation("I3", f"{name} at {moment.version}: green, but {lie}")
    yield from (Violation("I3", shared) for shared in shared_names([step.revision for step in own]))


def _touched_by_users(story: Story) -> frozenset[int]:
    return frozenset(step.version for step in story.secrets if not step.by_operator)

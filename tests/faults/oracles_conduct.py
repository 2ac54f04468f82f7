"""Of conduct: whose objects an operator touches, by which requests, how often, and which of two leads."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from cluster.etcd_history import CREDENTIALS, SECRETS
from cluster.shown import Object, answered, condition_of, mark_of
from faults.oracles_story import Step, Story, is_of_credential
from faults.run import Request, Violation
from sshcredential_operator.api.names import GROUP, SECRET_TYPE
from sshcredential_operator.api.reasons import COURSE, Course, Reason
from sshcredential_operator.api.spec import DeletionPolicy

WRITES_FOR_A_CHANGE: Final = 3
WRITES_FOR_AN_EVENT: Final = 2
"""A key that ends, is promoted or sealed anew: the Secret, and the status that follows it or goes before."""
RETRIED: Final = {reason.value for reason in Reason if COURSE[reason] is Course.RETRY}

OF_SECRETS: Final = re.compile(r"/api/v1(?:/namespaces/([^/]+))?/secrets(?:/|$)")
OF_A_LEASE: Final = re.compile(r"/apis/coordination\.k8s\.io/v1/namespaces/[^/]+/leases(?:/|$)")
OF_A_STATUS: Final = re.compile(rf"/apis/{re.escape(GROUP)}/[^/]+/namespaces/[^/]+/{CREDENTIALS}/[^/]+/status$")
LEASE_SECONDS: Final = 9.5
"""A little less than an unchanged Lease has to be waited for: requests are counted where they come by."""


def foreign_secrets_are_untouched(story: Story) -> Iterator[Violation]:
    """No operator writes or deletes a Secret that it did not make, but those of its own type that were put back."""
    made_by_users: set[tuple[str, str]] = set()
    for step in story.steps:
        if step.revision.resource != SECRETS:
            continue
        place = (step.revision.namespace, step.revision.name)
        if step.before is None:
            (made_by_users.discard if step.by_operator else made_by_users.add)(place)
        elif step.by_operator and place in made_by_users and step.before["type"] != SECRET_TYPE:
            yield Violation("I6", f"{step}: somebody else's Secret was {'changed' if step.object else 'deleted'}")


def nobody_owns_a_secret(story: Story) -> Iterator[Violation]:
    """No Secret gets an owner: garbage collection would destroy the key of a credential that comes back."""
    for step in story.secrets:
        if step.by_operator and step.object and step.object["metadata"].get("ownerReferences"):
            yield Violation("I5", f"{step}: an operator wrote an owner")


def the_living_keep_their_keys(story: Story) -> Iterator[Violation]:
    """No key is destroyed whose credential had come back before the mark was written: who looks, sees that."""
    living: dict[str, int] = {}
    marked: dict[str, int] = {}
    for step in story.of_workspace:
        if step.revision.resource == CREDENTIALS:
            if step.object is None:
                living.pop(step.name, None)
            else:
                living.setdefault(step.name, step.version)
        elif is_of_credential(step):
            if (
                step.object is None
                and step.by_operator
                and living.get(step.name, step.version) < marked.get(step.name, step.version)
            ):
                yield Violation("I5", f"{step}: the key of a living credential was destroyed")
            if step.object is None or not mark_of(step.object):
                marked.pop(step.name, None)
            else:
                marked.setdefault(step.name, step.version)


def nobody_waits_for_an_operator(story: Story) -> Iterator[Violation]:
    """No credential gets a finalizer: with an operator that is away, its deletion would not end."""
    for step in story.credentials:
        if step.by_operator and step.object and _finalizers(step.object) - _finalizers(step.before):
            yield Violation("I11", f"{step}: an operator wrote a finalizer")


def retained_keys_stay(story: Story) -> Iterator[Violation]:
    """No key is destroyed whose credential said Retain in the last spec that was answered."""
    retained: set[str] = set()
    for step in story.of_workspace:
        if step.revision.resource == CREDENTIALS and step.object and answered(step.object):
            keeps = step.object["spec"].get("deletionPolicy") == DeletionPolicy.RETAIN
            (retained.add if keeps else retained.discard)(step.name)
        elif is_of_credential(step) and step.object is None and step.by_operator and step.name in retained:
            yield Violation("I5", f"{step}: a key was destroyed that was to be retained")


def secrets_are_asked_for_at_home(story: Story) -> Iterator[Violation]:
    """Every request for Secrets names the workspace or the operator's own namespace."""
    for request in story.run.requests:
        found = OF_SECRETS.match(urlsplit(request.path).path)
        if found and found[1] not in {story.run.namespace, story.run.own}:
            yield Violation("I13", f"{request.method} {request.path}")


def writes_are_few(story: Story) -> Iterator[Violation]:
    """Three writes for a change at most, two for what comes with time, and none that says nothing new."""
    writes, most, news = Counter[str](), Counter[str](), 0
    for step in story.of_workspace:
        own = step.revision.resource == CREDENTIALS or is_of_credential(step)
        if not step.by_operator:
            news += not own  # an input, which any of them may wait for
            most[step.name] += WRITES_FOR_A_CHANGE * own
        elif own:
            writes[step.name] += 1
            most[step.name] += WRITES_FOR_AN_EVENT * _happenings(story, step)
            if step.revision.resource == CREDENTIALS and _says_nothing_new(step):
                yield Violation("I14", f"{step}: the status was written, and says nothing new")
    for name, count in writes.items():
        bound = most[name] + WRITES_FOR_A_CHANGE * news
        if count > bound:
            yield Violation("I14", f"{count} writes for {name}, where {bound} are enough")
    if story.run.writes_in_quiet:
        yield Violation("I14", f"written at rest: {', '.join(story.run.writes_in_quiet)}")


def writes_are_guarded(story: Story) -> Iterator[Violation]:
    """Of two operators none can overwrite what the other wrote: every write names the revision that it is based on."""
    for request in story.run.requests:
        path = urlsplit(request.path).path
        found = OF_SECRETS.match(path)
        if not (OF_A_STATUS.match(path) or (found and found[1] == story.run.namespace)) or not request.body:
            continue
        body = json.loads(request.body)
        match request.method:
            case "PUT":
                yield Violation("I17", f"PUT {path}: what lies there is replaced")
            case "PATCH" if not body.get("metadata", {}).get("resourceVersion"):
                yield Violation("I17", f"PATCH {path} without resourceVersion")
            case "DELETE" if not {"uid", "resourceVersion"} <= (body.get("preconditions") or {}).keys():
                yield Violation("I17", f"DELETE {path} without uid and resourceVersion")


def one_leads(story: Story) -> Iterator[Violation]:
    """A Lease is taken only when its holder has been silent for long; from then on the other one writes nothing."""
    holder, seen_at, leader = "", 0.0, ""
    for request in sorted(story.run.requests, key=lambda request: request.at):
        if request.method == "GET":
            continue
        if not OF_A_LEASE.match(urlsplit(request.path).path):
            if leader not in {"", request.who}:
                yield Violation("I17", f"{request.who} writes while {leader} leads: {request.method} {request.path}")
            continue
        told = _holder(request)
        if told is None:
            continue
        silent = request.at - seen_at
        if holder and told not in {"", holder} and silent < LEASE_SECONDS and request.at < story.run.unhurried_until:
            yield Violation("I17", f"{request.who} took the Lease of one that had renewed it {silent:.1f} s before")
        holder, seen_at, leader = told, request.at, request.who if told else ""


def _holder(request: Request) -> str | None:
    """Return whom a request has written into the Lease; None where it has not."""
    if request.code // 100 != 2 or request.method not in {"PUT", "POST"} or not request.body:
        return None
    return str(json.loads(request.body).get("spec", {}).get("holderIdentity") or "")


def _happenings(story: Story, step: Step) -> int:
    """Return how many things beside a user's change a write of an operator stands for."""
    if step.revision.resource == CREDENTIALS:
        return bool(step.object and condition_of(step.object).get("reason") in RETRIED)
    before = next((one for one in reversed(_earlier(story, step)) if one.object is not None), None)
    old, new = story.opened(before) if before else None, story.opened(step)
    if old is None or new is None:
        return 0
    ended = old.keys.keys() - new.keys.keys()
    promoted = old.record.next is not None and new.record.current == old.record.next.key_number
    return len(ended) + promoted + (old.kid != new.kid)


def _earlier(story: Story, step: Step) -> list[Step]:
    return [one for one in story.secrets if one.name == step.name and one.version < step.version]


def _says_nothing_new(step: Step) -> bool:
    return step.before is not None and step.object is not None and _said(step.object) == _said(step.before)


def _said(found: Object) -> dict[str, Any]:
    """Return a status without the times at which conditions changed."""
    status = dict(found["status"])
    timeless = [{**one, "lastTransitionTime": ""} for one in status.get("conditions", [])]
    return {**status, "conditions": timeless}


def _finalizers(found: Object | None) -> set[str]:
    return set((found or {}).get("metadata", {}).get("finalizers", []))

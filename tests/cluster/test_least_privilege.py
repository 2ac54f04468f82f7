"""The operator's roles grant what it uses and nothing else: held against the audit log of everything that ran before.

The API server notes with each request which role allowed it. Whoever takes a right away here finds out by a test that
is refused; whoever adds one too many, by this one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest
import yaml

from cluster.conftest import Workspace
from cluster.rights import ROLES
from cluster.turns import COLLECTED
from controlplane.audit import AuditEvent, read
from controlplane.plane import ControlPlane

pytestmark = pytest.mark.last

ROLE_FILE: Final = ROLES / "operator.yaml"
ALLOWED_BY: Final = re.compile(r'^RBAC: allowed by \w+ "[^"]+" of \w+ "([^"]+)"')

NEVER_REQUESTED: Final = frozenset({"report", "drop"})
"""Verbs that only the admission policies ask for; written statuses and dropped keys show their use."""


class Granted(NamedTuple):
    """One verb on one resource, or on one object of a name, that a role grants."""

    role: str
    verb: str
    group: str
    resource: str
    name: str = ""


def granted() -> Iterator[Granted]:
    for role in yaml.safe_load_all(ROLE_FILE.read_text()):
        for rule in role["rules"]:
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    for verb in rule["verbs"]:
                        for name in rule.get("resourceNames", [""]):
                            yield Granted(role["metadata"]["name"], verb, group, resource, name)


def used(events: Iterable[AuditEvent]) -> Iterator[Granted]:
    names = {(one.role, one.group, one.resource) for one in granted() if one.name}
    for event in events:
        reason = event.raw.get("annotations", {}).get("authorization.k8s.io/reason", "")
        if allowed := ALLOWED_BY.match(reason):
            resource = f"{event.resource}/{event.subresource}" if event.subresource else event.resource
            bound = (allowed[1], event.group, resource) in names and event.verb != "create"
            yield Granted(allowed[1], event.verb, event.group, resource, event.name if bound else "")


@pytest.fixture(scope="module")
def events(request: pytest.FixtureRequest, embedded: ControlPlane, workspace: Workspace) -> list[AuditEvent]:
    """Everything that was asked of any control plane of this run, which has to have been a whole one."""
    here = Path(__file__).parent
    collected = request.config.stash[COLLECTED]
    if not collected.issuperset(here.glob("test_*.py")):
        pytest.skip("looks back at what all tests of tests/cluster did: only where all of them ran")
    logs = embedded.data_dir.parents[1].rglob("audit.log")
    return [event for log in logs for event in read(log)]


def test_every_right_of_the_operator_is_used(events: list[AuditEvent]) -> None:
    unused = {one for one in granted() if one.verb not in NEVER_REQUESTED} - set(used(events))

    assert unused == set()


def test_the_operator_lacks_no_right(events: list[AuditEvent], workspace: Workspace) -> None:
    served = {workspace.namespace, workspace.other}
    refused = {
        (event.verb, event.group, event.resource, event.subresource)
        for event in events
        if event.user == "operator"
        and event.namespace in served
        and event.raw.get("annotations", {}).get("authorization.k8s.io/decision") == "forbid"
    }

    assert refused == set()

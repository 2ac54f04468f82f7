"""What the process of targets asks of the API server, counted in its audit log: one Secret and one write for a probe.

At rest it asks for nothing but watches, and a restart among many targets writes nothing and reads no Secret.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from cluster.footprint import Asked, asked, writes
from cluster.shown import secret_of
from cluster.target_doors import ready
from cluster.target_stage import TARGETS, Stage, at, stage
from controlplane.audit import AuditEvent, AuditMark
from controlplane.namespaces import Namespaces
from controlplane.plane import ControlPlane
from controlplane.waiting import wait_until
from ssh.servers import Sshd, running

MANY: Final = 24
QUIET_SECONDS: Final = 10.0
A_MINUTE: Final = 60.0
OF_THE_START: Final = frozenset({"servicecidrs", "nodes", "validatingadmissionpolicies"})
"""What is read of the cluster as a whole, at the start and every few minutes: ranges, and whether the policy holds."""


class Resting(NamedTuple):
    """A process with many targets that all log in, and nothing to do."""

    stage: Stage
    plane: ControlPlane

    def requests(self, since: AuditMark) -> list[AuditEvent]:
        """Return this process's requests after a mark, each once."""
        events = [event for event in self.plane.audit_events(since) if event.user == TARGETS and self.is_own(event)]
        return list({event.raw["auditID"]: event for event in events}.values())

    def is_own(self, event: AuditEvent) -> bool:
        """Whether it is about this process's namespaces; another one may run at the same time, for other tests."""
        return event.namespace in {self.stage.namespace, self.stage.own}

    def asked(self, since: AuditMark) -> Counter[Asked]:
        """Return how often it asked for what; watches, which last, are left out."""
        return Counter(asked(event) for event in self.requests(since) if event.verb != "watch")


@pytest.fixture(scope="module")
def resting(
    embedded: ControlPlane, namespaces: Namespaces, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Resting]:
    folder = tmp_path_factory.mktemp("asked")
    with ExitStack() as until_the_end:
        staged = until_the_end.enter_context(stage(embedded, namespaces, folder))
        server = until_the_end.enter_context(running(folder / "sshd"))
        server.let_in(ready(staged, "shared"))
        for number in range(MANY):
            staged.targets.create(f"many-{number}", at(server, "shared"))
        for number in range(MANY):
            staged.targets.until(f"many-{number}", "LoggedIn")
        yield Resting(staged, embedded)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    with running(tmp_path / "sshd") as server:
        yield server


def one_probe(staged: Stage, name: str) -> Counter[Asked]:
    """What it costs to find out that nothing has changed, as somebody asked for it: a read and a write."""
    return Counter(
        (
            Asked("get", "secrets", staged.namespace, secret_of(name)),
            Asked("patch", "sshtargets/status", staged.namespace, name),
        )
    )


def idle(process: Resting) -> AuditMark:
    """Return a mark from when all passes were made."""
    running_now = process.stage.process
    wait_until(lambda: not running_now.metric("sshcredential_operator_queue_depth"), "all passes were made")
    return process.plane.audit_mark()


def test_a_first_probe_reads_one_secret_and_writes_its_begin_its_end_and_no_event(
    resting: Resting, name: str, server: Sshd
) -> None:
    staged = resting.stage
    server.let_in(ready(staged, name))
    mark = idle(resting)
    staged.targets.create(name, at(server, name))
    staged.targets.until(name, "LoggedIn")
    begins = Counter((Asked("patch", "sshtargets/status", staged.namespace, name),))
    wait_until(lambda: resting.asked(mark) == one_probe(staged, name) + begins, f"is {resting.asked(mark)}")


def test_a_further_probe_reads_one_secret_and_writes_once(resting: Resting, name: str, server: Sshd) -> None:
    staged = resting.stage
    server.let_in(ready(staged, name))
    staged.targets.create(name, at(server, name))
    staged.targets.until(name, "LoggedIn")
    mark = idle(resting)
    for _ in range(3):
        request = staged.targets.probe(name)
        staged.targets.until_object(
            name, lambda one, said=request: one["status"].get("handledProbeRequest") == said, "probed"
        )
    thrice = Counter({one: 3 * times for one, times in one_probe(staged, name).items()})
    wait_until(lambda: resting.asked(mark) == thrice, f"is {resting.asked(mark)}")


def test_a_restart_among_many_targets_writes_nothing_and_reads_no_secret_of_theirs(resting: Resting) -> None:
    staged = resting.stage
    mark = idle(resting)
    assert staged.process.stop() == 0
    again = staged.start()
    wait_until(lambda: again.metric("sshcredential_operator_reconciles_total") >= MANY, "every target was looked at")
    idle(resting)
    found = resting.asked(mark)

    assert writes(found) == Counter()
    assert {one for one in found if one.resource == "secrets" and one.namespace == staged.namespace} == set()
    assert found[Asked("list", "sshtargets", staged.namespace, "")] == 1


def test_at_rest_nothing_is_asked_but_watches(resting: Resting) -> None:
    asks_nothing_for(resting, QUIET_SECONDS)


@pytest.mark.campaign
def test_in_a_quiet_minute_nothing_is_asked_but_watches(resting: Resting) -> None:
    asks_nothing_for(resting, A_MINUTE)


def asks_nothing_for(resting: Resting, seconds: float) -> None:
    mark, over = idle(resting), time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > over, "the time has passed", seconds + 10)
    until = (datetime.now(UTC) - timedelta(seconds=time.monotonic() - over)).isoformat()
    events = [event for event in resting.plane.audit_events(mark) if event.user == TARGETS and event.received < until]
    asked_for = [event for event in events if event.verb != "watch" and event.resource not in OF_THE_START]

    assert [event.uri for event in asked_for] == []
    assert resting.stage.process.is_running

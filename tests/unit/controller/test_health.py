"""`controller/health.py` and `controller/metrics.py`, over real HTTP: what probes and Prometheus get to see."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from sshcredential_operator import __version__
from sshcredential_operator.api.names import CredentialKey
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller import health as health_module
from sshcredential_operator.controller.health import LOOP_STALL_SECONDS, Health, HealthServer
from sshcredential_operator.controller.metrics import Metrics
from sshcredential_operator.controller.store import Kind, Store
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.controller.objects import GENOMICS, PHYSICS, credential, key, secret

NAME = "test-only-name"


class Probed:
    """A health server on a free port, and somebody who asks it."""

    def __init__(self) -> None:
        self.store, self.queue, self.health = Store(), WorkQueue[CredentialKey](share=4), Health()
        self.metrics = Metrics(self.store, self.queue)
        self.server = HealthServer(self.health, self.metrics)
        self.address = ""

    async def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"http://{self.address}{path}") as response,
        ):
            return response.status, await response.text()

    async def sample(self, name: str, **labels: str) -> float | None:
        _, text = await self.get("/metrics")
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return next(
            (s.value for s in samples if s.name == f"sshcredential_operator_{name}" and s.labels == labels), None
        )


@pytest.fixture
async def probed() -> AsyncIterator[Probed]:
    probed = Probed()
    probed.address = await probed.server.start("127.0.0.1", 0)
    yield probed
    await probed.server.stop()


async def test_it_listens_where_it_says(probed: Probed) -> None:
    host, port = probed.address.split(":")

    assert host == "127.0.0.1"
    assert int(port) > 0


async def test_ready_is_who_waits_for_nothing(probed: Probed) -> None:
    assert await probed.get("/readyz") == (200, "ok\n")

    assert probed.health.wait_for("key ring", "The root key is gone.")
    assert probed.health.wait_for("api", "The API is not served.")
    assert await probed.get("/readyz") == (503, "The root key is gone.\nThe API is not served.\n")

    assert probed.health.has("key ring")
    assert await probed.get("/readyz") == (503, "The API is not served.\n")
    assert probed.health.has("api")
    assert await probed.get("/readyz") == (200, "ok\n")


def test_what_is_new_is_told_once() -> None:
    health = Health()

    assert [health.wait_for("a", text) for text in ("one", "one", "two", "two")] == [True, False, True, False]
    assert [health.has("a"), health.has("a"), health.has("b")] == [True, False, False]


async def test_alive_is_whose_loop_turns(probed: Probed, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await probed.get("/healthz") == (200, "ok\n")
    probed.health.wait_for("api", "The API is not served.")
    assert await probed.get("/healthz") == (200, "ok\n")

    probed.health.beat -= LOOP_STALL_SECONDS + 1
    assert await probed.get("/healthz") == (503, "the event loop is stalled\n")

    beating = asyncio.create_task(probed.health.keep_beating())
    await asyncio.sleep(0)
    assert await probed.get("/healthz") == (200, "ok\n")
    beating.cancel()
    assert health_module.LOOP_STALL_SECONDS >= 10  # a freeze of a few seconds is no reason to be killed


@pytest.mark.parametrize("path", ["/", "/metrics/", "/debug", "/healthz/x", "/..%2fmetrics", "/secrets"])
async def test_nothing_else_is_served(probed: Probed, path: str) -> None:
    assert (await probed.get(path))[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_nothing_can_be_changed(probed: Probed, method: str, path: str) -> None:
    assert (await probed.get(path, method))[0] == 405


async def test_after_the_stop_nobody_listens(probed: Probed) -> None:
    await probed.server.stop()

    with pytest.raises(aiohttp.ClientConnectionError):
        await probed.get("/healthz")


async def test_metrics_tell_of_queue_and_passes(probed: Probed) -> None:
    assert await probed.sample("queue_depth", kind="credential") == 0
    assert await probed.sample("queue_age_seconds", kind="credential") == 0
    probed.queue.add(key("aa"))
    probed.metrics.passed("credential", "Available", 0.002)
    probed.metrics.passed("credential", "Available", 0.002)
    probed.metrics.passed("credential", "trouble", 3)
    probed.metrics.passed("export", "Exported", 3)

    assert await probed.sample("queue_depth", kind="credential") == 1
    assert await probed.sample("reconciles_total", kind="credential", result="Available") == 2
    assert await probed.sample("reconciles_total", kind="credential", result="trouble") == 1
    assert await probed.sample("reconcile_duration_seconds_count", kind="credential") == 3
    assert await probed.sample("reconcile_duration_seconds_bucket", kind="credential", le="0.0025") == 2
    assert await probed.sample("build_info", version=__version__) == 1


def ready(status: str, reason: str) -> dict:
    condition = {"type": "Ready", "status": status, "reason": reason, "message": "", "lastTransitionTime": ""}
    return {"conditions": [condition]}


async def test_metrics_count_credentials_by_readiness(probed: Probed) -> None:
    for number, status in enumerate(
        [ready("True", "Available"), ready("True", "Available"), ready("False", "SecretLost"), {}]
    ):
        probed.store.saw_credential(credential(f"name-{number}", 1, status=status), deleted=False)

    assert await probed.sample("credentials", ready="True", reason="Available", course="ready") == 2
    assert await probed.sample("credentials", ready="False", reason="SecretLost", course="stop") == 1
    assert await probed.sample("credentials", ready="Unknown", reason="Pending", course="work") == 1


async def test_metrics_tell_of_orphans_and_of_watches_that_are_not_permitted(probed: Probed) -> None:
    probed.store.saw_secret(key("aa"), secret(1), deleted=False)
    probed.store.blocked(Kind.SECRETS, PHYSICS, TroubleError(Reason.FORBIDDEN))
    probed.metrics.watch_failures.labels("secrets").inc()
    probed.metrics.import_policy.set(0)

    assert await probed.sample("orphaned_secrets") == 1
    assert await probed.sample("blocked_watches") == 1
    assert await probed.sample("watch_failures_total", resource="secrets") == 1
    assert await probed.sample("import_policy_present") == 0


async def test_metrics_tell_whether_the_replica_is_ready(probed: Probed) -> None:
    assert await probed.sample("ready") == 1

    probed.health.wait_for("api", "The API is not served.")
    assert await probed.sample("ready") == 0


async def test_metrics_tell_how_long_who_got_a_pass_had_waited(probed: Probed) -> None:
    probed.queue.add(key("aa"))
    await probed.queue.get()

    assert await probed.sample("running_passes", kind="credential") == 1
    assert await probed.sample("queue_wait_seconds_count", kind="credential") == 1
    assert await probed.sample("queue_wait_seconds_bucket", kind="credential", le="600.0") == 1


async def test_metrics_tell_of_the_watch_that_is_silent_longest(
    probed: Probed, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = ((100.0, Kind.SECRETS, PHYSICS), (200.0, Kind.SECRETS, GENOMICS), (300.0, Kind.EXPORTS, None))
    for now, kind, scope in heard:
        monkeypatch.setattr(time, "time", lambda now=now: now)
        probed.metrics.heard(kind, scope)
    monkeypatch.undo()

    assert await probed.sample("watch_last_event_timestamp_seconds", resource="secrets") == 100
    assert await probed.sample("watch_last_event_timestamp_seconds", resource="sshcredentialexports") == 300


async def test_metrics_name_no_object(probed: Probed) -> None:
    probed.store.saw_credential(credential(NAME, 1, spec_name=NAME), deleted=False)
    probed.store.saw_secret(key(NAME), secret(1, record=NAME.encode()), deleted=False)
    probed.store.blocked(Kind.SECRETS, GENOMICS, TroubleError(Reason.FORBIDDEN))
    probed.queue.add(key(NAME))
    _, text = await probed.get("/metrics")

    assert NAME not in text
    assert GENOMICS not in text


async def test_a_forged_status_makes_no_new_series(probed: Probed) -> None:
    for number in range(20):
        status = ready("True", f"Forged{number}")
        probed.store.saw_credential(credential(f"name-{number}", 1, status=status), deleted=False)
    _, text = await probed.get("/metrics")

    assert "Forged" not in text
    assert await probed.sample("credentials", ready="True", reason="Other", course="other") == 20


async def test_a_list_is_waited_for_until_nothing_lacks(probed: Probed) -> None:
    probed.health.lists("secrets in genomics", "is not complete yet")
    assert await probed.get("/readyz") == (503, "The list of secrets in genomics is not complete yet.\n")

    probed.health.lists("secrets in genomics", None)
    assert await probed.get("/readyz") == (200, "ok\n")


class Clock:
    """What `time.monotonic` says to `health`."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(health_module, "time", clock)
    return clock


def test_a_server_that_answers_nobody_for_a_while_is_told_until_it_answers(clock: Clock) -> None:
    health = Health()
    contact = health_module.Contact(health, "https://there")
    contact.unanswered()
    clock.now += health_module.SILENCE_SECONDS
    contact.unanswered()
    assert health.waiting == {}

    clock.now += 0.1
    contact.unanswered()
    assert list(health.waiting.values()) == ["The API server at https://there does not answer; trying again."]

    contact.answered()
    assert health.waiting == {}


def test_a_server_that_answers_now_and_then_is_there(clock: Clock) -> None:
    health = Health()
    contact = health_module.Contact(health, "https://there")
    for _ in range(5):
        contact.unanswered()
        clock.now += health_module.SILENCE_SECONDS
        contact.answered()
    contact.unanswered()

    assert health.waiting == {}

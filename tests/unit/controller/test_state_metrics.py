"""`controller/state_metrics.py`: what is overdue, how exports stand, and how old key ring and backup are."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from sshcredential_operator.api.conditions import Condition
from sshcredential_operator.api.export_status import ExportStatus
from sshcredential_operator.api.names import BACKED_UP_AT_ANNOTATION, Namespace
from sshcredential_operator.api.policy import Policies, Policy
from sshcredential_operator.api.timestamps import format_timestamp
from sshcredential_operator.controller.metrics import Metrics
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.controller.ring_store import ApiKeyringStore, RingHistory
from sshcredential_operator.controller.state_metrics import KeyringCollector, StateCollector, by_readiness
from sshcredential_operator.controller.store import Store
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.root_key import ROOT_SECRET_NAME, ROOT_SECRET_TYPE
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.controller.conftest import Connect
from unit.controller.local_server import serving
from unit.controller.objects import FACTS, GENOMICS, PHYSICS, credential
from unit.encryption.ring_memory import Cluster
from unit.encryption.ring_memory import Store as RingStore

NOW = datetime.now(UTC).replace(microsecond=0)
KEK = "sshcredentials.dev/kek"


def sample(collector: Collector, name: str, **labels: str) -> float | None:
    registry = CollectorRegistry()
    registry.register(collector)
    return registry.get_sample_value(f"sshcredential_operator_{name}", labels)


def ago(**time: float) -> str:
    return format_timestamp(NOW - timedelta(**time))


def store_of(*statuses: dict[str, Any], namespace: Namespace = GENOMICS) -> Store:
    store = Store()
    for number, status in enumerate(statuses):
        store.saw_credential(credential(f"name-{number}", 1, namespace, status=status), deleted=False)
    return store


def overdue(store: Store, by: str, policies: Policies | None = None) -> float | None:
    return sample(StateCollector(store, policies or Policies()), "rotations_overdue", by=by)


def test_a_key_that_is_older_than_its_workspace_wants_is_overdue() -> None:
    store = store_of(*(FACTS | {"createdAt": ago(days=days)} for days in (1, 29, 31, 400)))
    policies = Policies(workspaces={GENOMICS: Policy(longest_age=timedelta(days=30))})

    assert overdue(store, "policy", policies) == 2
    assert overdue(store, "policy") == 0
    assert overdue(store_of(FACTS | {"createdAt": ago(days=31)}, namespace=PHYSICS), "policy", policies) == 0


def test_the_first_date_is_told_and_where_there_is_none_nothing() -> None:
    store = store_of(*(FACTS | {"createdAt": ago(days=days)} for days in (1, 20)))
    name = "rotation_due_timestamp_seconds"
    policies = Policies(default=Policy(longest_age=timedelta(days=30)))

    assert sample(StateCollector(store, policies), name) == (NOW + timedelta(days=10)).timestamp()
    assert math.isnan(sample(StateCollector(store, Policies()), name) or 0)


@pytest.mark.parametrize(
    ("rotates_at", "late"),
    [
        pytest.param(timedelta(minutes=-1), 0, id="to come"),
        pytest.param(timedelta(minutes=1), 0, id="just over"),
        pytest.param(timedelta(minutes=6), 1, id="over"),
        pytest.param("soon", 0, id="no date"),
        pytest.param(None, 0, id="no schedule"),
    ],
)
def test_a_schedule_whose_date_is_over_is_overdue(rotates_at: timedelta | str | None, late: int) -> None:
    if isinstance(rotates_at, timedelta):  # from now on: other tests may have taken minutes
        rotates_at = format_timestamp(datetime.now(UTC) - rotates_at)

    assert overdue(store_of(FACTS | {"rotatesAt": rotates_at}), "schedule") == late


def staged(reason: str, promotes_at: str) -> dict[str, Any]:
    condition = {"type": "RotationStaged", "status": "True", "reason": reason, "message": ""}
    key = {"fingerprint": "SHA256:next", "publicKey": "ssh-ed25519 x", "promotesAt": promotes_at}
    return FACTS | {"next": key, "conditions": [condition]}


def test_promotions_that_wait_for_targets_are_counted_from_when_the_key_could_be_used() -> None:
    held = [staged(reason, ago(hours=hours)) for hours, reason in ((3, "WaitingForTargets"), (5, "Forbidden"))]
    quiet = [staged("Staged", ago(hours=9)), FACTS, staged("WaitingForTargets", "someday")]
    some, none = StateCollector(store_of(*held, *quiet), Policies()), StateCollector(store_of(*quiet), Policies())
    name = "promotion_held_since_timestamp_seconds"

    assert sample(some, "promotions_held") == 2
    assert sample(some, name) == (NOW - timedelta(hours=5)).timestamp()
    assert sample(none, "promotions_held") == 0
    assert math.isnan(sample(none, name) or 0)


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [
        pytest.param("True", "Exported", ("True", "Exported", "ready"), id="ready"),
        pytest.param("False", "ExportConflict", ("False", "ExportConflict", "stop"), id="stopped"),
        pytest.param("False", "QuotaExceeded", ("False", "QuotaExceeded", "retry"), id="tried again"),
        pytest.param("yes", "no", ("Unknown", "Other", "other"), id="forged"),
    ],
)
def test_ready_is_told_with_what_follows_from_it(status: str, reason: str, said: tuple[str, str, str]) -> None:
    condition = Condition("Ready", status, reason, "", 1, "")

    assert by_readiness([ExportStatus(conditions=(condition,))]) == {said: 1}


def test_forged_conditions_make_one_series_and_none_is_pending() -> None:
    forged = [ExportStatus(conditions=(Condition("Ready", "yes", word, "", 1, ""),)) for word in ("a", "b")]

    assert by_readiness([ExportStatus(), *forged]) == {
        ("Unknown", "Pending", "work"): 1,
        ("Unknown", "Other", "other"): 2,
    }


# --- the key ring


def root(made: str, note: object = None) -> dict[str, Any]:
    annotations = {} if note is None else {"annotations": {BACKED_UP_AT_ANNOTATION: note}}
    metadata = {"name": ROOT_SECRET_NAME, "uid": "u", "resourceVersion": "1", "creationTimestamp": made, **annotations}
    return {"metadata": metadata, "type": ROOT_SECRET_TYPE, "data": {}}


def kek(made: str, name: str = "kek") -> dict[str, Any]:
    metadata = {"name": name, "uid": "u", "resourceVersion": "1", "creationTimestamp": made}
    return {"metadata": metadata, "type": KEK, "data": {}}


async def ring_of(*seen: dict[str, Any]) -> KeyringCollector:
    ring, history = Keyring(RingStore(Cluster())), RingHistory()
    await ring.open()
    for raw in seen:
        history.saw(raw)
    return KeyringCollector(ring, history)


@pytest.mark.parametrize(
    ("note", "told"),
    [
        pytest.param(None, 0, id="never"),
        pytest.param(ago(days=3), (NOW - timedelta(days=3)).timestamp(), id="three days ago"),
        pytest.param("yesterday", 0, id="no date"),
        pytest.param("", 0, id="nothing"),
        pytest.param(ago(days=-3), 0, id="in three days"),
    ],
)
async def test_the_backup_is_as_old_as_a_person_has_noted(note: str | None, told: float) -> None:
    assert sample(await ring_of(root(ago(days=9), note)), "root_key_backup_timestamp_seconds") == told


async def test_a_note_that_was_taken_away_counts_no_more() -> None:
    ring = await ring_of(root(ago(days=9), ago(days=1)), root(ago(days=9)))

    assert sample(ring, "root_key_backup_timestamp_seconds") == 0


async def test_the_ring_is_as_new_as_the_newest_key_in_it() -> None:
    canary = {"metadata": {"name": "canary", "creationTimestamp": ago(days=0)}, "type": "sshcredentials.dev/canary"}
    ring = await ring_of(root(ago(days=9)), kek(ago(days=2)), kek(ago(days=4)), canary)

    assert sample(ring, "key_ring_changed_timestamp_seconds") == (NOW - timedelta(days=2)).timestamp()
    assert sample(ring, "key_ring_open") == 1
    assert sample(ring, "workspace_keys_unopened") == 0


def test_of_a_ring_that_is_not_open_nothing_else_is_told() -> None:
    ring = KeyringCollector(Keyring(RingStore(Cluster())), RingHistory())

    assert sample(ring, "key_ring_open") == 0
    assert sample(ring, "root_key_backup_timestamp_seconds") is None


async def test_the_note_comes_with_what_is_read_anyway(connected: Connect) -> None:
    asked = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.method)
        raw = root(ago(days=9), ago(days=1)) if request.method == "GET" else kek(ago(days=0))
        return web.Response(body=orjson.dumps(raw), status=200 if request.method == "GET" else 201)

    async with serving(answer) as address:
        requests = Requests(await connected(address))
        store = ApiKeyringStore(requests, Namespace("system"), ())
        await store.get(ROOT_SECRET_NAME)
        assert store.history.backed_up_at == NOW - timedelta(days=1)
        assert store.history.changed_at == NOW - timedelta(days=9)
        assert await store.create("kek", KEK, {}, {})
        await requests.close()

    assert store.history.changed_at == NOW
    assert asked == ["GET", "POST"]


# --- requests


async def test_requests_are_counted_with_their_codes_and_moments(connected: Connect) -> None:
    codes = iter((200, 404, 500, 201, 200))

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response({}, status=next(codes))

    metrics = Metrics(Store(), WorkQueue())
    path, lease = "/api/v1/namespaces/genomics/secrets", "/apis/coordination.k8s.io/v1/namespaces/system/leases/x"

    def told(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"sshcredential_operator_{name}", labels)

    async with serving(answer) as address:
        connection = await connected(address)
        connection.on_request = metrics.requested
        requests = Requests(connection)
        await requests.send("GET", f"{path}/hpc")
        await requests.send("GET", f"{path}/hpc", expect=frozenset({404}))
        with pytest.raises(TroubleError):
            await requests.send("POST", path, body={})
        assert told("api_last_write_timestamp_seconds") == 0
        await requests.send("PUT", lease, body={})
        assert told("api_last_write_timestamp_seconds") == 0
        await requests.send("PATCH", f"{path}/hpc", body={})
        written = told("api_last_write_timestamp_seconds")
    with pytest.raises(TroubleError):
        await requests.send("GET", path)
    await requests.close()

    assert written
    assert told("api_last_answer_timestamp_seconds") == written
    assert told("api_requests_total", verb="get", resource="secrets", code="200") == 1
    assert told("api_requests_total", verb="get", resource="secrets", code="404") == 1
    assert told("api_requests_total", verb="create", resource="secrets", code="500") == 1
    assert told("api_requests_total", verb="update", resource="leases", code="201") == 1
    assert told("api_requests_total", verb="list", resource="secrets", code="error") == 1
    assert told("api_request_duration_seconds_count", verb="get") == 2

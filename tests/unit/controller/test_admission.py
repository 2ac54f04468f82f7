"""`controller/admission.py`: what is told of the policies when the watches start, against a real server."""

from __future__ import annotations

import pytest
from aiohttp import web

from sshcredential_operator.controller.admission import EXPORT_GUARD, TargetGuard, look_for_policies
from sshcredential_operator.controller.metrics import Metrics
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.controller.store import Store
from sshcredential_operator.controller.target_policy import TARGET_GUARD, TARGET_POLICY
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.controller.conftest import Connect
from unit.controller.local_server import Answering, serving

METADATA = {"uid": "u", "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"}


async def all_there(request: web.Request) -> web.StreamResponse:
    kind = request.path.split("/")[4]
    return web.json_response({"metadata": METADATA, "spec": EXPORT_GUARD[kind]})


async def changed(request: web.Request) -> web.StreamResponse:
    return web.json_response({"metadata": METADATA, "spec": {"failurePolicy": "Ignore"}})


async def none(request: web.Request) -> web.StreamResponse:
    return web.json_response({}, status=404)


async def no_binding(request: web.Request) -> web.StreamResponse:
    return await (none if "bindings" in request.path else all_there)(request)


async def forbidden(request: web.Request) -> web.StreamResponse:
    return web.json_response({}, status=403)


async def nonsense(request: web.Request) -> web.StreamResponse:
    return web.json_response(["captive portal"])


@pytest.mark.parametrize(
    ("answer", "imports", "exports"),
    [
        pytest.param(all_there, 1, 1, id="both are there"),
        pytest.param(changed, 1, 0, id="they were changed"),
        pytest.param(none, 0, 0, id="none is there"),
        pytest.param(no_binding, 0, 0, id="they are bound to nothing"),
        pytest.param(forbidden, -1, -1, id="the operator may not look"),
        pytest.param(nonsense, 1, -1, id="something else answers"),
    ],
)
async def test_the_metrics_tell_of_both_policies(
    connected: Connect, answer: Answering, imports: int, exports: int, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = Metrics(Store(), WorkQueue())
    async with serving(answer) as address:
        requests = Requests(await connected(address))
        await look_for_policies(requests, metrics)
        await requests.close()

    told = metrics.registry.get_sample_value
    assert told("sshcredential_operator_import_policy_present") == imports
    assert told("sshcredential_operator_export_policy_present") == exports
    assert ("the admission policy sshcredential-operator-import is missing" in caplog.text) == (imports == 0)


# --- the one for targets


async def of_targets(request: web.Request) -> web.StreamResponse:
    kind, name = request.path.split("/")[4:]
    assert name == TARGET_POLICY
    return web.json_response({"metadata": METADATA, "spec": TARGET_GUARD[kind]})


async def ending(request: web.Request) -> web.StreamResponse:
    kind = request.path.split("/")[4]
    metadata = METADATA | {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    return web.json_response({"metadata": metadata, "spec": TARGET_GUARD[kind]})


@pytest.mark.parametrize(
    ("answer", "in_force"),
    [
        pytest.param(of_targets, True, id="both are there"),
        pytest.param(all_there, False, id="they are those of exports"),
        pytest.param(changed, False, id="they were changed"),
        pytest.param(none, False, id="none is there"),
        pytest.param(ending, False, id="they are about to go"),
    ],
)
async def test_targets_are_followed_under_their_policy_alone(
    connected: Connect, answer: Answering, in_force: bool
) -> None:
    told: list[int] = []
    async with serving(answer) as address:
        requests = Requests(await connected(address))
        assert await TargetGuard(requests, told.append).in_force() is in_force
        await requests.close()

    assert told == [int(in_force)]


async def test_that_it_may_not_look_is_trouble_and_no_answer(connected: Connect) -> None:
    async with serving(forbidden) as address:
        requests = Requests(await connected(address))
        with pytest.raises(TroubleError):
            await TargetGuard(requests).in_force()
        await requests.close()

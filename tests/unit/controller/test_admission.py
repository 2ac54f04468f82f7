"""`controller/admission.py`: what is told of the policies when the watches start, against a real server."""

from __future__ import annotations

import pytest
from aiohttp import web

from sshcredential_operator.controller.admission import EXPORT_GUARD, look_for_policies
from sshcredential_operator.controller.metrics import Metrics
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.controller.store import Store
from sshcredential_operator.controller.work_queue import WorkQueue
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

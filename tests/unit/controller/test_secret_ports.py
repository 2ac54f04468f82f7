"""`controller/ports.py`: a credential's Secret is deleted by its revision, and looked at again after another answer."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from aiohttp import web

from sshcredential_operator.controller.ports import ApiSecrets
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.controller.conftest import Connect
from unit.controller.local_server import serving
from unit.controller.objects import key


@pytest.mark.parametrize(
    ("code", "comes"),
    [
        pytest.param(200, nullcontext(), id="it is deleted"),
        pytest.param(404, pytest.raises(TroubleError), id="it was gone already, or so it is said"),
        pytest.param(409, pytest.raises(TroubleError), id="it is another one by now"),
    ],
)
async def test_one_revision_of_one_object_is_deleted(
    connected: Connect, code: int, comes: AbstractContextManager[object]
) -> None:
    asked: list[tuple[str, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((f"{request.method} {request.path}", (await request.json())["preconditions"]))
        return web.json_response({}, status=code)

    async with serving(answer) as address:
        requests = Requests(await connected(address))
        with comes:
            await ApiSecrets(requests).delete(key("aa"), "the-uid", "7")
        await requests.close()

    assert asked == [
        ("DELETE /api/v1/namespaces/genomics/secrets/aa-sshcredential", {"uid": "the-uid", "resourceVersion": "7"})
    ]

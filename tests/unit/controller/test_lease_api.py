"""`controller/lease_api.py`: what is sent for the Lease, and what is made of the answers, over real HTTP."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, NamedTuple

import orjson
import pytest
from aiohttp import web

from sshcredential_operator.api.names import Namespace
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller.lease import Lease
from sshcredential_operator.controller.lease_api import ApiLeases
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.controller.conftest import Connect
from unit.controller.lease_http import NAMED, PATH, LeaseServer, Object, until
from unit.controller.local_server import serving

MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class Api(NamedTuple):
    server: LeaseServer
    leases: ApiLeases


@pytest.fixture
async def api(connected: Connect) -> AsyncIterator[Api]:
    server = LeaseServer()
    async with serving(server.answer) as address:
        leases = ApiLeases(await connected(address), Namespace("sys"))
        yield Api(server, leases)
        server.say(None)
        await leases.close()


def facts(lease: Lease | None) -> tuple[str, str, float] | None:
    return (lease.version, lease.holder, lease.seconds) if lease else None


async def test_a_lease_is_made_with_all_that_its_readers_want(api: Api) -> None:
    created = await api.leases.create("me")

    assert facts(created) == ("1", "me", 10)
    assert api.server.asked == [("POST", f"{PATH}?fieldManager=sshcredential-operator")]
    [body] = api.server.bodies
    times = {body["spec"].pop(name) for name in ("acquireTime", "renewTime")}
    assert all(MICRO_TIME.fullmatch(time) for time in times)
    assert body == {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": "sshcredential-operator",
            "labels": {"app.kubernetes.io/managed-by": "sshcredential-operator"},
        },
        "spec": {"holderIdentity": "me", "leaseDurationSeconds": 10, "leaseTransitions": 0},
    }


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"holderIdentity": "you", "leaseDurationSeconds": 15}, ("1", "you", 15), id="held"),
        pytest.param({"holderIdentity": ""}, ("1", "", 0), id="given up"),
        pytest.param({}, ("1", "", 0), id="empty"),
    ],
)
async def test_a_lease_is_read(api: Api, spec: Object, expected: tuple[str, str, float]) -> None:
    api.server.put(**spec)

    assert facts(await api.leases.read()) == expected
    assert api.server.asked == [("GET", NAMED)]


async def test_no_lease_is_none(api: Api) -> None:
    assert await api.leases.read() is None


async def test_a_renewal_leaves_what_others_wrote_and_when_it_was_acquired(api: Api) -> None:
    api.server.put(
        holderIdentity="me", acquireTime="2026-01-01T00:00:00.000000Z", leaseTransitions=7, strategy="OldestEmulation"
    )
    assert api.server.lease
    api.server.lease["metadata"] |= {"annotations": {"note": "theirs"}, "managedFields": [{"manager": "somebody"}]}
    lease = await api.leases.read()
    assert lease

    renewed = await api.leases.update(lease, "me")

    assert facts(renewed) == ("2", "me", 10)
    [body] = api.server.bodies
    assert body["metadata"]["annotations"] == {"note": "theirs"}
    assert "managedFields" not in body["metadata"]
    assert body["spec"].pop("renewTime") > "2026-01-01T00:00:00.000000Z"
    assert body["spec"] == {
        "holderIdentity": "me",
        "leaseDurationSeconds": 10,
        "leaseTransitions": 7,
        "acquireTime": "2026-01-01T00:00:00.000000Z",
        "strategy": "OldestEmulation",
    }


@pytest.mark.parametrize(
    ("before", "holder", "after"),
    [
        pytest.param({"holderIdentity": "you", "leaseTransitions": 7}, "me", 8, id="taken over"),
        pytest.param({"holderIdentity": "me", "leaseTransitions": 7}, "", 7, id="given up"),
        pytest.param({"holderIdentity": "", "leaseTransitions": 7}, "me", 8, id="taken after it was given up"),
        pytest.param({}, "me", 0, id="taken for the first time"),
        pytest.param({"holderIdentity": "you", "leaseTransitions": 2**31 - 1}, "me", 2**31 - 1, id="at the end"),
    ],
)
async def test_transitions_count_holders(api: Api, before: Object, holder: str, after: int) -> None:
    api.server.put(acquireTime="2026-01-01T00:00:00.000000Z", **before)
    lease = await api.leases.read()
    assert lease

    assert await api.leases.update(lease, holder)

    assert api.server.bodies[0]["spec"]["leaseTransitions"] == after
    assert api.server.bodies[0]["spec"]["acquireTime"] > "2026-01-01T00:00:00.000000Z"


async def test_who_was_not_first_gets_none(api: Api) -> None:
    api.server.put(holderIdentity="you")
    lease = await api.leases.read()
    assert lease
    api.server.put(holderIdentity="you")

    assert await api.leases.create("me") is None
    assert await api.leases.update(lease, "me") is None
    api.server.lease = None
    assert await api.leases.update(lease, "me") is None


LEASE = Lease("1", "you", 10, {"metadata": {"resourceVersion": "1"}})


@pytest.mark.parametrize(
    ("ask", "verb"),
    [
        (lambda leases: leases.read(), "get"),
        (lambda leases: leases.create("me"), "create"),
        (lambda leases: leases.update(LEASE, "me"), "update"),
    ],
    ids=["reading", "making", "renewing"],
)
async def test_a_missing_right_is_named(
    api: Api, ask: Callable[[ApiLeases], Coroutine[Any, Any, Lease | None]], verb: str
) -> None:
    api.server.refuse = lambda _: web.Response(status=403)

    with pytest.raises(TroubleError) as raised:
        await ask(api.leases)

    assert raised.value.reason is Reason.FORBIDDEN
    assert raised.value.facts["verb"] == verb
    assert raised.value.facts["resource"] == "leases.coordination.k8s.io"


async def test_a_watch_follows_this_lease_from_this_revision(api: Api) -> None:
    async with api.leases.watch(LEASE) as revisions:
        await until(lambda: api.server.streams)
        api.server.put(holderIdentity="you")
        api.server.tell("MODIFIED")
        assert facts(await anext(revisions)) == ("1", "you", 0)
        words = orjson.dumps({"type": "MODIFIED", "object": api.server.lease}) + b"\n"
        api.server.say(words[:30])
        api.server.say(words[30:] + words)
        assert [facts(await anext(revisions)) for _ in range(2)] == [("1", "you", 0)] * 2
        api.server.tell("DELETED")
        assert await anext(revisions) is None

    [(method, asked)] = api.server.asked
    assert method == "GET"
    assert asked.startswith(
        f"{PATH}?watch=true&fieldSelector=metadata.name%3Dsshcredential-operator&resourceVersion=1&"
    )


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(b'{"type": "ERROR", "object": {"code": 410}}\n', id="an error"),
        pytest.param(b'{"type": "MODI\n', id="half a line"),
        pytest.param(b"[]\n", id="no event"),
        pytest.param(b'{"type": "MODIFIED"}\n', id="no object"),
        pytest.param(b'{"type": "MODIFIED", "object": {"metadata": {}}}\n', id="no revision"),
        pytest.param(b'{"type": "MODIFIED", "object": null}\n', id="nothing"),
        pytest.param(b"x" * (1024 * 1024 + 2), id="a line without end"),
        pytest.param(None, id="the end"),
    ],
)
async def test_a_watch_that_breaks_has_ended(api: Api, words: bytes | None) -> None:
    async with api.leases.watch(LEASE) as revisions:
        await until(lambda: api.server.streams)
        api.server.say(words)
        assert [revision async for revision in revisions] == []


@pytest.mark.parametrize(
    ("status", "reason"),
    [(403, Reason.FORBIDDEN), (410, Reason.SERVER_UNAVAILABLE), (500, Reason.SERVER_UNAVAILABLE)],
)
async def test_a_watch_that_is_refused_is_trouble(api: Api, status: int, reason: Reason) -> None:
    api.server.refuse = lambda _: web.Response(status=status)

    with pytest.raises(TroubleError) as raised:
        async with api.leases.watch(LEASE):
            pass

    assert raised.value.reason is reason
    assert raised.value.facts.get("verb") == ("watch" if reason is Reason.FORBIDDEN else None)


async def test_a_server_that_is_not_there_is_trouble(connected: Connect) -> None:
    async with serving(LeaseServer().answer) as address:
        pass
    leases = ApiLeases(await connected(address), Namespace("sys"))

    with pytest.raises(TroubleError) as raised:
        async with leases.watch(LEASE):
            pass

    assert raised.value.reason is Reason.SERVER_UNAVAILABLE
    await leases.close()

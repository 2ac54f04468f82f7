"""`controller/targets/visiting.py`: how many visits run at once, and that none of them ends the process."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.controller.targets.visiting import OF_ONE_NAMESPACE, OF_ONE_SERVER, VISITS, ThreadedVisits
from sshcredential_operator.ssh import client
from sshcredential_operator.ssh.destinations import Destinations
from sshcredential_operator.ssh.host_keys import Pinned
from sshcredential_operator.ssh.visit import Failed, Hop, OfferedKey, PrivateKey, Route, Visited

KEY = PrivateKey("SHA256:x", Sensitive(b"none"))
VISITED = Visited(OfferedKey("ssh-ed25519", "SHA256:h", "ssh-ed25519 AAAA"), "OpenSSH_9.9")


class Servers:
    """In the place of the servers: visits that last until they are let go."""

    def __init__(self) -> None:
        self.lock = threading.Condition()
        self.inside: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.open = threading.Event()

    def login(self, route: Route, *_: object) -> Visited | Failed:
        kinds = ("all", f"of {route.namespace}", f"at {route.target.host}:{route.target.port}")
        with self.lock:
            for kind in kinds:
                self.inside[kind] += 1
                self.most[kind] = max(self.most[kind], self.inside[kind])
            self.lock.notify_all()
        self.open.wait(30)
        with self.lock:
            for kind in kinds:
                self.inside[kind] -= 1
        return VISITED

    def until(self, count: int) -> None:
        with self.lock:
            assert self.lock.wait_for(lambda: self.inside["all"] >= count, 30)


def hop(host: str, port: int = 22) -> Hop:
    return Hop(host, port, "nextflow", Pinned(()))  # type: ignore[arg-type]  # nobody judges here


def route(host: str, namespace: str = "genomics", *jumps: str) -> Route:
    return Route(tuple((hop(name), KEY) for name in jumps), hop(host), 5.0, namespace)


@pytest.fixture
def told() -> list[tuple[str, str]]:
    return []


@pytest.fixture
async def visits(told: list[tuple[str, str]]) -> AsyncIterator[ThreadedVisits]:
    visits = ThreadedVisits(Destinations(), lambda visit, came, _: told.append((visit, came)))
    yield visits
    visits.close()


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Servers:
    servers = Servers()
    monkeypatch.setattr(client, "login", servers.login)
    return servers


async def most_at_once(visits: ThreadedVisits, servers: Servers, routes: list[Route], expected: int) -> Counter[str]:
    running = [asyncio.create_task(visits.login(one, KEY)) for one in routes]
    await asyncio.to_thread(servers.until, expected)
    servers.open.set()
    assert set(await asyncio.gather(*running)) == {VISITED}
    return servers.most


async def test_so_many_visits_run_at_once_and_not_more(visits: ThreadedVisits, servers: Servers) -> None:
    routes = [route(f"host-{n}", f"namespace-{n}") for n in range(3 * VISITS)]

    assert (await most_at_once(visits, servers, routes, VISITS))["all"] == VISITS
    assert visits.running == 0


async def test_one_namespace_leaves_places_to_the_others(visits: ThreadedVisits, servers: Servers) -> None:
    routes = [route(f"host-{n}") for n in range(2 * VISITS)] + [route("elsewhere", "physics")]
    most = await most_at_once(visits, servers, routes, OF_ONE_NAMESPACE + 1)

    assert (most["of genomics"], most["of physics"]) == (OF_ONE_NAMESPACE, 1)


async def test_one_server_is_not_flooded_from_whatever_namespace(visits: ThreadedVisits, servers: Servers) -> None:
    routes = [route("login.example.org", f"namespace-{n}") for n in range(10)] + [route("LOGIN.example.org", "x")]
    most = await most_at_once(visits, servers, routes, OF_ONE_SERVER)

    assert most["all"] == OF_ONE_SERVER


async def test_a_jump_host_is_not_flooded_either(visits: ThreadedVisits, servers: Servers) -> None:
    routes = [route(f"host-{n}", f"namespace-{n}", "bastion") for n in range(10)]

    assert (await most_at_once(visits, servers, routes, OF_ONE_SERVER))["all"] == OF_ONE_SERVER


async def test_waiting_for_one_server_keeps_nobody_from_another(visits: ThreadedVisits, servers: Servers) -> None:
    routes = [route("slow.example.org", f"namespace-{n}") for n in range(4 * VISITS)] + [route("other", "physics")]
    most = await most_at_once(visits, servers, routes, OF_ONE_SERVER + 1)

    assert most["at other:22"] == 1


async def test_a_full_namespace_keeps_no_other_one_from_a_server_that_it_waits_for(
    visits: ThreadedVisits, servers: Servers
) -> None:
    full = [route(f"host-{n}") for n in range(OF_ONE_NAMESPACE)] + [route("shared")] * OF_ONE_SERVER
    most = await most_at_once(visits, servers, [*full, route("shared", "physics")], OF_ONE_NAMESPACE + 1)

    assert most["of physics"] == 1


async def test_servers_that_wait_for_each_other_do_not_lock_each_other_out(
    visits: ThreadedVisits, servers: Servers
) -> None:
    routes = [route("aa", "x", "bb"), route("bb", "x", "aa")] * 10

    await most_at_once(visits, servers, routes, 1)


def raising(error: BaseException) -> Callable[..., Visited]:
    def login(*_: object) -> Visited:
        raise error

    return login


async def test_a_visit_that_breaks_is_a_failed_one_and_its_text_is_nowhere(
    visits: ThreadedVisits,
    told: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(client, "login", raising(ValueError("test-only-secret-value")))

    assert await visits.login(route("aa"), KEY) == Failed(TargetReason.CONNECTION_LOST)
    assert told == [("login", "ConnectionLost")]
    assert "visit failed" in caplog.text
    assert "test-only-secret-value" not in caplog.text

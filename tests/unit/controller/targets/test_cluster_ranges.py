"""`controller/targets/cluster_ranges.py`: what the API tells of the cluster's own addresses is refused."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from aiohttp import web

from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.controller.targets.cluster_ranges import ClusterRanges, Told
from sshcredential_operator.ssh.destinations import Destinations
from unit.controller.conftest import Connect
from unit.controller.local_server import serving

SERVICES = {"items": [{"spec": {"cidrs": ["10.96.0.0/12", "fd00:1::/112"]}}, {}]}
NODES = {"items": [{"spec": {"podCIDRs": ["10.244.0.0/24"]}}, {"spec": {"podCIDR": "x"}}, {"spec": {}}]}


async def found(
    connected: Connect, told: Told, services: Any, nodes: Any, looks: int = 1, later: Any = None
) -> Destinations:
    """Return what is allowed in the end; `later` is what both lists say after the first look."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        body = services if "servicecidrs" in request.path else nodes
        body = later if later is not None and request.path in asked else body
        asked.append(request.path)
        return web.Response(status=body) if isinstance(body, int) else web.json_response(body)

    used: list[Destinations] = []
    async with serving(answer) as address:
        requests = Requests(await connected(address))
        try:
            ranges = ClusterRanges(requests, told, used.append)
            for _ in range(looks if later is None else 2):
                await ranges.look()
        finally:
            await requests.close()
    return used[-1]


def allowed(found: Destinations, address: str) -> bool:
    return found.allow(address, ipaddress.ip_address(address), 22)


async def test_pods_and_services_are_refused(connected: Connect) -> None:
    destinations = await found(connected, Told(), SERVICES, NODES)

    refused = ("10.96.0.1", "10.111.255.255", "fd00:1::5", "10.244.0.17")
    assert [allowed(destinations, address) for address in refused] == [False] * 4
    assert allowed(destinations, "192.0.2.1")
    assert allowed(destinations, "10.244.1.1")


async def test_what_the_options_say_stays(connected: Connect) -> None:
    destinations = await found(connected, Told(("10.96.0.7/32",), ("172.16.0.0/12",)), SERVICES, NODES)

    assert allowed(destinations, "10.96.0.7")
    assert not allowed(destinations, "10.96.0.8")
    assert not allowed(destinations, "172.16.0.1")


@pytest.mark.parametrize(
    ("services", "warned"),
    [
        pytest.param(404, False, id="an API server that knows no ServiceCIDRs"),
        pytest.param(403, True, id="no right to list them"),
        pytest.param(500, True, id="a server in trouble"),
        pytest.param({"items": [{"spec": {"cidrs": ["all"]}}]}, True, id="ranges that are none"),
        pytest.param({"items": 7}, True, id="an odd answer"),
    ],
)
async def test_what_cannot_be_read_is_told_once_and_costs_nothing_else(
    connected: Connect, services: Any, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    destinations = await found(connected, Told((), ("172.16.0.0/12",)), services, NODES, looks=2)

    assert caplog.text.count("give --cluster-range") == warned
    assert not allowed(destinations, "172.16.0.1")
    assert not allowed(destinations, "10.244.0.1")


@pytest.mark.parametrize("then", [500, 403, {"items": 7}], ids=["in trouble", "forbidden", "odd"])
async def test_what_was_read_before_stays_refused_when_it_cannot_be_read_again(connected: Connect, then: Any) -> None:
    destinations = await found(connected, Told(), SERVICES, NODES, later=then)

    refused = ("10.96.0.1", "fd00:1::5", "10.244.0.17")
    assert [allowed(destinations, address) for address in refused] == [False] * 3


async def test_what_the_api_does_not_know_is_told_as_well(connected: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """Many networks give nodes no podCIDRs: their pods are in reach unless an option names them."""
    await found(connected, Told(), SERVICES, {"items": [{"spec": {}}]}, looks=2)
    assert caplog.text.count("give --cluster-range") == 1


async def test_who_names_ranges_is_not_told_what_the_api_does_not_know(
    connected: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    await found(connected, Told((), ("10.0.0.0/8",)), 404, {"items": [{"spec": {}}]})
    assert "give --cluster-range" not in caplog.text

"""Where people ask of the key ring, on a real API server: what comes while the operator writes is not lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from kubernetes import client, config

from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from sshcredential_operator.api.names import KEY_RING_CONFIG_MAP, Namespace
from sshcredential_operator.controller.connection import connect
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.controller.ring_desk import ApiRingDesk, Sheet

NONE: frozenset[str] = frozenset()


class Place:
    """Two replicas' desks, and a person's hand on the same ConfigMap."""

    def __init__(self, requests: Requests, core: Any, namespace: str) -> None:
        self.one, self.other = (ApiRingDesk(requests, Namespace(namespace)) for _ in range(2))
        self._core, self._namespace = core, namespace

    def ask(self, entry: str, value: str) -> None:
        self._core.patch_namespaced_config_map(KEY_RING_CONFIG_MAP, self._namespace, {"data": {entry: value}})

    async def asked(self) -> dict[str, str]:
        return {one.entry: one.key_id for one in (await self.one.read()).asked}


@pytest.fixture
async def place(cluster: Cluster, namespaces: Namespaces, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    kubeconfig = str(cluster.kubeconfig_for("admin"))
    monkeypatch.setenv("KUBECONFIG", kubeconfig)
    namespace = namespaces.create()
    requests = Requests(await connect())
    with config.new_client_from_config(kubeconfig) as connection:
        place = Place(requests, client.CoreV1Api(connection), namespace)
        assert await place.one.write(Sheet(), "{}", NONE)
        yield place
    await requests.close()
    namespaces.delete(namespace)


@pytest.mark.parametrize("entry", ["drop.team-a", "drop.team-b"], ids=["asked anew", "asked besides"])
async def test_a_request_that_comes_between_reading_and_writing_is_kept(place: Place, entry: str) -> None:
    place.ask("drop.team-a", "first")
    seen = await place.one.read()
    place.ask(entry, "second")
    assert await place.one.write(seen, '{"told":1}', frozenset({"drop.team-a"})) is None
    assert await place.asked() == {"drop.team-a": "first"} | {entry: "second"}
    again = await place.one.read()
    assert again.state == "{}"
    assert await place.one.write(again, '{"told":2}', frozenset(await place.asked()))
    assert await place.asked() == {}


async def test_of_two_replicas_the_one_that_read_before_the_other_wrote_says_nothing(place: Place) -> None:
    place.ask("drop.team-a", "first")
    late = await place.other.read()
    revision = await place.one.write(await place.one.read(), '{"by":"one"}', frozenset({"drop.team-a"}))
    assert revision
    place.ask("drop.team-a", "second")
    assert await place.other.write(late, '{"by":"other"}', frozenset({"drop.team-a"})) is None
    now = await place.one.read()
    assert (now.state, [one.key_id for one in now.asked]) == ('{"by":"one"}', ["second"])


async def test_of_two_replicas_that_find_no_config_map_one_makes_it(place: Place) -> None:
    assert await place.other.write(Sheet(), '{"by":"other"}', NONE) is None
    assert (await place.one.read()).state == "{}"


async def test_nothing_new_to_say_costs_no_write(place: Place) -> None:
    seen = await place.one.read()
    assert await place.one.write(seen, "{}", NONE) == seen.resource_version

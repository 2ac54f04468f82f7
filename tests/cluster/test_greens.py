"""Nobody is ever shown a green that is false: not over 200 races to create a credential, nor over 200 to change one.

Every revision that etcd ever held is shown to `kubectl wait`, to kstatus and to Argo CD (`greens`), and a model says
what their green has to mean (`false_greens`). The races are run once for all tests of this module.
"""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import pytest

from cluster.etcd_history import CREDENTIALS, SECRETS, Revision, history, now, present
from cluster.false_greens import KeyOf, false_greens, fingerprint_of, greens
from cluster.greens import greens_of
from cluster.keyfiles import KeyFiles
from cluster.ordeal import WORKSPACE, Ordeal, ordeal
from cluster.races import Input, race_to_create, race_to_update, users_of
from cluster.shown import Object, answered, reason_of, secret_of, states_of
from controlplane.fixtures import EMBEDDED
from controlplane.waiting import wait_until

COUNT: Final = 200
ROUNDS: Final = 8
"""Edits of one credential in an update race."""


LOST: Final = 10
"""Credentials whose Secrets are deleted afterwards."""


class Told(NamedTuple):
    """What etcd tells of the races, and what it takes to judge it."""

    creations: list[Revision]
    changes: list[Revision]
    losses: list[Revision]
    key_of: KeyOf
    inputs: dict[str, str]


@pytest.fixture(scope="module")
def arena(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, seed: int) -> Iterator[Ordeal]:
    if request.config.option.cluster != EMBEDDED:
        pytest.skip("reads the history of a control plane of its own: only with --cluster=embedded")
    with ordeal(tmp_path_factory.mktemp("greens"), seed, proxied=False) as made:
        yield made


@pytest.fixture(scope="module")
def told(arena: Ordeal, key_files: KeyFiles, seed: int) -> Told:
    created = [f"created-{number}" for number in range(COUNT)]
    changed = [f"changed-{number}" for number in range(COUNT)]
    keys = [Input(f"input-{which}", key_files.key(which=which).content) for which in "abc"]
    chance = random.Random(seed)

    async def create() -> None:
        async with users_of(arena.plane, WORKSPACE) as users:
            await race_to_create(users, created, chance, keys[2])

    async def change() -> None:
        async with users_of(arena.plane, WORKSPACE) as users:
            for key in keys:
                await users.make_secret(key.name, key.file)
            await asyncio.gather(*(users.create(name, {"generate": {}}) for name in changed))
            await race_to_update(users, changed, chance, keys[:2], ROUNDS)

    begun = now(arena.plane)
    asyncio.run(create())
    wait_until(lambda: not busy(arena), "all that was created is answered", 60)
    creations = history(arena.plane, begun)
    begun = now(arena.plane)
    asyncio.run(change())
    wait_until(lambda: not busy(arena), "all that was changed is answered", 60)
    changes = history(arena.plane, begun)
    lost = [name for name, found in last_of(changes).items() if "generate" in found["spec"]][:LOST]
    for name in lost:
        arena.desk.delete_secret(secret_of(name))
    for name in lost:
        arena.desk.until(name, "SecretLost")
    inputs = {key.name: fingerprint_of(key.file) for key in keys} | dict.fromkeys(created, fingerprint_of(keys[2].file))
    return Told(creations, changes, history(arena.plane, begun), arena.key_of(), inputs)


def busy(arena: Ordeal) -> list[Object]:
    """Return the credentials whose present spec the operator has not answered yet."""
    shown = [one.object for one in present(arena.plane) if one.resource == CREDENTIALS and one.object]
    return [found for found in shown if not answered(found) or "Reconciling" in states_of(found)]


def last_of(revisions: list[Revision]) -> dict[str, Object]:
    """Return the credentials that there are in the end."""
    last = {one.name: one.object for one in revisions if one.resource == CREDENTIALS}
    return {name: found for name, found in last.items() if found is not None}


def judged(told: Told, revisions: list[Revision]) -> list[str]:
    moments = len(list(greens(revisions, told.key_of)))
    print(f"{len(revisions)} revisions, {moments} moments of green")
    assert moments >= COUNT
    return false_greens(revisions, told.key_of, told.inputs)


def test_over_200_races_to_create_a_credential_no_green_is_false(told: Told) -> None:
    assert judged(told, told.creations) == []


def test_over_200_races_to_change_a_credential_no_green_is_false(told: Told) -> None:
    assert judged(told, told.changes) == []


def test_a_credential_whose_key_is_lost_does_not_stay_green(told: Told) -> None:
    assert judged(told, told.losses) == []


def test_everything_that_was_asked_for_is_green_in_the_end_but_for_names_that_are_taken(told: Told) -> None:
    found = last_of(told.creations) | last_of(told.changes)
    pale = {name for name, seen in zip(found, greens_of(list(found.values())), strict=True) if not all(seen)}
    assert {reason_of(found[name]) for name in pale} == {"NameConflict"}
    pairs = {name.removesuffix("-rival") for name in found if name.endswith("-rival")}
    assert sorted(name.removesuffix("-rival") for name in pale) == sorted(pairs)


# --- the model can fail: lies that are planted into what really happened

Lie = Callable[[list[Revision]], list[Revision]]


def without_secrets(revisions: list[Revision]) -> list[Revision]:
    return [one for one in revisions if one.resource != SECRETS]


def with_every_generation_answered(revisions: list[Revision]) -> list[Revision]:
    def answer(found: Object) -> None:
        generation = found["metadata"]["generation"]
        for about in (found["status"], *found["status"]["conditions"]):
            about["observedGeneration"] = generation

    return [told_otherwise(one, answer) for one in revisions]


def with_another_key_in_the_status(revisions: list[Revision]) -> list[Revision]:
    def swap(found: Object) -> None:
        found["status"]["publicKey"] = "ssh-ed25519 AAAA"

    return [told_otherwise(one, swap) for one in revisions]


def with_each_others_secrets(revisions: list[Revision]) -> list[Revision]:
    return [
        one._replace(name=secret_of("changed-1")) if one.name == secret_of("changed-0") else one for one in revisions
    ]


def with_one_name_for_all(revisions: list[Revision]) -> list[Revision]:
    def rename(found: Object) -> None:
        found["spec"]["name"] = "ONE"

    return [told_otherwise(one, rename) for one in revisions]


def told_otherwise(one: Revision, change: Callable[[Object], None]) -> Revision:
    if one.resource != CREDENTIALS or one.object is None:
        return one
    changed = copy.deepcopy(one.object)
    change(changed)
    return one._replace(object=changed)


@pytest.mark.parametrize(
    "lie",
    [
        without_secrets,
        with_every_generation_answered,
        with_another_key_in_the_status,
        with_each_others_secrets,
        with_one_name_for_all,
    ],
)
def test_a_lie_is_seen(told: Told, lie: Lie) -> None:
    few = [one for one in told.changes if one.name.removesuffix(secret_of("")) in {f"changed-{n}" for n in range(20)}]
    assert false_greens(few, told.key_of, told.inputs) == []
    assert false_greens(lie(few), told.key_of, told.inputs)

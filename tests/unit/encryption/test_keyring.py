from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from sshcredential_operator.encryption.canary import CANARY_SECRET_TYPE, canary_secret_name
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.kek import (
    KEK_DATA_KEY,
    KEK_SECRET_TYPE,
    kek_secret_name,
    new_kek,
    wrap_kek,
)
from sshcredential_operator.encryption.keyring import Keyring, KeyringRefused, RootProblem
from sshcredential_operator.encryption.root_key import (
    ROOT_DATA_KEY,
    ROOT_SECRET_NAME,
    ROOT_SECRET_TYPE,
    RootKeys,
    RootSource,
    new_root_keys,
    root_keys_from_bytes,
    root_keys_to_bytes,
)
from unit.encryption.ring_memory import Cluster, Crashed, Store
from unit.encryption.samples import OTHER_UID, UID

NS = "genomics"


async def opened(cluster: Cluster) -> Keyring:
    ring = Keyring(Store(cluster))
    await ring.open()
    return ring


async def used() -> tuple[Cluster, Kek]:
    """Return a cluster in which one KEK was made, and that KEK."""
    cluster = Cluster()
    kek = await (await opened(cluster)).kek_for_writing(NS, UID)
    assert kek is not None
    cluster.requests.clear()
    return cluster, kek


def stored_root(cluster: Cluster) -> RootKeys:
    roots = root_keys_from_bytes(cluster.secrets[ROOT_SECRET_NAME].data[ROOT_DATA_KEY])
    assert roots is not None
    return roots


def add_kek(cluster: Cluster, slot: int, namespace: str = NS, uid: str = UID) -> Kek:
    kek = new_kek(uid, slot)
    document = wrap_kek(kek, namespace, uid, stored_root(cluster).writing, RootSource.SECRET)
    cluster.put(kek_secret_name(uid, slot), KEK_SECRET_TYPE, {KEK_DATA_KEY: document.to_bytes()})
    return kek


async def test_the_first_start_makes_a_root_key_and_its_canary() -> None:
    cluster = Cluster()
    await opened(cluster)
    root = stored_root(cluster).writing
    assert {name: secret.type for name, secret in cluster.secrets.items()} == {
        ROOT_SECRET_NAME: ROOT_SECRET_TYPE,
        canary_secret_name(root.kid): CANARY_SECRET_TYPE,
    }
    assert cluster.labels[ROOT_SECRET_NAME] == {"app.kubernetes.io/managed-by": "sshcredential-operator"}


async def test_a_later_start_makes_nothing_and_reads_three_times() -> None:
    cluster, kek = await used()
    ring = await opened(cluster)
    assert cluster.requests == [("get", ROOT_SECRET_NAME), ("list", CANARY_SECRET_TYPE), ("list", KEK_SECRET_TYPE)]
    assert ring.known(kek.kid, NS, UID) == kek
    assert ring.unopened == ()


async def test_a_workspaces_kek_is_made_by_one_post_and_then_remembered() -> None:
    cluster = Cluster()
    ring = await opened(cluster)
    cluster.requests.clear()
    kek = await ring.kek_for_writing(NS, UID)
    assert kek is not None
    look = ("get", ROOT_SECRET_NAME)  # before and after: the root key may have been replaced meanwhile
    assert cluster.requests == [look, ("create", kek_secret_name(UID, 1)), look]
    assert await ring.kek_for_writing(NS, UID) == kek
    assert (await ring.kek(kek.kid, NS, UID), ring.known(kek.kid, NS, UID)) == (kek, kek)
    assert len(cluster.requests) == 3


@pytest.mark.parametrize("instead", [None, "another"], ids=["gone", "replaced"])
async def test_no_kek_is_made_under_a_root_key_that_only_this_process_still_knows(instead: str | None) -> None:
    cluster = Cluster()
    ring = await opened(cluster)
    del cluster.secrets[ROOT_SECRET_NAME]
    if instead:
        other = Cluster()
        await opened(other)
        cluster.secrets[ROOT_SECRET_NAME] = other.secrets[ROOT_SECRET_NAME]
    assert await ring.kek_for_writing(NS, UID) is None
    assert kek_secret_name(UID, 1) not in cluster.secrets


async def test_many_credentials_of_a_new_workspace_at_once_make_one_kek() -> None:
    cluster = Cluster()
    ring = Keyring(Store(cluster, delay=3))
    await ring.open()
    keks = await asyncio.gather(*(ring.kek_for_writing(NS, UID) for _ in range(50)))
    assert {kek.kid for kek in keks if kek} == {cluster_kek.kid for cluster_kek in keks[:1] if cluster_kek}
    assert cluster.asked("create").count(kek_secret_name(UID, 1)) == 1


async def test_workspaces_have_keks_of_their_own() -> None:
    cluster = Cluster()
    ring = await opened(cluster)
    one, other = await ring.kek_for_writing(NS, UID), await ring.kek_for_writing("other", OTHER_UID)
    assert one is not None
    assert other is not None
    assert one.key != other.key
    assert await ring.kek(one.kid, "other", OTHER_UID) is None


async def test_a_namespace_that_was_made_again_gets_another_kek() -> None:
    cluster, kek = await used()
    ring = await opened(cluster)
    cluster.requests.clear()
    again = "aaaaaaaa-3c4d-4e5f-8a9b-0c1d2e3f4a5b"
    assert await ring.kek(kek.kid, NS, again) is None
    assert cluster.requests == []
    fresh = await ring.kek_for_writing(NS, again)
    assert fresh is not None
    assert fresh.kid != kek.kid
    assert await ring.kek(kek.kid, NS, UID) == kek


async def test_a_uid_with_the_same_first_digits_is_another_namespace() -> None:
    cluster, kek = await used()
    ring = await opened(cluster)
    assert await ring.kek(kek.kid, NS, OTHER_UID) is None
    assert await ring.kek(kek.kid, "other", UID) is None
    assert ring.known(kek.kid, NS, OTHER_UID) is None


async def test_a_kek_of_another_operator_is_read_once() -> None:
    cluster = Cluster()
    ring, other = await opened(cluster), await opened(cluster)
    kek = await other.kek_for_writing(NS, UID)
    assert kek is not None
    cluster.requests.clear()
    assert ring.known(kek.kid, NS, UID) is None
    assert await ring.kek(kek.kid, NS, UID) == kek
    assert await ring.kek_for_writing(NS, UID) == kek
    assert cluster.requests == [("get", kek_secret_name(UID, 1))]


@pytest.mark.parametrize(
    "kid", ["", "x", "1.6f1c0a2b3c4d", "1.ffffffffffff.00000000000000aa", "0.6f1c0a2b3c4d.00000000000000aa", "../x"]
)
async def test_a_kid_that_cannot_be_this_namespaces_costs_no_request(kid: str) -> None:
    cluster, _ = await used()
    ring = await opened(cluster)
    cluster.requests.clear()
    assert await ring.kek(kid, NS, UID) is None
    assert cluster.requests == []


async def test_an_unknown_kid_costs_one_read() -> None:
    cluster, _ = await used()
    ring = await opened(cluster)
    cluster.requests.clear()
    assert await ring.kek("7.6f1c0a2b3c4d.00000000000000aa", NS, UID) is None
    assert cluster.requests == [("get", kek_secret_name(UID, 7))]


async def test_a_kid_with_the_slot_of_a_kek_and_another_random_part_is_unknown() -> None:
    cluster, kek = await used()
    ring = await opened(cluster)
    assert await ring.kek(kek.kid[:-16] + "0" * 16, NS, UID) is None
    assert await ring.kek(kek.kid, NS, UID) == kek


async def test_the_newest_kek_is_for_writing_and_the_older_one_still_opens() -> None:
    cluster, first = await used()
    second, tenth = add_kek(cluster, 2), add_kek(cluster, 10)
    ring = await opened(cluster)
    assert await ring.kek_for_writing(NS, UID) == tenth
    for kek in (first, second, tenth):
        assert ring.known(kek.kid, NS, UID) == kek


async def test_a_ring_that_finds_the_first_kek_taken_reads_on_to_the_newest() -> None:
    cluster = Cluster()
    ring = await opened(cluster)
    add_kek(cluster, 1)
    second = add_kek(cluster, 2)
    assert await ring.kek_for_writing(NS, UID) == second


async def test_no_kek_is_made_beside_one_that_does_not_open() -> None:
    cluster, _ = await used()
    name = kek_secret_name(UID, 1)
    cluster.put(name, KEK_SECRET_TYPE, {KEK_DATA_KEY: cluster.secrets[name].data[KEK_DATA_KEY][:-1]})
    ring = await opened(cluster)
    before = dict(cluster.secrets)
    assert await ring.kek_for_writing(NS, UID) is None
    assert cluster.secrets == before
    assert ring.unopened == (name,)
    assert await ring.kek_for_writing("other", OTHER_UID) is not None


async def test_a_kek_that_was_repaired_is_used_without_a_restart() -> None:
    cluster, kek = await used()
    name = kek_secret_name(UID, 1)
    good = cluster.secrets.pop(name)
    cluster.put(name, "Opaque", good.data)
    ring = await opened(cluster)
    assert await ring.kek_for_writing(NS, UID) is None
    assert await ring.kek(kek.kid, NS, UID) is None
    cluster.secrets[name] = good
    assert await ring.kek_for_writing(NS, UID) == kek


async def test_a_name_that_is_taken_and_gone_again_gives_none_and_then_a_kek() -> None:
    cluster = Cluster()
    store = Store(cluster)
    ring = Keyring(store)
    await ring.open()
    store.refuses = True
    assert await ring.kek_for_writing(NS, UID) is None
    store.refuses = False
    assert await ring.kek_for_writing(NS, UID) is not None


async def test_a_forgotten_namespace_is_read_again() -> None:
    cluster, kek = await used()
    ring = await opened(cluster)
    ring.forget(UID)
    assert ring.known(kek.kid, NS, UID) is None
    assert await ring.kek(kek.kid, NS, UID) == kek


async def test_a_ring_that_was_not_opened_says_so() -> None:
    with pytest.raises(RuntimeError, match="not opened"):
        await Keyring(Store(Cluster())).kek_for_writing(NS, UID)


def lose(name_of: Callable[[Cluster], str]) -> Callable[[Cluster], object]:
    return lambda cluster: cluster.secrets.pop(name_of(cluster))


def root_name(_: Cluster) -> str:
    return ROOT_SECRET_NAME


def canary_name(cluster: Cluster) -> str:
    return canary_secret_name(stored_root(cluster).writing.kid)


def replace_root(roots: Callable[[RootKeys], bytes], type_: str = ROOT_SECRET_TYPE) -> Callable[[Cluster], object]:
    return lambda cluster: cluster.put(ROOT_SECRET_NAME, type_, {ROOT_DATA_KEY: roots(stored_root(cluster))})


def both(*damages: Callable[[Cluster], object]) -> Callable[[Cluster], object]:
    return lambda cluster: [damage(cluster) for damage in damages]


def lose_kek(cluster: Cluster) -> None:
    cluster.secrets.pop(kek_secret_name(UID, 1))


def with_credentials(cluster: Cluster) -> None:
    cluster.credentials = True


def same_id(roots: RootKeys) -> bytes:
    return root_keys_to_bytes(RootKeys((Kek(roots.writing.kid, new_root_keys().writing.key),)))


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        pytest.param(lose(root_name), RootProblem.ROOT_LOST, id="the root is deleted"),
        pytest.param(both(lose(canary_name), lose(root_name)), RootProblem.ROOT_LOST, id="only a KEK is left"),
        pytest.param(both(lose(root_name), lose_kek), RootProblem.ROOT_LOST, id="only a canary is left"),
        pytest.param(
            both(lose(canary_name), lose(root_name), lose_kek, with_credentials),
            RootProblem.ROOT_LOST,
            id="only credentials are left",
        ),
        pytest.param(
            both(lose(canary_name), lose_kek, with_credentials), RootProblem.KEKS_LOST, id="only the root is left"
        ),
        pytest.param(
            replace_root(lambda r: root_keys_to_bytes(r)[:-1]), RootProblem.ROOT_MALFORMED, id="the root is cut"
        ),
        pytest.param(replace_root(lambda r: root_keys_to_bytes(r) * 2), RootProblem.ROOT_MALFORMED, id="it is doubled"),
        pytest.param(replace_root(root_keys_to_bytes, "Opaque"), RootProblem.ROOT_MALFORMED, id="it has another type"),
        pytest.param(
            replace_root(lambda _: root_keys_to_bytes(new_root_keys())), RootProblem.ROOT_WRONG, id="another root"
        ),
        pytest.param(replace_root(same_id), RootProblem.ROOT_WRONG, id="another root with the same id"),
        pytest.param(
            both(lose(canary_name), replace_root(same_id)), RootProblem.ROOT_WRONG, id="another root and no canary"
        ),
    ],
)
async def test_a_damaged_root_is_refused_and_nothing_is_made_or_changed(
    damage: Callable[[Cluster], object], problem: RootProblem
) -> None:
    cluster, _ = await used()
    damage(cluster)
    before = dict(cluster.secrets)
    with pytest.raises(KeyringRefused) as refused:
        await opened(cluster)
    assert refused.value.problem is problem
    assert cluster.secrets == before
    assert cluster.asked("create") == []


async def test_a_root_that_comes_back_is_accepted() -> None:
    cluster, kek = await used()
    root = cluster.secrets.pop(ROOT_SECRET_NAME)
    ring = Keyring(Store(cluster))
    with pytest.raises(KeyringRefused):
        await ring.open()
    cluster.secrets[ROOT_SECRET_NAME] = root
    await ring.open()
    assert ring.known(kek.kid, NS, UID) == kek


async def test_a_lost_canary_is_made_again_where_a_kek_proves_the_root() -> None:
    cluster, _ = await used()
    name = canary_name(cluster)
    del cluster.secrets[name]
    await opened(cluster)
    assert cluster.asked("create") == [name]


@pytest.mark.parametrize("name", [ROOT_SECRET_NAME, "canary"])
async def test_creates_that_are_always_refused_end_in_a_problem(name: str) -> None:
    cluster = Cluster()
    if name == "canary":
        cluster.put(ROOT_SECRET_NAME, ROOT_SECRET_TYPE, {ROOT_DATA_KEY: root_keys_to_bytes(new_root_keys())})
    store = Store(cluster)
    store.refuses = True
    with pytest.raises(KeyringRefused) as refused:
        await Keyring(store).open()
    assert refused.value.problem is RootProblem.UNSETTLED


async def start_and_write(cluster: Cluster, store: Store, workspaces: dict[str, str]) -> dict[str, Kek | None]:
    ring = Keyring(store)
    await ring.open()
    keks = await asyncio.gather(*(ring.kek_for_writing(name, uid) for name, uid in workspaces.items()))
    cluster.credentials = True
    return dict(zip(workspaces, keks, strict=True))


WORKSPACES = {NS: UID, "other": OTHER_UID, "third": "00000000-0000-4000-8000-000000000000"}


@pytest.mark.parametrize("first_seed", range(0, 300, 50))
async def test_operators_that_start_at_once_agree_on_one_root_and_on_every_kek(first_seed: int) -> None:
    for seed in range(first_seed, first_seed + 50):
        cluster = Cluster()
        stores = [Store(cluster, seed=3 * seed + number, delay=4) for number in range(3)]
        rings = await asyncio.gather(*(start_and_write(cluster, store, WORKSPACES) for store in stores))
        assert all(ring == rings[0] for ring in rings), seed
        assert None not in rings[0].values(), seed
        assert [len(cluster.of_type(kind)) for kind in (ROOT_SECRET_TYPE, CANARY_SECRET_TYPE, KEK_SECRET_TYPE)] == [
            1,
            1,
            3,
        ]


async def start_overtaken(at: int) -> tuple[Cluster, dict[str, Kek | None], dict[str, Kek | None]]:
    """Start an operator; before its request of this number another one starts and does all its work."""
    cluster = Cluster()
    late = Store(cluster)
    quick: dict[str, Kek | None] = {}

    async def overtake(number: int, _: str) -> None:
        if number == at and not quick:
            quick.update(await start_and_write(cluster, Store(cluster), WORKSPACES))

    late.before = overtake
    return cluster, await start_and_write(cluster, late, WORKSPACES), quick


async def test_another_operators_whole_start_may_lie_before_any_request_of_this_one() -> None:
    alone = Store(Cluster())
    await start_and_write(Cluster(), alone, WORKSPACES)
    for request in range(alone.count):
        cluster, keks, quick = await start_overtaken(request)
        assert keks == quick, request
        assert None not in keks.values(), request
        assert len(cluster.secrets) == 5, request


async def test_a_crash_at_any_request_of_the_first_start_leaves_what_the_next_start_goes_on_with() -> None:
    whole = Cluster()
    store = Store(whole)
    await start_and_write(whole, store, WORKSPACES)
    assert store.count > 10
    for request in range(store.count):
        for point in ("crash_before", "crash_after"):
            cluster = Cluster()
            dying = Store(cluster)
            setattr(dying, point, request)
            with pytest.raises(Crashed):
                await start_and_write(cluster, dying, WORKSPACES)
            written = dict(cluster.secrets)
            keks = await start_and_write(cluster, Store(cluster), WORKSPACES)
            assert None not in keks.values(), (request, point)
            assert cluster.secrets.items() >= written.items(), (request, point)
            assert len(cluster.secrets) == 5, (request, point)


async def test_a_lost_answer_to_the_post_of_a_kek_loses_nothing() -> None:
    cluster = Cluster()
    store = Store(cluster)
    ring = Keyring(store)
    await ring.open()
    store.crash_after = store.count
    with pytest.raises(Crashed):
        await ring.kek_for_writing(NS, UID)
    kek = await ring.kek_for_writing(NS, UID)
    assert kek is not None
    assert len(cluster.of_type(KEK_SECRET_TYPE)) == 1


async def test_a_hanging_workspace_does_not_hold_up_another() -> None:
    cluster = Cluster()
    store = Store(cluster)
    ring = Keyring(store)
    await ring.open()
    answer = asyncio.Event()

    async def hang(_: int, what: str) -> None:
        if what == kek_secret_name(UID, 1):
            await answer.wait()

    store.before = hang
    waiting = asyncio.ensure_future(ring.kek_for_writing(NS, UID))
    other = asyncio.ensure_future(ring.kek_for_writing("other", OTHER_UID))
    for _ in range(50):
        await asyncio.sleep(0)
    assert (waiting.done(), other.done()) == (False, True)
    answer.set()
    assert await waiting is not None


async def test_the_root_key_lies_in_its_own_secret_only() -> None:
    cluster, _ = await used()
    key = stored_root(cluster).writing.key.reveal()
    text = root_keys_to_bytes(stored_root(cluster))
    secret = text.split(b'"k":"')[1].split(b'"')[0]
    for name, stored in cluster.secrets.items():
        found = any(part in value for value in stored.data.values() for part in (secret, key, key.hex().encode()))
        assert found == (name == ROOT_SECRET_NAME), name

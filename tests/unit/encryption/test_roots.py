"""`encryption/roots.py`, `root_kms.py`, `root_secret.py`: what wraps, what opens, and which root is asked."""

from __future__ import annotations

import pytest

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.ring_documents import canary_sings, store_canary, wrapped_canary
from sshcredential_operator.encryption.root_key import (
    MAX_ROOT_KEYS,
    ROOT_DATA_KEY,
    ROOT_SECRET_NAME,
    ROOT_SECRET_TYPE,
    RootKeys,
    RootSource,
    new_root_keys,
    root_keys_to_bytes,
)
from sshcredential_operator.encryption.root_kms import LONGEST_CIPHERTEXT, KmsRoot, RootInKms
from sshcredential_operator.encryption.root_secret import RootInSecret
from sshcredential_operator.encryption.roots import (
    LocalRoot,
    RootAway,
    RootId,
    RootLack,
    Roots,
    load_roots,
)
from unit.encryption.kms_memory import MemoryPlugin
from unit.encryption.ring_memory import Cluster, Store
from unit.encryption.samples import OTHER_ROOT, ROOT

SECRET = Sensitive(bytes(range(32)))
AAD = b'["sshcredentials.dev/v1","KEK","genomics"]'
OLD, NEW = LocalRoot(RootSource.SECRET, RootKeys((ROOT,))), LocalRoot(RootSource.FILE, RootKeys((OTHER_ROOT,)))


async def kms(plugin: MemoryPlugin) -> KmsRoot:
    root = await RootInKms(plugin).load()
    assert isinstance(root, KmsRoot)
    return root


# --- local roots


async def test_a_local_root_opens_with_any_of_its_keys_what_was_wrapped_at_its_place() -> None:
    both = LocalRoot(RootSource.SECRET, RootKeys((OTHER_ROOT, ROOT)))
    wrapped = await OLD.wrap(SECRET, AAD)
    assert await both.unwrap(wrapped, AAD) == SECRET
    assert await both.unwrap(wrapped, AAD + b" ") is None
    assert await both.unwrap(wrapped._replace(root_source=RootSource.FILE), AAD) is None
    assert await both.unwrap(wrapped._replace(root_key_id="0" * 16), AAD) is None
    assert (await both.wrap(SECRET, AAD)).root_key_id == OTHER_ROOT.kid
    assert both.holds(RootId(RootSource.SECRET, ROOT.kid))
    assert not both.holds(RootId(RootSource.FILE, ROOT.kid))
    assert not both.holds(RootId(RootSource.SECRET, "0" * 16))


# --- a KMS


async def test_a_plugin_wraps_and_unwraps_and_gets_its_annotations_back() -> None:
    plugin = MemoryPlugin()
    root = await kms(plugin)
    wrapped = await root.wrap(SECRET, AAD)
    assert (wrapped.root_source, wrapped.root_key_id) == (RootSource.KMS, "key-1")
    assert await root.unwrap(wrapped, AAD) == SECRET
    assert await root.unwrap(wrapped, b'["other"]') is None
    assert await root.unwrap(wrapped._replace(annotations={}), AAD) is None
    assert await root.unwrap(wrapped._replace(wrapped=wrapped.wrapped[:-1]), AAD) is None
    assert root.holds(RootId(RootSource.KMS, "any"))
    assert not root.holds(RootId(RootSource.FILE, "key-1"))


@pytest.mark.parametrize(
    ("version", "healthz", "key_id", "sound"),
    [
        ("v2", "ok", "key-1", True),
        ("v2beta1", "ok", "key-1", True),
        ("v1", "ok", "key-1", False),
        ("v2 ", "ok", "key-1", False),
        ("", "ok", "key-1", False),
        ("v2", "not ok", "key-1", False),
        ("v2", "", "key-1", False),
        ("v2", "ok", "", False),
        ("v2", "ok", "a\nb", False),
        ("v2", "ok", "x" * 1025, False),
    ],
)
async def test_a_plugin_is_there_when_it_is_sound(version: str, healthz: str, key_id: str, sound: bool) -> None:
    plugin = MemoryPlugin()
    plugin.version, plugin.healthz, plugin.said_key = version, healthz, key_id
    found = await RootInKms(plugin).load()
    assert found == (KmsRoot(plugin, key_id) if sound else RootLack.AWAY)


async def test_a_plugin_that_does_not_answer_is_away_and_not_wrong() -> None:
    plugin = MemoryPlugin()
    root, place = await kms(plugin), RootInKms(plugin)
    wrapped = await root.wrap(SECRET, AAD)
    plugin.away = True
    assert await place.load() is RootLack.AWAY
    for call in (root.wrap(SECRET, AAD), root.unwrap(wrapped, AAD)):
        with pytest.raises(RootAway):
            await call


@pytest.mark.parametrize(
    "wrong",
    [
        {"said_key": ""},
        {"said_key": "a\nb"},
        {"padding": bytes(LONGEST_CIPHERTEXT)},
        {"annotations": {"": b""}},
        {"annotations": {"a\n": b""}},
        {"annotations": {"a": bytes(33 * 1024)}},
        {"annotations": {f"{n}": b"" for n in range(65)}},
    ],
    ids=["no key id", "a line break in the key id", "long", "no name", "a line break", "big annotations", "many"],
)
async def test_what_a_plugin_made_that_cannot_be_stored_is_not_taken(wrong: dict[str, object]) -> None:
    plugin = MemoryPlugin()
    root = await kms(plugin)
    for name, value in wrong.items():
        setattr(plugin, name, value)
    with pytest.raises(RootAway):
        await root.wrap(SECRET, AAD)


# --- several roots


async def test_what_does_not_come_back_as_it_was_wrapped_is_not_stored() -> None:
    plugin = MemoryPlugin()
    roots = Roots(await kms(plugin))
    assert await roots.unwrap(await roots.wrap(SECRET, AAD), AAD) == SECRET
    plugin.wrong_plaintext = True
    with pytest.raises(RootAway):
        await roots.wrap(SECRET, AAD)
    cluster = Cluster()
    assert not await store_canary(Store(cluster), roots)
    assert cluster.secrets == {}


async def test_the_first_root_wraps_and_the_others_open_what_they_wrapped() -> None:
    roots = Roots(NEW, (OLD,))
    old = await OLD.wrap(SECRET, AAD)
    assert await roots.unwrap(old, AAD) == SECRET
    assert (await roots.wrap(SECRET, AAD)).root_source is RootSource.FILE
    assert roots.id == NEW.id
    assert roots.holds(old)
    assert not Roots(NEW).holds(old)
    assert await Roots(NEW).unwrap(old, AAD) is None


async def test_of_two_plugins_the_one_that_answers_opens_and_none_is_wrong_while_one_is_away() -> None:
    first, second = MemoryPlugin("key-1"), MemoryPlugin("key-2")
    roots = Roots(await kms(first), (await kms(second),))
    own = await Roots(await kms(second)).wrap(SECRET, AAD)
    first.away = True
    assert await roots.unwrap(own, AAD) == SECRET
    with pytest.raises(RootAway):
        await roots.unwrap(own._replace(root_key_id="key-1"), AAD)
    first.away = False
    assert await roots.unwrap(own._replace(root_key_id="key-3"), AAD) is None


class Somewhere:
    """A place that has this."""

    source, where = RootSource.FILE, "somewhere"

    def __init__(self, found: LocalRoot | RootLack) -> None:
        self._found = found

    async def load(self) -> LocalRoot | RootLack:
        return self._found


@pytest.mark.parametrize("lack", list(RootLack))
async def test_without_the_root_for_writing_there_is_none_and_an_older_one_that_lacks_is_left_out(
    lack: RootLack,
) -> None:
    old, new, away = Somewhere(OLD), Somewhere(NEW), Somewhere(lack)
    assert await load_roots((away, old)) == (None, lack)
    assert await load_roots((new, away, old)) == (Roots(NEW, (OLD,)), None)
    assert await load_roots((new,)) == (Roots(NEW), None)


async def test_a_canary_that_a_plugin_made_under_another_key_than_it_said_is_not_stored() -> None:
    plugin = MemoryPlugin("key-1", "key-2")
    root = KmsRoot(plugin, "key-1")
    with pytest.raises(RootAway):
        await wrapped_canary(Roots(root))
    sound = Roots(KmsRoot(plugin, "key-2"))
    assert await canary_sings(await wrapped_canary(sound), sound)


async def test_a_ring_whose_root_is_in_a_kms_opens_after_its_key_was_rotated_there() -> None:
    cluster, plugin = Cluster(), MemoryPlugin("key-1")
    ring = Keyring(Store(cluster), (RootInKms(plugin),))
    await ring.open()
    kek = await ring.kek_for_writing("genomics", "00000001-0000-4000-8000-000000000000")
    plugin.keys |= MemoryPlugin("key-2").keys
    assert await ring.refresh()
    assert ring.roots.id == (RootSource.KMS, "key-2")
    assert ring.newest("genomics", "00000001-0000-4000-8000-000000000000") == kek
    assert ROOT_SECRET_NAME not in cluster.secrets


# --- the root key's Secret


def put(cluster: Cluster, keys: RootKeys) -> None:
    cluster.put(ROOT_SECRET_NAME, ROOT_SECRET_TYPE, {ROOT_DATA_KEY: root_keys_to_bytes(keys)})


async def kids(cluster: Cluster) -> list[str]:
    root = await RootInSecret(Store(cluster)).load()
    assert isinstance(root, LocalRoot)
    return [key.kid for key in root.keys.keys]


async def test_a_key_is_put_before_the_others_dropped_and_put_back_as_the_last() -> None:
    cluster = Cluster()
    place = RootInSecret(Store(cluster))
    put(cluster, RootKeys((ROOT, OTHER_ROOT)))
    assert not await place.put_new_key_before(OTHER_ROOT.kid)
    assert await place.put_new_key_before(ROOT.kid)
    new, *rest = await kids(cluster)
    assert rest == [ROOT.kid, OTHER_ROOT.kid]
    assert not await place.put_new_key_before(ROOT.kid)
    assert await place.drop_key(new) is None
    assert await place.drop_key("0" * 16) is None
    assert await place.drop_key(ROOT.kid) == ROOT
    assert await kids(cluster) == [new, OTHER_ROOT.kid]
    assert await place.put_back(ROOT)
    assert await place.put_back(ROOT)
    assert await kids(cluster) == [new, OTHER_ROOT.kid, ROOT.kid]


async def test_who_was_overtaken_drops_nothing_and_puts_back_all_the_same() -> None:
    cluster = Cluster()
    store = Store(cluster)
    place = RootInSecret(store)
    put(cluster, RootKeys((ROOT, OTHER_ROOT)))
    third, at = new_root_keys().writing, [True]

    async def before(number: int, _: str) -> None:
        if number % 2 and at:
            at.clear()
            put(cluster, RootKeys((third, ROOT, OTHER_ROOT)))

    store.before = before
    assert await place.drop_key(OTHER_ROOT.kid) is None
    assert await kids(cluster) == [third.kid, ROOT.kid, OTHER_ROOT.kid]
    assert await place.drop_key(OTHER_ROOT.kid) == OTHER_ROOT
    at.append(True)
    assert await place.put_back(OTHER_ROOT)
    assert (await kids(cluster))[-1] == OTHER_ROOT.kid


async def test_a_key_that_is_put_back_finds_room_though_another_was_made_meanwhile() -> None:
    cluster = Cluster()
    place = RootInSecret(Store(cluster))
    full = RootKeys(tuple(new_root_keys().writing for _ in range(MAX_ROOT_KEYS - 1)))
    put(cluster, full)
    with pytest.raises(ValueError, match="as many root keys"):
        await place.put_new_key_before(full.writing.kid)
    dropped = await place.drop_key((await kids(cluster))[-1])
    assert dropped
    assert await place.put_new_key_before((await kids(cluster))[0])  # by another replica
    assert await place.put_back(dropped)
    assert dropped.kid in await kids(cluster)


@pytest.mark.parametrize("data", [{}, {ROOT_DATA_KEY: b"cut"}, None], ids=["empty", "cut", "gone"])
async def test_a_root_key_that_cannot_be_read_is_not_changed(data: dict[str, bytes] | None) -> None:
    cluster = Cluster()
    if data is not None:
        cluster.put(ROOT_SECRET_NAME, ROOT_SECRET_TYPE, data)
    place, before = RootInSecret(Store(cluster)), dict(cluster.secrets)
    assert not await place.put_new_key_before(ROOT.kid)
    assert await place.drop_key(ROOT.kid) is None
    assert not await place.put_back(ROOT)
    assert cluster.secrets == before

"""The KMS v2 client against a plugin that is served by Kubernetes' own code for plugins."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from operators.kms_plugin import KmsProcess
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.kms_plugin import GrpcPlugin
from sshcredential_operator.encryption.root_key import RootSource
from sshcredential_operator.encryption.root_kms import KmsRoot, RootInKms
from sshcredential_operator.encryption.roots import RootAway, RootLack, Roots
from sshcredential_operator.encryption.wrapping import Wrapped

SECRET = Sensitive(bytes(range(32)))
AAD = b'["sshcredentials.dev/v1","KEK","genomics"]'

UNAVAILABLE, INVALID_ARGUMENT, UNKNOWN = 14, 3, 2


@pytest.fixture
def kms(tmp_path: Path) -> Iterator[KmsProcess]:
    with KmsProcess(tmp_path / "kms") as process:
        yield process


@pytest.fixture
async def plugin(kms: KmsProcess) -> AsyncIterator[GrpcPlugin]:
    plugin = GrpcPlugin(kms.socket, seconds=2)
    yield plugin
    await plugin.close()


async def root_of(plugin: GrpcPlugin) -> KmsRoot:
    root = await RootInKms(plugin).load()
    assert isinstance(root, KmsRoot)
    return root


async def test_what_the_plugin_wraps_it_unwraps_again_and_gets_its_annotations_and_key_id_back(
    kms: KmsProcess, plugin: GrpcPlugin
) -> None:
    root = await root_of(plugin)
    wrapped = await root.wrap(SECRET, AAD)
    assert (wrapped.root_source, wrapped.root_key_id) == (RootSource.KMS, "key-1")
    assert wrapped.annotations.keys() == {"nonce.kmsplugin.test", "empty.kmsplugin.test"}
    assert await root.unwrap(wrapped, AAD) == SECRET
    (decrypt,), (encrypt,) = kms.calls("Decrypt"), kms.calls("Encrypt")
    assert decrypt["keyId"] == "key-1"
    assert sorted(decrypt["annotations"]) == sorted(wrapped.annotations)
    assert len({decrypt["uid"], encrypt["uid"]}) == 2


async def test_after_a_rotation_in_the_kms_the_old_key_still_opens(kms: KmsProcess, plugin: GrpcPlugin) -> None:
    old = await (await root_of(plugin)).wrap(SECRET, AAD)
    kms.tell(key="key-2")
    root = await root_of(plugin)
    assert root.id.key_id == "key-2"
    assert (await root.wrap(SECRET, AAD)).root_key_id == "key-2"
    assert await root.unwrap(old, AAD) == SECRET


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"wrapped": b"x" * 60}, id="another ciphertext"),
        pytest.param({"annotations": {}}, id="no annotations"),
        pytest.param({"root_key_id": "key-7"}, id="another key id"),
    ],
)
async def test_a_changed_document_does_not_open(plugin: GrpcPlugin, change: dict[str, Any]) -> None:
    root = await root_of(plugin)
    wrapped: Wrapped = await root.wrap(SECRET, AAD)
    assert await root.unwrap(wrapped._replace(**change), AAD) is None


async def test_a_ciphertext_of_another_place_does_not_open(plugin: GrpcPlugin) -> None:
    root = await root_of(plugin)
    wrapped = await root.wrap(SECRET, AAD)
    assert await root.unwrap(wrapped, AAD.replace(b"genomics", b"another")) is None


@pytest.mark.parametrize(
    "told",
    [
        pytest.param({"healthz": "the KMS is away"}, id="is not healthy"),
        pytest.param({"version": "v1beta1"}, id="speaks another version"),
        pytest.param({"key": ""}, id="says no key id"),
        pytest.param({"key": "k" * 1025}, id="says a key id that is too long"),
        pytest.param({"key": "key\n1"}, id="says a key id of two lines"),
        pytest.param({"delayMilliseconds": 4000}, id="is slow"),
    ],
)
async def test_a_plugin_is_away_when_it(kms: KmsProcess, plugin: GrpcPlugin, told: dict[str, Any]) -> None:
    kms.tell(**told)
    assert await RootInKms(plugin).load() is RootLack.AWAY


async def test_a_plugin_that_was_killed_is_away_and_back_when_it_is_started_again(
    kms: KmsProcess, plugin: GrpcPlugin
) -> None:
    root = await root_of(plugin)
    wrapped = await root.wrap(SECRET, AAD)
    kms.kill()
    assert await RootInKms(plugin).load() is RootLack.AWAY
    with pytest.raises(RootAway):
        await root.unwrap(wrapped, AAD)
    kms.start()
    while await RootInKms(plugin).load() is RootLack.AWAY:
        pass
    assert await root.unwrap(wrapped, AAD) == SECRET


@pytest.mark.parametrize(
    ("code", "final"),
    [(UNAVAILABLE, False), (UNKNOWN, False), (INVALID_ARGUMENT, True)],
    ids=["unavailable", "unknown", "invalid argument"],
)
async def test_only_a_definite_refusal_says_that_a_ciphertext_is_wrong(
    kms: KmsProcess, plugin: GrpcPlugin, code: int, final: bool
) -> None:
    root = await root_of(plugin)
    wrapped = await root.wrap(SECRET, AAD)
    kms.tell(refuse=code)
    if final:
        assert await root.unwrap(wrapped, AAD) is None
    else:
        with pytest.raises(RootAway):
            await root.unwrap(wrapped, AAD)
    with pytest.raises(RootAway):
        await root.wrap(SECRET, AAD)


async def test_nothing_is_kept_that_the_plugin_does_not_open_again(kms: KmsProcess, plugin: GrpcPlugin) -> None:
    roots = Roots(await root_of(plugin))
    kms.tell(garble=True)
    with pytest.raises(RootAway):
        await roots.wrap(SECRET, AAD)


async def test_without_a_plugin_the_root_is_away(tmp_path: Path) -> None:
    plugin = GrpcPlugin(tmp_path / "nobody.sock", seconds=1)
    assert await RootInKms(plugin).load() is RootLack.AWAY
    await plugin.close()

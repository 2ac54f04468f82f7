"""A backup of the key ring goes where another root key is: in a Secret, a file or a KMS. Nothing is overwritten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.ring_place import WORKSPACES, Place
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from operators.kms_plugin import KmsProcess
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.controller.root_sources import IN_SECRET, NamedSource
from sshcredential_operator.encryption.backup_seal import Passphrase, open_backup, seal_backup
from sshcredential_operator.encryption.root_key import ROOT_SECRET_NAME, RootSource, new_root_keys, root_keys_to_bytes

OTHERS = {"team-c": "00000003-0000-4000-8000-000000000000"}
(SECRET,) = IN_SECRET


class Sources:
    """A root key in each of the places where one can be."""

    def __init__(self, folder: Path) -> None:
        self.kms = KmsProcess(folder / "kms")
        file = folder / "root.json"
        file.write_bytes(root_keys_to_bytes(new_root_keys()))
        self.named = {
            "secret": SECRET,
            "file": NamedSource(RootSource.FILE, file),
            "kms": NamedSource(RootSource.KMS, self.kms.socket),
        }

    def option(self, name: str) -> tuple[str, str]:
        """Return the option that names it."""
        path = self.named[name].path
        return "--root-source", f"{name}:{path}" if path else name


@pytest.fixture
def place(cluster: Cluster, namespaces: Namespaces, tmp_path: Path) -> Place:
    return Place(cluster, namespaces, tmp_path)


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[Sources]:
    found = Sources(tmp_path)
    with found.kms:
        yield found


@pytest.mark.parametrize(
    ("before", "now"),
    [("secret", "file"), ("secret", "kms"), ("file", "secret"), ("file", "kms"), ("kms", "secret"), ("kms", "file")],
)
async def test_all_keys_come_back_under_the_root_that_is_there(
    place: Place, sources: Sources, before: str, now: str
) -> None:
    await place.fill(source=sources.named[before])
    keys = await place.opened(sources.named[before])
    code, said = place.backup(*sources.option(before))
    assert code == 0, said
    place.delete(*place.secrets())

    code, said = place.restore(*sources.option(now))
    assert (code, "not the backup's" in said) == (0, True), said
    assert await place.opened(sources.named[now]) == keys
    assert (ROOT_SECRET_NAME in place.secrets()) is (now == "secret")
    there = place.secrets()
    code, said = place.restore(*sources.option(now))
    assert (code, "0 made" in said) == (0, True), said
    assert place.secrets() == there


async def test_where_the_root_is_kept_elsewhere_its_secrets_come_back_as_they_were(
    place: Place, sources: Sources
) -> None:
    said = ""
    for kept in ("file", "kms"):
        await place.fill(source=sources.named[kept])
        before = place.secrets()
        assert place.backup("--force", *sources.option(kept))[0] == 0
        place.delete(*before)
        for given in ((), sources.option(kept)):  # at a desk, where the root is not, and where it is
            code, said = place.restore(*given)
            assert (code, place.secrets()) == (0, before), said
        assert "give the operator the same one with --root-source" in said
        place.delete(*before)


async def test_an_operator_that_was_started_first_keeps_its_root_key(place: Place) -> None:
    await place.fill()
    keys = await place.opened()
    place.backup()
    place.delete(*place.secrets())
    await place.fill({})
    root = place.secrets()[ROOT_SECRET_NAME]

    code, said = place.restore()
    assert (code, "2 made" in said, "not the backup's" in said) == (0, True, True), said
    assert place.secrets()[ROOT_SECRET_NAME] == root
    assert await place.opened() == keys


@pytest.mark.parametrize("kept", ["secret", "file", "kms"])
async def test_another_key_ring_in_use_is_left_alone_unless_both_are_meant(
    place: Place, sources: Sources, kept: str
) -> None:
    await place.fill()
    keys = await place.opened()
    place.backup()
    place.delete(*place.secrets())
    await place.fill(OTHERS, sources.named[kept])
    there = place.secrets()
    if kept != "secret":  # its root key is not named
        code, said = place.restore()
        assert (code, "1 keys under a root key" in said, "say where it is with --root-source" in said) == (1, 1, 1), (
            said
        )
    code, said = place.restore(*sources.option(kept))
    assert (code, "another key ring is in use" in said, "Nothing was changed" in said) == (1, True, True), said
    assert place.secrets() == there

    code, said = place.restore("--beside", *sources.option(kept))
    assert code == 0, said
    both = await place.opened(sources.named[kept])
    assert len(both) == len(WORKSPACES) + len(OTHERS)
    assert both | keys == both
    assert place.secrets() | there == place.secrets()


async def test_when_a_kms_is_lost_the_keys_of_the_backup_take_the_place_of_those_that_it_wrapped(
    place: Place, sources: Sources
) -> None:
    await place.fill(source=sources.named["kms"])
    keys = await place.opened(sources.named["kms"])
    place.backup(*sources.option("kms"))
    sources.kms.kill()
    there = place.secrets()

    code, said = place.restore(*sources.option("file"))
    assert (code, "--rewrap takes the backup's" in said) == (1, True), said
    assert place.secrets() == there
    code, said = place.restore("--rewrap", *sources.option("file"))
    assert (code, "wrapped anew by the root key that is here" in said) == (0, True), said
    assert await place.opened(sources.named["file"]) == keys
    assert "0 made, 2 there already" in place.restore(*sources.option("file"))[1]


async def test_a_root_that_cannot_be_asked_changes_nothing(place: Place, sources: Sources) -> None:
    await place.fill()
    place.backup()
    place.delete(*place.secrets())
    sources.kms.kill()
    code, said = place.restore(*sources.option("kms"))
    assert (code, "it cannot be asked now" in said) == (1, True), said
    assert place.secrets() == {}


def rewritten(folder: Path) -> None:
    """Let the backup say something else, as another version would."""
    words = Passphrase(Sensitive((folder / "words").read_bytes().strip()))
    plain = open_backup((folder / "backup").read_bytes(), words)
    assert isinstance(plain, Sensitive)
    text = plain.reveal().replace(b"key-ring-backup/v1", b"key-ring-backup/v2")
    (folder / "backup").write_bytes(seal_backup(Sensitive(text), words))


async def test_mistakes_are_told_and_change_nothing(place: Place) -> None:
    await place.fill()
    place.backup()
    place.delete(*place.secrets())
    good = (place.folder / "backup").read_bytes()
    (place.folder / "others").write_text("another passphrase of that length\n")
    middle = len(good) // 2
    flipped = good[:middle] + (b"B" if good[middle : middle + 1] == b"A" else b"A") + good[middle + 1 :]
    cases = {
        "the passphrase is not the one that it was made with": (good, "others"),
        "it is no backup of a key ring, or it was cut or changed": (
            good[: len(good) // 3].rpartition(b".")[0],
            "words",
        ),
        "or the file was changed": (flipped, "words"),
        "it is no backup": (b"", "words"),
    }
    for told, (content, words) in cases.items():
        (place.folder / "backup").write_bytes(content)
        code, said = place.restore(words=words)
        assert (code, told in said) == (1, True), said
        assert place.secrets() == {}
    (place.folder / "backup").write_bytes(good)
    rewritten(place.folder)
    code, said = place.restore()
    assert (code, "holds no key ring that this version knows: use the newest sshcred" in said) == (1, True), said
    assert place.secrets() == {}

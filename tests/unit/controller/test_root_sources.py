"""`controller/root_sources.py` and `encryption/root_file.py`: which roots are named, and what a file may hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from sshcredential_operator.controller.root_sources import NamedSource, parse_source
from sshcredential_operator.encryption.root_file import RootInFile
from sshcredential_operator.encryption.root_key import RootSource, new_root_keys, root_keys_to_bytes
from sshcredential_operator.encryption.roots import LocalRoot, RootLack

KEYS = new_root_keys()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param("secret", NamedSource(RootSource.SECRET), id="the Secret"),
        pytest.param("file:/run/root", NamedSource(RootSource.FILE, Path("/run/root")), id="a file"),
        pytest.param("kms:/run/s", NamedSource(RootSource.KMS, Path("/run/s")), id="a socket"),
        pytest.param("kms:unix:///run/s", NamedSource(RootSource.KMS, Path("/run/s")), id="a socket as an address"),
        pytest.param("secret:name", None, id="a Secret of another name"),
        pytest.param("secret:", None, id="a Secret and a colon"),
        pytest.param("file:relative", None, id="a path that is not absolute"),
        pytest.param("file:", None, id="no path"),
        pytest.param("vault:/x", None, id="another kind"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_a_source_is_named_by_its_kind_and_an_absolute_path(text: str, named: NamedSource | None) -> None:
    assert parse_source(text) == named


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param(root_keys_to_bytes(KEYS), LocalRoot(RootSource.FILE, KEYS), id="keys"),
        pytest.param(root_keys_to_bytes(KEYS) + b"\n", LocalRoot(RootSource.FILE, KEYS), id="keys and a line break"),
        pytest.param(root_keys_to_bytes(KEYS)[:-1], RootLack.MALFORMED, id="cut"),
        pytest.param(b"", RootLack.MALFORMED, id="empty"),
        pytest.param(root_keys_to_bytes(KEYS) * 2, RootLack.MALFORMED, id="doubled"),
        pytest.param(b"x" * 1_000_000, RootLack.MALFORMED, id="long"),
    ],
)
async def test_a_file_holds_root_keys_or_is_malformed(text: bytes, found: object, tmp_path: Path) -> None:
    path = tmp_path / "root"
    path.write_bytes(text)
    assert await RootInFile(path).load() == found


async def test_a_file_that_is_not_there_is_absent_and_what_cannot_be_read_is_away(tmp_path: Path) -> None:
    assert await RootInFile(tmp_path / "none").load() is RootLack.ABSENT
    assert await RootInFile(tmp_path).load() is RootLack.AWAY


async def test_a_file_is_read_again_at_every_load(tmp_path: Path) -> None:
    path, other = tmp_path / "root", new_root_keys()
    place = RootInFile(path)
    for keys in (KEYS, other):
        path.write_bytes(root_keys_to_bytes(keys))
        assert await place.load() == LocalRoot(RootSource.FILE, keys)

"""`sshcred recover`: a dump and a backup become the files that ssh takes; what does not open is named, with why."""

from __future__ import annotations

import json
import subprocess
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.backup_seal import Passphrase, seal_backup
from sshcredential_operator.encryption.credential_secret import KeyMaterial, seal_credential
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.recipient import recipient_key
from sshcredential_operator.encryption.ring_backup import RingBackup
from sshcredential_operator.encryption.ring_gathering import gather
from sshcredential_operator.keys.generate import generate
from unit.cli.command import Said, sshcred
from unit.encryption.ring_memory import Cluster, Store
from unit.encryption.samples import OTHER_KEK, RECORD, UID
from unit.encryption.test_recipient import PRIVATE

WORDS = "correct horse battery staple"
PAIR = generate(Algorithm.ED25519, 256, "genomics@hpc")
ENTRY = replace(
    RECORD.keys[0],
    fingerprint=PAIR.public.fingerprint,
    public_key=PAIR.public.line,
    passphrase_protected=True,
)
SEALED = replace(RECORD, keys=(ENTRY,))
MATERIAL = {1: KeyMaterial(PAIR.private, Sensitive(b"its passphrase"))}


async def ring() -> tuple[RingBackup, Kek]:
    cluster = Cluster()
    ring = Keyring(Store(cluster))
    await ring.open()
    kek = await ring.kek_for_writing("genomics", UID)
    assert kek
    gathered = await gather(list(cluster.secrets.values()), ring.roots, "sshcredential-system", datetime.now(UTC))
    assert gathered.unopened == ()
    return gathered.backup, kek


def manifest(name: str, data: Mapping[str, bytes], namespace: str = "genomics") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "sshcredentials.dev/credential",
        "metadata": {"name": f"{name}-sshcredential", "namespace": namespace},
        "data": {key: b64encode(value).decode() for key, value in data.items()},
    }


OPAQUE = {"kind": "Secret", "type": "Opaque", "metadata": {"name": "other", "namespace": "genomics"}}


@pytest.fixture
async def desk(tmp_path: Path) -> tuple[Path, Kek]:
    """A backup, its passphrase, and a dump."""
    backup, kek = await ring()
    assert RingBackup.from_bytes(backup.to_bytes()) == backup
    assert WORDS not in repr(backup)
    (tmp_path / "backup").write_bytes(seal_backup(Sensitive(backup.to_bytes()), Passphrase(Sensitive(WORDS.encode()))))
    key = recipient_key(PRIVATE["x"])
    assert key
    (tmp_path / "for-key").write_bytes(seal_backup(Sensitive(backup.to_bytes()), key))
    (tmp_path / "key.json").write_text(json.dumps(PRIVATE))
    (tmp_path / "words").write_text(WORDS + "\n")
    return tmp_path, kek


def data(kek: Kek, name: str = "hpc-login") -> dict[str, bytes]:
    return seal_credential(SEALED, MATERIAL, kek, "genomics", name)


def recover(folder: Path, *documents: Any, by: tuple[str, ...] = ("--passphrase-file", "words")) -> Said:
    (folder / "dump.yaml").write_text(yaml.safe_dump_all(documents))
    file = "backup" if by[0] == "--passphrase-file" else "for-key"
    return sshcred(folder, "recover", "--backup", file, *by, "--out", "out", "dump.yaml")


@pytest.mark.parametrize("by", [("--passphrase-file", "words"), ("--identity", "key.json")], ids=["words", "key"])
def test_documents_and_lists_are_opened_and_other_types_counted(desk: tuple[Path, Kek], by: tuple[str, ...]) -> None:
    folder, kek = desk
    listed = {"kind": "List", "apiVersion": "v1", "items": [manifest("hpc-login", data(kek)), OPAQUE]}
    said = recover(folder, manifest("archive", data(kek, "archive")), listed, OPAQUE, by=by)

    assert (said.code, said.lines) == (0, ["genomics/archive", "genomics/hpc-login"])
    assert said.error == "recovered 2 of 2 credentials; 2 Secrets of other types skipped\n"
    made = folder / "out" / "genomics" / "hpc-login"
    assert {file.name: file.stat().st_mode & 0o777 for file in made.iterdir()} == {
        "id": 0o600,
        "id.pub": 0o644,
        "passphrase": 0o600,
    }
    shown = subprocess.run(["ssh-keygen", "-y", "-P", "", "-f", made / "id"], capture_output=True, check=True).stdout
    assert shown.decode().split()[:2] == (made / "id.pub").read_text().split()[:2]
    assert (made / "passphrase").read_bytes() == b"its passphrase"


def test_what_does_not_open_is_named_and_the_others_are_written(desk: tuple[Path, Kek]) -> None:
    folder, kek = desk
    cut = data(kek, "cut")
    del cut["passphrase.1"]
    said = recover(
        folder,
        manifest("good", data(kek, "good")),
        manifest("moved", data(kek)),
        manifest("newer", data(OTHER_KEK, "newer")),
        manifest("cut", cut),
        manifest("elsewhere", data(kek, "elsewhere"), namespace="proteomics"),
        manifest("../../up", data(kek)),
    )

    assert (said.code, said.lines) == (1, ["genomics/good"])
    assert "genomics/moved-sshcredential: it was changed, cut, or copied" in said.error
    assert f"genomics/newer-sshcredential: its key {OTHER_KEK.kid} is not in this backup" in said.error
    assert "genomics/cut-sshcredential: it was changed, cut" in said.error
    assert "proteomics/elsewhere-sshcredential: it was copied from namespace genomics" in said.error
    assert "5 of 6 credentials are not recovered" in said.error
    assert [path.name for path in (folder / "out").iterdir()] == ["genomics"]


def test_nothing_is_overwritten(desk: tuple[Path, Kek]) -> None:
    folder, kek = desk
    there = folder / "out" / "genomics" / "hpc-login"
    there.mkdir(parents=True)
    (there / "id").write_text("mine")

    said = recover(folder, manifest("hpc-login", data(kek)))
    assert said.code == 1
    assert "is there already, and nothing is overwritten" in said.error
    assert (there / "id").read_text() == "mine"
    assert not (there / "id.pub").exists()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("not the passphrase of it", 1, "the passphrase is not the one that it was made with"),
        ("short", 2, "openssl rand -base64 24 makes one"),
    ],
    ids=["another passphrase", "a short passphrase"],
)
def test_a_wrong_passphrase_is_told(desk: tuple[Path, Kek], words: str, code: int, says: str) -> None:
    folder, kek = desk
    (folder / "words").write_text(words)
    said = recover(folder, manifest("hpc-login", data(kek)))
    assert said.code == code
    assert says in " ".join(said.error.split())
    assert not (folder / "out").exists()


def test_a_dump_without_credentials_and_one_that_is_cut_are_told(desk: tuple[Path, Kek]) -> None:
    folder, _ = desk
    said = recover(folder, OPAQUE)
    assert said.code == 1
    assert "there is no Secret of a credential in these files" in said.error
    (folder / "cut.yaml").write_text('items: [{kind: "Sec')
    said = sshcred(folder, "recover", "--backup", "backup", "--passphrase-file", "words", "--out", "out", "cut.yaml")
    assert (said.code, "is no YAML or JSON, or was cut" in said.error) == (2, True)

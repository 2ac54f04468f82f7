"""Each consumer's own reader fetches from a real sshd with nothing but the exported Secret.

- SSHAuth: x/crypto/ssh and its known_hosts, as any Go program would use them.
- GitSync: go-git with the mounted files; git-sync itself runs ssh, which test_exports_git does.
- Flux: `NewAuthOptions` and the client of fluxcd/pkg/git, which source-controller gives the Secret's data to. v0.53.0
  is the newest that the Go of the tests builds; later ones need Go 1.27.
- ArgoCDRepository: the documented contract (url, type, sshPrivateKey, the label), read with x/crypto/ssh, skeema's
  known_hosts and go-git, to which Argo CD hands the values. Its own reader, argo-cd/v3/util/db, was tried: v3.6 needs
  Go 1.27, and v3.5.7 takes its gitops-engine from a folder of its own checkout, with 1132 packages in all.

What key was used is not asked of the program: the server says which one it accepted.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cluster.consumers import PROGRAM, fetch
from cluster.desk import Desk
from cluster.export_desk import ExportDesk, exported
from cluster.forge import Forge, mount
from cluster.shown import Object, data_of, generated
from controlplane.fixtures import spoken
from sshcredential_operator.api.export_spec import Profile

ARGO_CD = "ArgoCDRepository"
PLAIN = [profile for profile in Profile if profile is not Profile.SEALED]
"""What a sealed copy is good for, the operator itself knows: test_reseal.py."""


class Wish(NamedTuple):
    """What is exported for whom."""

    profile: str
    members: Object
    key: Object


def wish(profile: str, key: Object | None = None, **members: Any) -> Wish:
    return Wish(profile, members, key or {})


WITH_PASSPHRASE: Object = {"passphrase": "Generate"}
KEYS: dict[str, Object] = {
    "Ed25519": {"algorithm": "Ed25519"},
    "ECDSA": {"algorithm": "ECDSA", "bits": 384},
    "RSA": {"algorithm": "RSA", "bits": 3072},
}
WISHES = {
    "Kubernetes": wish("SSHAuth"),
    "git-sync": wish("GitSync"),
    "Flux": wish("Flux"),
    "Flux with a passphrase": wish("Flux", WITH_PASSPHRASE),
    "Flux without its passphrase": wish("Flux", WITH_PASSPHRASE, passphrase="Strip"),
    "Argo CD": wish(ARGO_CD),
}
PEM: Object = {"privateKeyFormat": "PEM"}
PEM_WISHES = {
    "Flux with a passphrase in PEM": wish("Flux", WITH_PASSPHRASE, **PEM),
    "Argo CD in PEM": wish(ARGO_CD, **PEM),
}


@pytest.fixture(scope="module")
def program(request: pytest.FixtureRequest) -> Path:
    """The consumers. The first run on a machine builds them."""
    with spoken(request.config):
        return PROGRAM.built()


@pytest.mark.parametrize(
    ("key", "asked"),
    [
        *(pytest.param(key, asked, id=f"{who}, {kind}") for kind, key in KEYS.items() for who, asked in WISHES.items()),
        *(
            pytest.param(KEYS[kind], asked, id=f"{who}, {kind}")
            for kind in ("ECDSA", "RSA")
            for who, asked in PEM_WISHES.items()
        ),
    ],
)
def test_a_consumer_is_let_in_with_the_exported_key(  # noqa: PLR0917 - fixtures and tables
    desk: Desk,
    exports: ExportDesk,
    forge: Forge,
    program: Path,
    name: str,
    tmp_path: Path,
    key: Object,
    asked: Wish,
) -> None:
    status = export(desk, exports, forge, name, asked._replace(key=key | asked.key), forge.sshd.known_hosts)
    mounted = mounted_copy(desk, name, tmp_path, forge.sshd.known_hosts)
    before = len(forge.sshd.accepted())

    fetched = fetch(program, asked.profile, mounted, forge.url)

    assert (fetched.stdout, fetched.stderr) == (f"{forge.commit}\n", "")
    assert set(forge.sshd.accepted()[before:]) == {status["fingerprint"]}


def test_every_profile_has_a_reader() -> None:
    assert {asked.profile for asked in WISHES.values()} == {profile.value for profile in PLAIN}


@pytest.mark.parametrize("profile", PLAIN, ids=str)
def test_a_server_with_another_host_key_is_not_talked_to(  # noqa: PLR0917 - fixtures
    desk: Desk, exports: ExportDesk, forge: Forge, program: Path, name: str, tmp_path: Path, profile: str
) -> None:
    another = known_hosts_of_another(forge, tmp_path)
    export(desk, exports, forge, name, wish(profile), another)
    mounted = mounted_copy(desk, name, tmp_path, another)
    before = forge.sshd.accepted()

    fetched = fetch(program, profile, mounted, forge.url)

    assert fetched.stdout == ""
    assert "knownhosts: key mismatch" in fetched.stderr
    assert forge.sshd.accepted() == before


def test_flux_needs_the_passphrase_that_lies_beside_the_key(
    desk: Desk, exports: ExportDesk, forge: Forge, program: Path, name: str, tmp_path: Path
) -> None:
    export(desk, exports, forge, name, wish("Flux", WITH_PASSPHRASE), forge.sshd.known_hosts)
    mounted = mounted_copy(desk, name, tmp_path, forge.sshd.known_hosts)
    (mounted / "password").unlink()

    fetched = fetch(program, "Flux", mounted, forge.url)

    assert fetched.stdout == ""
    assert "empty password" in fetched.stderr


def test_argo_cd_finds_the_repository_by_its_label(desk: Desk, exports: ExportDesk, forge: Forge, name: str) -> None:
    export(desk, exports, forge, name, wish(ARGO_CD), forge.sshd.known_hosts)
    labels = (desk.secret(f"{name}-copy") or {})["metadata"]["labels"]
    assert labels["argocd.argoproj.io/secret-type"] == "repository"


def export(desk: Desk, exports: ExportDesk, forge: Forge, name: str, asked: Wish, known_hosts: str) -> Object:
    """Make a key that the server lets in, and a copy of it; return the credential's status."""
    desk.create(name, generated(**asked.key))
    status: Object = desk.until(name, "Available")["status"]
    forge.sshd.let_in(status["publicKey"])
    needed: Object = {"url": forge.url} if asked.profile == ARGO_CD else {"knownHosts": {"inline": known_hosts}}
    exports.create(name, exported(name, f"{name}-copy", asked.profile, **needed, **asked.members))
    exports.until(name, "Exported")
    return status


def mounted_copy(desk: Desk, name: str, folder: Path, known_hosts: str) -> Path:
    """Return the folder with the copy's values; beside it is what Argo CD has in a ConfigMap."""
    (folder / "ssh_known_hosts").write_text(f"{known_hosts}\n")
    return mount(data_of(desk.secret(f"{name}-copy") or {}), folder)


def known_hosts_of_another(forge: Forge, folder: Path) -> str:
    """Return known_hosts in which the server has a key of the same type that it does not hold."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "another"], check=True)
    place = forge.sshd.known_hosts.split()[0]
    return " ".join([place, *(folder / "another.pub").read_text().split()[:2]])

"""`sshcred reseal` on the real API server, with the real operator: Git moves to a newer sealing key, the keys stay."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from kubernetes import client, config

from cluster.conftest import StartOperator
from cluster.desk import Desk
from cluster.encodings import Search
from cluster.export_desk import ExportDesk
from cluster.hiding_places import audited, objects, revisions
from cluster.installation import installation
from cluster.keyfiles import KeyFile, KeyFiles
from cluster.needles import ANYWHERE, NOWHERE, of_file, of_numbers, of_words
from cluster.opened import open_stored, root_of, sealing_key_of
from cluster.rights import Right, grant_cluster, grant_operator_namespace, grant_role, grant_workspace, wait_for_right
from cluster.shown import Object, data_of, generated
from controlplane.clusters import Cluster
from controlplane.fixtures import OwnControlPlane
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until
from operators.process import OperatorProcess
from sshcredential_operator.api.names import GROUP
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.root_key import RootSource
from sshcredential_operator.encryption.sealing import open_value, seal_of
from sshcredential_operator.encryption.sealing_key import (
    SEALING_KEY_DATA_KEY,
    SEALING_KEY_SECRET_TYPE,
    new_sealing_key,
    sealing_key_secret_name,
    wrap_sealing_key,
)
from sshcredential_operator.encryption.sealing_keys import (
    SEALING_KEYS_CONFIG_MAP,
    SEALING_KEYS_DATA_KEY,
    SealingKey,
    SealingKeys,
    from_jwks,
    to_jwks,
)
from sshcredential_operator.keys.judge import Accepted, judge
from unit.cli.command import Said, sshcred
from unit.keys.key_files import private_file, run

WORDS: Final = "a passphrase that is long enough to be looked for"
QUICK: Final = ("--sealing-key-period", "1m")
"""Makes the operator look for newer keys every six seconds."""
AHEAD: Final = timedelta(hours=20)
"""A key of a clock that is ahead stays the newest for so long."""
COMMENT: Final = "# Ours, and kept as it is\n"


LISTENING = [
    sys.executable,
    "-c",
    (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        " from sshcredential_operator.cli.sshcred import run; run()"
    ),
]
"""The command as it listens to Ctrl-C; what a shell starts in the background ignores it, and so do its children."""


class Lab:
    """An operator of its own with a workspace, and a person with files."""

    def __init__(self, folder: Path, cluster: Cluster, connection: client.ApiClient, namespace: str, own: str) -> None:
        self.folder, self.namespace, self._cluster = folder, namespace, cluster
        self.desk, self.own = Desk(cluster, connection, namespace), Desk(cluster, connection, own)
        self.exports, self._core = ExportDesk(connection, namespace), client.CoreV1Api(connection)

    def run(self, *arguments: str, user: str = "admin", folder: Path | None = None) -> Said:
        own = () if arguments[0] == "export" else ("--operator-namespace", self.own.namespace)
        where = (*own, "--kubeconfig", self._cluster.kubeconfig_for(user))
        return sshcred(folder or self.folder, *arguments, *where)

    def published(self) -> SealingKeys:
        """Return the published keys; none where there are none yet."""
        found = self._core.list_namespaced_config_map(self.own.namespace).items
        data = [one.data or {} for one in found if one.metadata and one.metadata.name == SEALING_KEYS_CONFIG_MAP]
        return from_jwks("".join(one[SEALING_KEYS_DATA_KEY] for one in data).encode()) or SealingKeys()

    def newest(self) -> SealingKey:
        newest = self.published().newest
        assert newest
        return newest

    def make_newer_key(self) -> SealingKey:
        """Put another sealing key there, as another replica would; return when it is published."""
        slot = self.newest().slot + 1
        key = new_sealing_key(slot, datetime.now(UTC) + AHEAD)
        document = wrap_sealing_key(key, root_of(self.own), RootSource.SECRET)
        data = {SEALING_KEY_DATA_KEY: document.to_bytes()}
        self.own.make_secret(sealing_key_secret_name(slot), data, kind=SEALING_KEY_SECRET_TYPE)
        wait_until(lambda: self.newest().kid == key.kid, "the newer key is published")
        return self.newest()

    def manifest(self, folder: Path, name: str, key: KeyFile, *options: str, passphrase: str = "") -> Path:
        """Return a file with a manifest that is sealed to the first key."""
        private_file(folder / "key", key.content)
        given = ["--private-key", "key", *options]
        if passphrase:
            private_file(folder / "passphrase", passphrase.encode())
            given += ["--passphrase-file", "passphrase"]
        old = self.folder / "old.json"
        said = self.run(
            "create", name, *given, "--dry-run", "--sealing-key", str(old), "-n", self.namespace, folder=folder
        )
        assert said.code == 0, said.error
        file = folder / "repository" / f"{name}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(COMMENT + "\n".join(said.lines) + "\n")
        return file

    def apply(self, file: Path) -> Object:
        """`kubectl apply`, and wait until the credential is ready."""
        self._cluster.kubectl("apply", "-f", str(file))
        return self.desk.until(file.stem, "Available")

    def replace(self, text: str) -> None:
        self._cluster.kubectl("replace", "-f", "-", input=text)

    def opened(self, values: dict[str, str], slot: int) -> tuple[str, bytes | None]:
        """Return the fingerprint and the passphrase of the key in sealed values."""
        half = sealing_key_of(slot, self.own)
        found = {field: open_value(text, half) for field, text in values.items()}
        passphrase = found.get("passphrase")
        verdict = judge(found["privateKey"] or Sensitive(b""), passphrase)
        assert isinstance(verdict, Accepted)
        return verdict.pair.public.fingerprint, passphrase.reveal() if passphrase else None


@pytest.fixture(scope="module")
def lab(cluster: Cluster, namespaces: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """What is sealed with `old.json` is sealed to a key that is no longer the newest."""
    folder = tmp_path_factory.mktemp("reseal")
    with ExitStack() as until_the_end:
        prepared, desk, own = until_the_end.enter_context(installation(cluster, namespaces, folder))
        connection = until_the_end.enter_context(config.new_client_from_config(str(cluster.kubeconfig_for("admin"))))
        lab = Lab(folder, cluster, connection, desk.namespace, own.namespace)
        prepared.start(*QUICK)
        wait_until(lambda: lab.published().newest, "the sealing keys are published")
        (folder / "old.json").write_text(to_jwks(lab.published()))
        lab.make_newer_key()
        yield lab


def sealed_in(file: Path) -> dict[str, str]:
    values: dict[str, str] = yaml.safe_load(file.read_text())["spec"]["sealed"]
    return values


def kids(file: Path) -> set[str]:
    return {seal.kid for seal in map(seal_of, sealed_in(file).values()) if seal}


def has_note(found: Object) -> bool:
    return "ResealRecommended" in found["status"].get("notes", [])


def test_a_repository_moves_to_the_newest_key_and_applying_it_changes_no_key(
    lab: Lab, key_files: KeyFiles, tmp_path: Path
) -> None:
    protected = key_files.key(passphrase=WORDS)
    keys = {"moves-plain": key_files.key(), "moves-protected": protected, "moves-shared": key_files.key("SEC1")}
    files = [
        lab.manifest(tmp_path, "moves-plain", keys["moves-plain"]),
        lab.manifest(tmp_path, "moves-protected", protected, passphrase=WORDS),
        lab.manifest(tmp_path, "moves-shared", keys["moves-shared"], "--scope", "namespace"),
    ]
    for file in files:
        lab.apply(file)
        lab.desk.until_object(file.stem, has_note, "told of the newer key")
    before = {file.stem: sealed_in(file) for file in files}
    stored = {file.stem: data_of(lab.desk.stored(file.stem)) for file in files}
    newest = lab.newest()

    said = lab.run("reseal", "repository", folder=tmp_path)

    assert said.code == 0, said.error
    assert said.lines == [f"repository/{file.name}:2: {file.stem} is sealed to the newest key" for file in files]
    for file in files:
        for field, text in sealed_in(file).items():
            old = seal_of(before[file.stem][field])
            assert old
            assert seal_of(text) == old._replace(kid=newest.kid)
        assert sealed_in(file).keys() == before[file.stem].keys()
        assert file.read_text().startswith(COMMENT)
        words = WORDS.encode() if file.stem == "moves-protected" else None
        assert lab.opened(sealed_in(file), newest.slot) == (keys[file.stem].fingerprint, words)
    assert lab.exports.names() == []

    again = lab.run("reseal", "repository", folder=tmp_path)
    assert (again.code, again.lines) == (0, [])
    assert again.error.count("is sealed to the newest key already") == 3

    for file in files:
        lab.apply(file)
        found = lab.desk.until_object(file.stem, lambda one: not has_note(one), "no longer told of a newer key")
        assert (found["status"]["keyNumber"], found["status"]["fingerprint"]) == (1, keys[file.stem].fingerprint)
        data = data_of(lab.desk.stored(file.stem))
        assert data["privateKey.1"] == stored[file.stem]["privateKey.1"]
    wait_until(lambda: not lab.exports.copies(), "no copy is left")


def test_a_dry_run_prints_what_git_applies_and_changes_nothing(lab: Lab, key_files: KeyFiles, tmp_path: Path) -> None:
    file = lab.manifest(tmp_path, "dry", key_files.key())
    lab.apply(file)
    before = file.read_bytes()
    said = lab.run("reseal", "repository", "--dry-run", folder=tmp_path)

    assert said.code == 0, said.error
    assert file.read_bytes() == before
    assert lab.exports.names() == []
    shown = "\n".join(said.lines) + "\n"
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=shown.encode(), check=True)
    assert kids(file) == {lab.newest().kid}


def stay(lab: Lab, file: Path, folder: Path, told: str, *options: str, user: str = "admin") -> Said:
    before = file.read_bytes()
    said = lab.run("reseal", "repository", *options, folder=folder, user=user)

    assert (said.code, said.lines) == (1, [])
    assert f"Error: repository/{file.name}:2: {file.stem} stays as it is: " in said.error
    assert told in said.error
    assert file.read_bytes() == before
    assert [name for name in lab.exports.names() if name.startswith(f"{file.stem}-reseal")] == []
    return said


def test_a_manifest_of_another_key_is_refused(lab: Lab, key_files: KeyFiles, tmp_path: Path) -> None:
    applied, wanted = key_files.key(), key_files.key("SEC1")
    lab.apply(lab.manifest(tmp_path, "differs", applied))
    file = lab.manifest(tmp_path, "differs", wanted)

    told = f"the manifest holds {wanted.fingerprint}, and the cluster has {applied.fingerprint}: apply the manifest"
    stay(lab, file, tmp_path, told)


def test_a_manifest_that_was_never_applied_is_refused(lab: Lab, key_files: KeyFiles, tmp_path: Path) -> None:
    file = lab.manifest(tmp_path, "absent", key_files.key())

    stay(
        lab, file, tmp_path, f"there is no SSHCredential absent in namespace {lab.namespace}: apply the manifest first"
    )


def test_nobody_widens_a_scope_by_a_manifest(lab: Lab, key_files: KeyFiles, tmp_path: Path) -> None:
    key = key_files.key()
    lab.apply(lab.manifest(tmp_path, "narrow", key))
    file = lab.manifest(tmp_path, "narrow", key, "--scope", "namespace")

    stay(lab, file, tmp_path, "the scope is that of spec.sealed in the cluster, so apply the manifest first")


def test_who_may_not_export_is_told_so(cluster: Cluster, lab: Lab, key_files: KeyFiles, tmp_path: Path) -> None:
    file = lab.manifest(tmp_path, "not-for-bob", key_files.key())
    lab.apply(file)
    reads = Right("get", "configmaps", namespace=lab.own.namespace)
    grant_role(cluster, lab.namespace, "bob", "sshcredential-editor", Right("create", "sshcredentialexports", GROUP))
    grant_role(cluster, lab.own.namespace, "bob", "sshcredential-sealing-keys-reader", in_config_maps(reads))

    stay(lab, file, tmp_path, "bob may not export SSHCredential not-for-bob", user="bob")

    grant_role(cluster, lab.namespace, "bob", "sshcredential-exporter", Right("export", "sshcredentials", GROUP))
    wait_for_right(cluster, "bob", Right("get", "secrets", namespace=lab.namespace), allowed=False)
    stay(lab, file, tmp_path, 'User "bob" cannot get resource "secrets"', user="bob")


def in_config_maps(right: Right) -> Right:
    return right._replace(name="sshcredential-sealing-keys")


def suspended(lab: Lab, key_files: KeyFiles, folder: Path, name: str) -> Path:
    """Of a suspended credential no copy is made: whoever asks for one waits."""
    file = lab.manifest(folder, name, key_files.key())
    lab.apply(file)
    lab.desk.edit(name, {"suspend": True})
    lab.desk.until(name, "Suspended")
    return file


def test_when_the_time_is_over_the_reason_is_told(lab: Lab, key_files: KeyFiles, tmp_path: Path) -> None:
    file = suspended(lab, key_files, tmp_path, "waits")

    stay(lab, file, tmp_path, "while spec.suspend of SSHCredential waits is true", "--timeout", "3s")


def test_an_interrupt_leaves_no_export(cluster: Cluster, lab: Lab, key_files: KeyFiles, tmp_path: Path) -> None:
    file = suspended(lab, key_files, tmp_path, "interrupted")
    before = file.read_bytes()
    where = ["--operator-namespace", lab.own.namespace, "--kubeconfig", str(cluster.kubeconfig_for("admin"))]
    asking = subprocess.Popen([*LISTENING, "reseal", str(file), *where], env=dict(os.environ), cwd=tmp_path)
    try:
        wait_until(lambda: "interrupted" in " ".join(lab.exports.names()), "the export is made")
        asking.send_signal(signal.SIGINT)
        assert asking.wait(30) == 1
    finally:
        asking.kill()

    assert "interrupted" not in " ".join(lab.exports.names())
    assert file.read_bytes() == before


def test_a_generated_key_becomes_a_manifest_for_git_and_stays_the_same(lab: Lab) -> None:
    spec = generated(passphrase="Generate") | {"description": "for the uploads", "rotation": {"every": "2160h"}}
    lab.desk.create("to-git", spec)
    before = lab.desk.until("to-git", "Available")
    said = lab.run("reseal", "--from-cluster", "to-git", "-n", lab.namespace)
    manifest: dict[str, Any] = yaml.safe_load("\n".join(said.lines))

    assert said.code == 0, said.error
    assert "kubectl replace -f FILE" in said.error
    assert manifest["metadata"] == {"name": "to-git", "namespace": lab.namespace}
    assert manifest["spec"]["description"] == "for the uploads"
    assert {"generate", "every"} & {*manifest["spec"], *manifest["spec"]["rotation"]} == set()
    stored = open_stored(lab.desk, "to-git", lab.own)
    opened = lab.opened(manifest["spec"]["sealed"], lab.newest().slot)
    assert opened == (before["status"]["fingerprint"], stored.passphrase)

    lab.replace("\n".join(said.lines))
    after = lab.desk.until("to-git", "Available")
    assert after["spec"].keys() >= {"sealed"}
    for member in ("fingerprint", "keyNumber", "passphraseProtected"):
        assert after["status"][member] == before["status"][member]


def test_an_export_for_the_operator_itself_follows_its_newest_key_and_is_no_plain_copy(lab: Lab) -> None:
    lab.desk.create("stands", generated())
    lab.desk.until("stands", "Available")
    said = lab.run("export", "stands", "--profile", "Sealed", "-n", lab.namespace)
    assert said.code == 0, said.error

    def kid() -> str:
        seal = seal_of(data_of(lab.desk.secret("stands-sealed") or {})["privateKey"].decode())
        return seal.kid if seal else ""

    assert kid() == lab.newest().kid
    newer = lab.make_newer_key()
    wait_until(lambda: kid() == newer.kid, "the copy is sealed to the newer key")
    shown = lab.desk.until_object("stands", lambda one: bool(one["status"].get("usedBy")), "in use")
    assert shown["status"]["exposure"] == "Encrypted"
    lab.exports.delete("stands-sealed")


def test_nothing_of_the_plaintext_is_seen_anywhere(
    own_control_plane: OwnControlPlane, tmp_path: Path, start_operator: StartOperator
) -> None:
    plane = own_control_plane(with_api=True, audit_level="RequestResponse")
    own, workspace = "sshcredential-system", "genomics"
    for namespace in (own, workspace):
        plane.kubectl("create", "namespace", namespace)
    grant_operator_namespace(plane, own, "operator")
    grant_workspace(plane, workspace, "operator")
    grant_cluster(plane, "operator")
    operator = start_operator(operator_namespace=own, workspaces=[workspace], on=plane, options=QUICK)
    with ExitStack() as until_the_end:
        connection = until_the_end.enter_context(config.new_client_from_config(str(plane.kubeconfig_for("admin"))))
        outputs = moved(Lab(tmp_path, plane, connection, workspace, own), operator)
    key, public = (tmp_path / "plain").read_bytes(), (tmp_path / "plain.pub").read_text()
    needles = of_file("the file without passphrase", key, NOWHERE, public=public)
    needles |= of_numbers("the key", key, NOWHERE) | of_words("the passphrase", WORDS, NOWHERE)
    canary = of_words("what it is for", "a description that is no secret", ANYWHERE)

    search = Search(needles | canary)
    seen = [place.content for place in [*audited(plane), *objects(plane), *revisions(plane)]]
    found = {hit.needle for content in [*seen, *outputs] for hit in search.hits(content)}
    assert found == set(canary)
    assert {hit.needle for hit in search.hits(key + WORDS.encode())} >= {
        needle for needle in needles if not needle.what.startswith("the key: ")
    }


def moved(lab: Lab, operator: OperatorProcess) -> list[bytes]:
    """Create a credential, and move its manifest to a newer key; return what was said, logged and written."""
    folder = lab.folder
    run("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-C", "", "-f", folder / "plain")
    private_file(folder / "mine", (folder / "plain").read_bytes())
    run("ssh-keygen", "-q", "-p", "-P", "", "-N", WORDS, "-f", folder / "mine")
    private_file(folder / "words", WORDS.encode())
    wait_until(lambda: lab.published().newest, "the sealing keys are published")
    given = ["--private-key", "mine", "--passphrase-file", "words", "-n", lab.namespace]
    made = lab.run("create", "hpc-login", *given, "--dry-run", "--description", "a description that is no secret")
    assert made.code == 0, made.error
    file = folder / "hpc-login.yaml"
    file.write_text("\n".join(made.lines))
    lab.apply(file)
    newest = lab.make_newer_key()
    said = lab.run("reseal", "hpc-login.yaml")
    assert said.code == 0, said.error
    assert kids(file) == {newest.kid}
    lab.apply(file)
    lab.desk.until_object("hpc-login", lambda one: not has_note(one), "no longer told of a newer key")
    wait_until(lambda: not lab.exports.copies(), "no copy is left")
    words = "\n".join([*said.lines, said.error, made.error])
    return [words.encode(), file.read_bytes(), operator.log.read_bytes(), operator.get("/metrics")[1].encode()]

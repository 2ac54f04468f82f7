"""Plain copies on the real API server: each consumer's Secret, and how it follows its credential and its export."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key
from jwcrypto import jwe, jwk  # type: ignore[import-untyped]  # it ships no types

from cluster.conftest import Workspace
from cluster.desk import Desk
from cluster.export_desk import ExportDesk, exported
from cluster.shown import Object, answered, data_of, generated, message_of, reason_of, states_of
from controlplane.waiting import wait_until
from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.keys.generate import generate

HOST = f"git.example.org {generate(Algorithm.ED25519, 256, '').public.line}"
HOSTS = {"knownHosts": {"inline": HOST}}
URL = "ssh://git@git.example.org/team/repo.git"


def copy_of(desk: Desk, secret: str) -> Object:
    found = desk.secret(secret)
    assert found is not None, f"there is no Secret {secret}"
    return found


@pytest.fixture(scope="module", autouse=True)
def _begin(expiring: str) -> None:
    """Its minute passes while these tests run: see test_operator_expired.py."""


def credential(desk: Desk, name: str, **members: object) -> Object:
    desk.create(name, generated(**members))
    return desk.until(name, "Available")


def fingerprint_of(private: bytes, folder: Path) -> str:
    """Ask ssh-keygen, which reads a file as ssh does."""
    file = folder / "identity"
    file.write_bytes(private)
    file.chmod(0o600)
    public = subprocess.run(["ssh-keygen", "-y", "-P", "", "-f", file], capture_output=True, check=True, text=True)
    told = subprocess.run(
        ["ssh-keygen", "-l", "-f", "-"], input=public.stdout, capture_output=True, check=True, text=True
    )
    return told.stdout.split()[1]


@pytest.mark.parametrize(
    ("profile", "more", "form", "private"),
    [
        pytest.param(
            "SSHAuth",
            HOSTS,
            ("kubernetes.io/ssh-auth", {"ssh-privatekey", "ssh-publickey", "known_hosts"}),
            "ssh-privatekey",
            id="Kubernetes",
        ),
        pytest.param("Flux", HOSTS, ("Opaque", {"identity", "identity.pub", "known_hosts"}), "identity", id="Flux"),
        pytest.param(
            "ArgoCDRepository",
            {"url": URL},
            ("Opaque", {"type", "url", "sshPrivateKey"}),
            "sshPrivateKey",
            id="Argo CD",
        ),
        pytest.param("GitSync", HOSTS, ("Opaque", {"ssh", "known_hosts"}), "ssh", id="git-sync"),
    ],
)
def test_a_consumer_finds_the_key_in_its_own_form(  # noqa: PLR0917 - fixtures and a table
    desk: Desk,
    exports: ExportDesk,
    name: str,
    tmp_path: Path,
    profile: str,
    more: Object,
    form: tuple[str, set[str]],
    private: str,
) -> None:
    fingerprint = credential(desk, name)["status"]["fingerprint"]

    exports.create(name, exported(name, f"{name}-copy", profile, **more))

    status = exports.until(name, "Exported")["status"]
    assert (status["secretName"], status["keyNumber"], status["fingerprint"]) == (f"{name}-copy", 1, fingerprint)
    assert status["admission"]["admitted"] is True
    secret = copy_of(desk, f"{name}-copy")
    assert (secret["type"], set(data_of(secret))) == form
    assert fingerprint_of(data_of(secret)[private], tmp_path) == fingerprint
    labels = secret["metadata"]["labels"]
    assert (labels.get("argocd.argoproj.io/secret-type") == "repository") is (profile == "ArgoCDRepository")


def test_the_credential_shows_who_has_it_and_the_end_of_the_export_ends_both(
    desk: Desk, exports: ExportDesk, name: str
) -> None:
    credential(desk, name)
    exports.create(name, exported(name, f"{name}-copy"))
    exports.until(name, "Exported")

    shown = desk.until_object(name, lambda found: found["status"]["exposure"] == "Exported", "exported")
    assert shown["status"]["usedBy"] == [{"kind": "SSHCredentialExport", "name": name}]
    assert desk.until_event(name, "Exported").note.endswith("in plain.")

    exports.delete(name)

    wait_until(lambda: desk.secret(f"{name}-copy") is None, "the copy is gone")
    hidden = desk.until_object(name, lambda found: found["status"]["exposure"] == "Encrypted", "encrypted")
    assert "usedBy" not in hidden["status"]
    assert desk.until_event(name, "Withdrawn").note == f"Secret {name}-copy was deleted: its export was deleted."


def test_it_follows_rotation_and_rollback(desk: Desk, exports: ExportDesk, name: str, tmp_path: Path) -> None:
    first = credential(desk, name)["status"]["fingerprint"]
    exports.create(name, exported(name, f"{name}-copy"))
    exports.until(name, "Exported")

    desk.edit(name, {"rotation": {"serial": 1, "overlap": "1h"}})
    second = exports.until_object(name, lambda found: found["status"].get("fingerprint") != first, "the second key")
    assert (
        fingerprint_of(data_of(copy_of(desk, f"{name}-copy"))["ssh-privatekey"], tmp_path)
        == (second["status"]["fingerprint"])
    )
    assert second["status"]["keyNumber"] == 2

    desk.edit(name, {"rotation": {"rollbackTo": first}})
    exports.until_object(name, lambda found: found["status"].get("fingerprint") == first, "the first key again")
    assert fingerprint_of(data_of(copy_of(desk, f"{name}-copy"))["ssh-privatekey"], tmp_path) == first


def test_another_wish_makes_another_copy(desk: Desk, exports: ExportDesk, name: str) -> None:
    credential(desk, name)
    exports.create(name, exported(name, f"{name}-copy", "ArgoCDRepository", url=URL))
    exports.until(name, "Exported")
    before = copy_of(desk, f"{name}-copy")

    exports.edit(name, {"profile": "Flux", **HOSTS})

    assert exports.until(name, "Exported")["status"]["notes"] == ["UrlIgnored"]
    after = copy_of(desk, f"{name}-copy")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert data_of(after).keys() == {"identity", "identity.pub", "known_hosts"}
    assert "argocd.argoproj.io/secret-type" not in after["metadata"]["labels"]

    exports.edit(name, {"profile": "SSHAuth"})
    wait_until(lambda: (desk.secret(f"{name}-copy") or {}).get("type") == "kubernetes.io/ssh-auth", "another type")
    exports.until(name, "Exported")


def test_the_old_copy_goes_when_another_secret_or_credential_is_asked_for(
    desk: Desk, exports: ExportDesk, name: str
) -> None:
    credential(desk, name)
    other = credential(desk, f"{name}-other")["status"]["fingerprint"]
    exports.create(name, exported(name, f"{name}-a"))
    exports.until(name, "Exported")

    exports.edit(name, {"secretName": f"{name}-b"})
    assert exports.until(name, "Exported")["status"]["secretName"] == f"{name}-b"
    assert desk.secret(f"{name}-a") is None

    exports.edit(name, {"credentialRef": {"name": f"{name}-other"}})
    assert exports.until(name, "Exported")["status"]["fingerprint"] == other
    desk.until_object(name, lambda found: found["status"]["exposure"] == "Encrypted", "encrypted")


def test_a_suspended_credential_changes_nothing(desk: Desk, exports: ExportDesk, name: str) -> None:
    credential(desk, name)
    exports.create(name, exported(name, f"{name}-copy"))
    exports.until(name, "Exported")
    desk.edit(name, {"suspend": True})
    exports.until_object(name, lambda found: reason_of(found) == "Suspended", "suspended")
    before = copy_of(desk, f"{name}-copy")

    held = exports.edit(name, {"knownHosts": {"inline": HOST}})

    held = exports.until_object(name, lambda found: reason_of(found) == "Suspended", "suspended")
    assert states_of(held) == {"Ready": "True"}
    assert not answered(held)
    assert copy_of(desk, f"{name}-copy") == before

    desk.edit(name, {"suspend": False})
    exports.until(name, "Exported")
    assert "known_hosts" in data_of(copy_of(desk, f"{name}-copy"))


def test_the_copy_goes_with_its_credential(desk: Desk, exports: ExportDesk, name: str) -> None:
    credential(desk, name)
    exports.create(name, exported(name, f"{name}-copy"))
    exports.until(name, "Exported")
    desk.annotate(name, {"sshcredentials.dev/delete-while-in-use": "true"})

    desk.delete(name)

    gone = exports.until(name, "CredentialMissing")
    assert desk.secret(f"{name}-copy") is None
    assert "secretName" not in gone["status"]
    assert states_of(gone) == {"Ready": "False", "Reconciling": "True"}

    desk.create(name, generated())
    exports.until(name, "Exported")


def test_a_key_in_doubt_is_not_copied_and_a_copy_stays(desk: Desk, exports: ExportDesk, name: str) -> None:
    credential(desk, name)
    exports.create(name, exported(name, f"{name}-copy"))
    exports.until(name, "Exported")
    before = copy_of(desk, f"{name}-copy")

    desk.change_secret(f"{name}-sshcredential", data={"record": b"{}"})

    exports.until(name, "CredentialNotReady")
    assert copy_of(desk, f"{name}-copy") == before


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"data": {"ssh-privatekey": b"mine"}}, id="another key"),
        pytest.param({"data": {"ssh-publickey": None}}, id="a value less"),
        pytest.param({"data": {"more": b"x"}}, id="a value more"),
        pytest.param({"labels": {"sshcredentials.dev/export": None}}, id="no label"),
        pytest.param({"labels": {"argocd.argoproj.io/secret-type": "repository"}}, id="a consumer's label"),
    ],
)
def test_a_copy_that_somebody_changed_is_written_anew(
    desk: Desk, exports: ExportDesk, name: str, change: dict[str, dict]
) -> None:
    credential(desk, name)
    exports.create(name, exported(name, f"{name}-copy"))
    exports.until(name, "Exported")
    before = copy_of(desk, f"{name}-copy")

    desk.change_secret(f"{name}-copy", **change)

    wait_until(lambda: copy_of(desk, f"{name}-copy")["data"] == before["data"], "the copy is as it was")
    wait_until(
        lambda: copy_of(desk, f"{name}-copy")["metadata"]["labels"] == before["metadata"]["labels"], "so are its labels"
    )
    assert desk.until_event(name, "Repaired").type == "Warning"


def test_a_copy_that_somebody_deleted_is_made_again(desk: Desk, exports: ExportDesk, name: str) -> None:
    credential(desk, name)
    exports.create(name, exported(name, f"{name}-copy"))
    exports.until(name, "Exported")

    desk.delete_secret(f"{name}-copy")

    wait_until(lambda: desk.secret(f"{name}-copy"), "there is a copy again")
    desk.until_event(name, "Repaired")


def test_a_secret_without_our_proof_is_never_touched(desk: Desk, exports: ExportDesk, name: str) -> None:
    credential(desk, name)
    exports.create(name, exported(name, f"{name}-copy"))
    exports.until(name, "Exported")
    ours = copy_of(desk, f"{name}-copy")["metadata"]
    marks = {"labels": ours["labels"], "annotations": ours["annotations"]}
    # Another one's Secret with the very marks of ours: a proof holds for one place only.
    desk.make_secret(f"{name}-b", {"a": b"b"})
    desk.change_secret(f"{name}-b", **marks)
    foreign = copy_of(desk, f"{name}-b")

    exports.create(f"{name}-b", exported(name, f"{name}-b"))

    stopped = exports.until(f"{name}-b", "SecretConflict")
    assert states_of(stopped) == {"Ready": "False", "Stalled": "True"}
    exports.delete(f"{name}-b")
    exports.delete(name)
    wait_until(lambda: desk.secret(f"{name}-copy") is None, "the copy is gone")
    assert copy_of(desk, f"{name}-b") == foreign
    desk.delete_secret(f"{name}-b")


def test_of_two_exports_on_one_secret_the_older_has_it(desk: Desk, exports: ExportDesk, name: str) -> None:
    credential(desk, name)
    first = exports.create(f"{name}-1", exported(name, f"{name}-copy"))
    exports.until(f"{name}-1", "Exported")

    def is_younger() -> bool:
        """Creations are told in whole seconds."""
        second = exports.create(f"{name}-2", exported(name, f"{name}-copy"))
        if second["metadata"]["creationTimestamp"] > first["metadata"]["creationTimestamp"]:
            return True
        exports.delete(f"{name}-2")
        return False

    wait_until(is_younger, "the second is younger")

    assert f"older export, {name}-1" in message_of(exports.until(f"{name}-2", "ExportConflict"))

    exports.delete(f"{name}-1")
    exports.until(f"{name}-2", "Exported")


def test_known_hosts_come_from_a_config_map(desk: Desk, exports: ExportDesk, name: str) -> None:
    credential(desk, name)
    given = {"knownHosts": {"configMapName": name, "key": "hosts"}}
    exports.create(name, exported(name, f"{name}-copy", "GitSync", **given))
    exports.until(name, "KnownHostsConfigMapMissing")

    exports.write_config_map(name, {"hosts": f"{HOST}\nnonsense"})
    exports.edit(name, {"username": "git"})  # looked at again at once
    assert message_of(exports.until(name, "KnownHostsInvalid")).startswith("Line 2 of the known hosts")

    exports.write_config_map(name, {"hosts": HOST})
    exports.edit(name, {"username": "me"})
    exports.until(name, "Exported")
    assert data_of(copy_of(desk, f"{name}-copy"))["known_hosts"].decode() == f"{HOST}\n"


def test_what_does_not_fit_is_said(desk: Desk, exports: ExportDesk, name: str) -> None:
    credential(desk, name, passphrase="Generate")
    exports.create(name, exported(name, f"{name}-copy", "GitSync", **HOSTS))
    exports.until(name, "PassphraseNotTaken")

    exports.edit(name, {"passphrase": "Strip", "privateKeyFormat": "PEM"})
    exports.until(name, "NoSuchFormat")
    assert desk.secret(f"{name}-copy") is None

    exports.edit(name, {"privateKeyFormat": "OpenSSH"})
    exports.until(name, "Exported")


def test_a_copy_for_a_recipient_is_opened_by_another_library(desk: Desk, exports: ExportDesk, name: str) -> None:
    recipient = jwk.JWK.generate(kty="OKP", crv="X25519")
    made = credential(desk, name, passphrase="Generate")["status"]
    public = recipient.export_public(as_dict=True)
    wanted = {"kty": "OKP", "crv": "X25519", "x": public["x"]}

    exports.create(
        name,
        {"credentialRef": {"name": name}, "secretName": f"{name}-copy", "recipient": {"publicKey": wanted}},
    )

    exports.until(name, "Exported")
    values = data_of(copy_of(desk, f"{name}-copy"))
    assert values.keys() == {"privateKey.jwe", "passphrase.jwe"}
    opened = {}
    for value, text in values.items():
        token = jwe.JWE()
        token.deserialize(text.decode(), recipient)
        opened[value] = token.payload
        assert json.loads(token.objects["protected"])["name"] == name
    key = load_ssh_private_key(opened["privateKey.jwe"], opened["passphrase.jwe"]).public_key()
    written = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    assert made["publicKey"].startswith(written)
    shown = desk.until_object(name, lambda found: "usedBy" in found["status"], "used")
    assert shown["status"]["exposure"] == "Encrypted"


def test_it_is_counted(workspace: Workspace, desk: Desk, exports: ExportDesk, name: str) -> None:
    before = workspace.operator.metric("sshcredential_operator_plain_copies")
    credential(desk, name)
    exports.create(name, exported(name, f"{name}-copy"))
    exports.until(name, "Exported")

    assert workspace.operator.metric("sshcredential_operator_plain_copies") == before + 1
    assert workspace.operator.metric("sshcredential_operator_exports") >= len(exports.names())

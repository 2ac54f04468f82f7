"""The root key in a KMS, as the chart installs it: the image with gRPC, and a KMS v2 plugin beside the operator."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from chart.rendering import NAMESPACE
from cluster.shown import generated
from controlplane.fixtures import spoken
from controlplane.waiting import wait_until
from node.images import of_one_program
from node.installation import WORKSPACES, Installation
from node.operator_image import operator_image
from operators.kms_plugin import PROGRAM
from sshcredential_operator.cli.backup_files import opened
from sshcredential_operator.encryption.kek import KEK_DATA_KEY, KEK_SECRET_TYPE
from sshcredential_operator.encryption.root_key import ROOT_SECRET_NAME

PLUGIN: Final = "localhost/kmsplugin:test"
SOCKET: Final = "/run/sshcredential-kms/kms.sock"
OPERATOR: Final = ("deploy/sshcredential-operator", "--container", "operator")


def values(installation: Installation) -> dict[str, Any]:
    """Return the values of an installation with the plugin. Its folder holds the same seed in each pod."""
    seed = [{"name": "kms-seed", "mountPath": f"/kms/{name}", "subPath": name} for name in ("seed", "control.json")]
    mounts = [{"name": "kms-folder", "mountPath": "/kms"}, *seed]
    volumes = [
        {"name": "kms-folder", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        {"name": "kms-seed", "secret": {"secretName": "kms-seed"}},
    ]
    repository, _, tag = installation.image.name.rpartition(":")
    return {
        "image": {"repository": repository, "tag": f"{tag}-kms"},
        "keyRing": {"rootSource": "kms", "kms": {"plugin": {"image": PLUGIN, "volumeMounts": mounts}}},
        "extraVolumes": volumes,
    }


@pytest.fixture
def with_kms(installation: Installation, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    with spoken(request.config):
        image = operator_image(kms=True)
        installation.node.load_image(image.archive)
        installation.node.load_image(of_one_program(PLUGIN, PROGRAM.built(), SOCKET, "/kms"))
    installation.remove()
    installation.prepare()
    for name, content in {"seed": secrets.token_bytes(32), "control.json": b'{"key": "key-1"}'}.items():
        (tmp_path / name).write_bytes(content)
    files = (f"--from-file={tmp_path / name}" for name in ("seed", "control.json"))
    installation.kubectl("create", "secret", "generic", "kms-seed", *files)
    installation.install(**values(installation))
    installation.until_ready()
    yield installation
    installation.remove()


def keks(installation: Installation) -> list[dict[str, Any]]:
    listed = installation.kubectl("get", "secrets", f"--field-selector=type={KEK_SECRET_TYPE}", "-o", "json")
    return [json.loads(base64.b64decode(one["data"][KEK_DATA_KEY])) for one in json.loads(listed)["items"]]


def test_credentials_are_kept_under_a_key_in_the_kms_and_backed_up_beside_it(
    with_kms: Installation, tmp_path: Path
) -> None:
    with with_kms.desk() as desk:
        desk.apply({"kept-by-a-kms": generated()})
        desk.wait_for_ready(["kept-by-a-kms"])
    [kek] = keks(with_kms)
    assert (kek["rootSource"], kek["rootKeyId"], kek["namespace"]) == ("KMS", "key-1", WORKSPACES[0])
    assert ROOT_SECRET_NAME not in with_kms.kubectl("get", "secrets", "-o", "name")

    words = "correct horse battery staple\n"
    asked = ("keyring", "backup", "--root-source", f"kms:{SOCKET}", "--out", "-", "--passphrase-file", "-")
    there = ("exec", "-i", *OPERATOR, "--namespace", NAMESPACE, "--", "sshcred")
    done = with_kms.node.kubectl(*there, *asked, input=words)
    assert "keys of 1 workspaces (1)" in done.stderr
    (tmp_path / "backup").write_text(done.stdout)
    (tmp_path / "words").write_text(words)
    backup = opened(tmp_path / "backup", tmp_path / "words", None)
    assert [(one.namespace, one.kek.kid) for one in backup.keks] == [(WORKSPACES[0], kek["kid"])]
    path = "jsonpath={.data.state\\.json}"
    state = ("get", "configmap", "sshcredential-key-ring", "-o", path)
    wait_until(lambda: json.loads(with_kms.kubectl(*state))["backedUpAt"], "the operator has seen the backup", 60)

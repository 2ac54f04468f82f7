"""The operator as Helm installs it: it works, its pods are as confined as they can be, and `helm test` says so."""

from __future__ import annotations

import json
import re
import sys
from typing import Final

import pytest

from chart.rendering import NAMESPACE, RELEASE
from cluster.keyfiles import PASSPHRASE, KeyFiles
from cluster.shown import generated, imported
from controlplane.access import KubectlFailed
from node.installation import Installation
from node.thief import READ_TOKEN, claims_of

STATUS: Final = "print(open('/proc/1/status').read())"
WRITE: Final = """
import pathlib, sys
for folder in sys.argv[1:]:
    try:
        pathlib.Path(folder, "written").write_text("")
    except OSError as refused:
        print(folder, refused.errno)
    else:
        print(folder, "written")
"""
FETCH: Final = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())"
READ_ONLY_FILE_SYSTEM: Final = "30"
FOLDERS: Final = ("/", "/tmp", "/var", "/etc", "/opt/venv", "/run", "/home")


@pytest.fixture
def leader(installed: Installation) -> str:
    return installed.leader()


def test_what_is_generated_and_what_is_brought_becomes_ready(
    installed: Installation, tmp_path_factory: pytest.TempPathFactory
) -> None:
    brought = KeyFiles(tmp_path_factory.mktemp("keys")).key(passphrase=PASSPHRASE)

    with installed.desk() as desk:
        desk.make_secret("brought", {"ssh-privatekey": brought.content, "passphrase": PASSPHRASE.encode()})
        desk.apply({"made-in-the-pod": generated(), "brought-to-the-pod": imported("brought", "brought")})
        desk.wait_for_ready(["made-in-the-pod", "brought-to-the-pod"])

        assert desk.get("brought-to-the-pod")["status"]["fingerprint"] == brought.fingerprint
        assert desk.get("made-in-the-pod")["status"]["publicKey"].startswith("ssh-ed25519 ")


def test_one_leads_and_one_stands_by(installed: Installation, leader: str) -> None:
    assert sorted(installed.until_ready()) == sorted({leader, installed.standby()})
    assert '"message":"standby"' in installed.log(installed.standby())


def test_helm_test_passes(installed: Installation) -> None:
    said = installed.helm("test", RELEASE, "--logs")

    assert re.search(r"^Phase: +Succeeded$", said, re.MULTILINE)
    assert "All is well." in said


def test_a_pod_has_no_rights_on_its_node(installed: Installation, leader: str) -> None:
    told = dict(re.findall(r"^(\w+):\t(.*)$", installed.run_in(leader, STATUS), re.MULTILINE))

    assert told["Uid"].split() == told["Gid"].split() == ["65532"] * 4
    assert {int(told[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")} == {0}
    assert (told["NoNewPrivs"], told["Seccomp"]) == ("1", "2")


def test_a_pod_writes_nowhere(installed: Installation, leader: str) -> None:
    said = dict(line.split() for line in installed.run_in(leader, WRITE, *FOLDERS).splitlines())

    assert said["/"] == READ_ONLY_FILE_SYSTEM
    assert "written" not in said.values()


def test_a_pod_has_one_token_which_ends_within_the_hour(installed: Installation, leader: str) -> None:
    token = claims_of(installed.run_in(leader, READ_TOKEN))
    own = json.loads(installed.node.kubectl("get", "--raw", "/.well-known/openid-configuration").stdout)
    volumes = json.loads(installed.kubectl("get", "pod", leader, "-o", "json"))["spec"]["volumes"]

    assert token["aud"] == [own["issuer"]]
    assert token["sub"] == f"system:serviceaccount:{NAMESPACE}:{RELEASE}"
    assert token["exp"] - token["iat"] == 3600
    assert [list(volume) for volume in volumes] == [["name", "projected"]]


def test_there_is_nothing_to_enter_a_pod_with(installed: Installation, leader: str) -> None:
    command = ("exec", leader, "--namespace", NAMESPACE, "--", "sh", "-c", "true")

    with pytest.raises(KubectlFailed, match="executable file not found"):
        installed.node.kubectl(*command)


def test_a_pod_that_is_less_restricted_is_refused_beside_it(installed: Installation) -> None:
    with pytest.raises(KubectlFailed, match='violates PodSecurity "restricted:latest"'):
        installed.kubectl("run", "less-restricted", f"--image={installed.image.name}")


def test_health_and_metrics_are_reached_through_the_service(installed: Installation) -> None:
    address = installed.kubectl("get", "service", RELEASE, "-o", "jsonpath={.spec.clusterIP}")

    def fetched(page: str) -> str:
        return installed.node.run(sys.executable, "-I", "-c", FETCH, f"http://{address}:8080/{page}").stdout

    assert fetched("healthz").strip() == "ok"
    assert "sshcredential_" in fetched("metrics")


def test_the_log_is_one_json_object_in_each_line(installed: Installation, leader: str) -> None:
    entries = [json.loads(line) for line in installed.log(leader).splitlines()]

    assert entries[0]["message"] == "listening"
    assert {"time", "level", "logger", "message"} <= set.intersection(*(set(entry) for entry in entries))

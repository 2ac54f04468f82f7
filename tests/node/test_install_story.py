"""An installation changes, goes back, goes and comes again, by either Helm and by kubectl, and no key changes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
import yaml

import install_yaml
from chart.rendering import CHART, NAMESPACE, RELEASE
from cluster.shown import generated
from node.installation import ELSEWHERE, WORKSPACES, Installation
from node.kept import credentials_of, kept, secrets_of
from node.thief import READ_TOKEN, Thief, claims_of

OWN: Final = {*WORKSPACES, NAMESPACE}
OURS: Final = f"app.kubernetes.io/instance={RELEASE}"
LEFT: Final = "all,roles,rolebindings,clusterroles,clusterrolebindings,serviceaccounts,configmaps,networkpolicies,pdb"
CREDENTIALS: Final = ("lives-on", "lives-on-with-a-passphrase")


@pytest.fixture
def lived_in(installed: Installation) -> Installation:
    """With credentials in the first workspace."""
    with installed.desk() as desk:
        apply_credentials(installed)
        desk.wait_for_ready(CREDENTIALS)
    return installed


def apply_credentials(installation: Installation) -> None:
    with installation.desk() as desk:
        desk.apply({CREDENTIALS[0]: generated(), CREDENTIALS[1]: generated(passphrase="Generate")})


def all_namespaces(installation: Installation) -> list[str]:
    return installation.node.kubectl("get", "namespaces", "-o", "jsonpath={.items[*].metadata.name}").stdout.split()


def works(installation: Installation, name: str, workspace: str = WORKSPACES[0]) -> bool:
    """Whether a new credential becomes Ready, and the operator sees what is changed of an old one."""
    with installation.desk(workspace) as desk:
        desk.apply({name: generated()})
        desk.wait_for_ready([name])
        desk.edit(name, {"description": "looked at"})
        return bool(desk.until(name, "Available"))


def arguments_of(installation: Installation) -> list[str]:
    [container] = installation.pods()[0]["spec"]["containers"]
    return list(container["args"])


def test_a_workspace_that_is_not_there_is_told_and_nothing_is_touched(lived_in: Installation) -> None:
    values = lived_in.values(workspaces=["genomics", "not-made-yet"])
    before = lived_in.helm("list", "--output=json")

    said = lived_in.helm("upgrade", RELEASE, CHART, values=values, check=False)

    assert "there is no such namespace: kubectl create namespace not-made-yet" in said
    assert lived_in.helm("list", "--output=json") == before


def test_upgraded_to_all_namespaces_and_rolled_back_it_keeps_every_key(lived_in: Installation) -> None:
    before, spaces = kept(lived_in), all_namespaces(lived_in)
    assert Thief.of(lived_in).reads_secrets_of(spaces) == OWN
    issuer = claims_of(lived_in.run_in(lived_in.leader(), READ_TOKEN))["iss"]

    token = {"token": {"audience": issuer, "expirationSeconds": 1200}}
    said = lived_in.upgrade(workspaces=["*"], log={"debug": True}, serviceAccount=token)

    assert "Secrets of ALL namespaces" in said
    assert works(lived_in, "elsewhere", ELSEWHERE)
    assert "--debug" in arguments_of(lived_in)
    thief = Thief.of(lived_in)
    assert thief.reads_secrets_of(spaces) == set(spaces)
    claims = claims_of(thief.token)
    assert (claims["aud"], claims["exp"] - claims["iat"]) == ([issuer], 1200)

    lived_in.helm("rollback", RELEASE, "--wait")

    assert "--debug" not in arguments_of(lived_in)
    assert Thief.of(lived_in).reads_secrets_of(spaces) == OWN
    assert works(lived_in, "after-the-rollback")
    after = kept(lived_in)
    assert before.secrets.items() <= after.secrets.items()
    assert before.credentials.items() <= after.credentials.items()


def test_uninstalled_it_leaves_everything_and_installed_again_takes_it_up(lived_in: Installation) -> None:
    before = kept(lived_in)

    lived_in.uninstall()

    assert kept(lived_in) == before
    left = set(lived_in.kubectl("get", LEFT, "-o", "name", "--selector", OURS).split())
    assert left <= {f"pod/{RELEASE}-test"}

    said = lived_in.install(which="helm3")

    assert "genomics, proteomics. Credentials of other namespaces stay Pending." in said
    assert works(lived_in, "after-the-return")
    after = kept(lived_in)
    assert before.secrets.items() <= after.secrets.items()
    assert before.credentials.items() <= after.credentials.items()
    assert "All is well." in lived_in.helm("test", RELEASE, "--logs", which="helm3")


def test_without_keep_the_credentials_go_and_their_keys_come_back_to_them(
    lived_in: Installation, tmp_path: Path
) -> None:
    """By Helm 3 away, by install.yaml back, and into the hands of Helm 4, as docs/installation.md tells."""
    before = kept(lived_in)
    lived_in.upgrade(which="helm3", crds={"keep": False})

    lived_in.uninstall(which="helm3")

    lived_in.node.kubectl("wait", "--for=delete", "--timeout=30s", "crd/sshcredentials.sshcredentials.dev")
    assert secrets_of(lived_in) == before.secrets

    with_kubectl(lived_in, tmp_path)
    apply_credentials(lived_in)
    with lived_in.desk() as desk:
        desk.wait_for_ready(CREDENTIALS)
        told = {event.reason for name in CREDENTIALS for event in desk.events(name)}
    assert told == {"Adopted"}
    assert credentials_of(lived_in).items() <= before.credentials.items()
    assert secrets_of(lived_in) == before.secrets

    lived_in.install("--take-ownership", "--force-conflicts")

    assert works(lived_in, "after-the-handover")
    assert before.secrets.items() <= secrets_of(lived_in).items()


def with_kubectl(installation: Installation, folder: Path) -> None:
    """Install by install.yaml, with the image of another name, as docs/installation.md tells."""
    (folder / "install.yaml").write_text(install_yaml.rendered(WORKSPACES))
    repository, _, tag = installation.image.name.rpartition(":")
    image = {"name": "localhost/sshcredential-operator", "newName": repository, "newTag": tag}
    kustomization = {"resources": ["install.yaml"], "images": [image]}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    installation.node.kubectl("apply", "-k", str(folder))
    installation.kubectl("rollout", "status", f"deployment/{RELEASE}", "--timeout=60s")
    installation.until_ready()

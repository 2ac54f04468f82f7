"""`examples/` work as they are, in whatever namespace a stranger chooses."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.crd_schema import CREDENTIAL, DEFINITIONS, EXAMPLES, EXPORT, TARGET, with_defaults
from sshcredential_operator.api.names import API_VERSION
from sshcredential_operator.api.spec import ImportFrom, SecretKeyRef, Spec, parse_spec
from sshcredential_operator.api.target_spec import TargetSpec, parse_target_spec

MANIFESTS = sorted(EXAMPLES.glob("*.yaml"))
EXPORTS = sorted(EXAMPLES.glob("export-*.yaml"))
TARGETS = sorted(EXAMPLES.glob("target*.yaml"))


def _documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


def _of_kind(path: Path, kind: object) -> list[dict[str, Any]]:
    return [document for document in _documents(path) if document["kind"] == str(kind)]


def test_the_examples_are_these() -> None:
    assert [path.name for path in MANIFESTS] == [
        "export-flux.yaml",
        "export-git-sync.yaml",
        "generated-rsa-with-passphrase.yaml",
        "generated.yaml",
        "imported.yaml",
        "target-hpc.yaml",
        "target.yaml",
    ]


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_an_example_is_for_any_namespace(path: Path) -> None:
    for example in _documents(path):
        assert example["apiVersion"] == API_VERSION
        assert example["kind"] in {str(definition) for definition in DEFINITIONS}
        assert example["metadata"].keys() == {"name"}


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_an_example_holds_one_credential_that_the_operator_takes(path: Path) -> None:
    [example] = _of_kind(path, CREDENTIAL)

    assert isinstance(parse_spec(with_defaults(example, CREDENTIAL.schema)["spec"], example["metadata"]["name"]), Spec)


@pytest.mark.parametrize("path", EXPORTS, ids=lambda path: path.name)
def test_an_example_of_an_export_brings_the_credential_that_it_names(path: Path) -> None:
    [credential], [export] = _of_kind(path, CREDENTIAL), _of_kind(path, EXPORT)

    assert export["spec"]["credentialRef"] == {"name": credential["metadata"]["name"]}
    assert f"condition=Ready sshexport/{export['metadata']['name']}\n" in path.read_text()
    assert f"Secret {export['spec']['secretName']}" in path.read_text().partition("apiVersion")[0]


@pytest.mark.parametrize("path", TARGETS, ids=lambda path: path.name)
def test_an_example_of_targets_brings_what_they_name_and_tells_how_to_make_the_rest(path: Path) -> None:
    [credential], targets = _of_kind(path, CREDENTIAL), _of_kind(path, TARGET)
    names = {target["metadata"]["name"] for target in targets}

    for target in targets:
        spec = parse_target_spec(with_defaults(target, TARGET.schema)["spec"])
        assert isinstance(spec, TargetSpec)
        assert spec.credential == credential["metadata"]["name"]
        assert spec.jump in {None, *names}
        assert f"sshtarget/{target['metadata']['name']}" in path.read_text()
        if isinstance(spec.bootstrap, SecretKeyRef):
            name, key = spec.bootstrap.secret_name, spec.bootstrap.key
            assert f"kubectl create secret generic {name} -n NAMESPACE --from-file={key}=" in path.read_text()


def test_an_example_that_names_a_configmap_tells_how_to_make_it() -> None:
    path = EXAMPLES / "export-git-sync.yaml"
    [export] = _of_kind(path, EXPORT)
    hosts = export["spec"]["knownHosts"]

    assert f"kubectl create configmap {hosts['configMapName']} -n NAMESPACE --from-file={hosts['key']}=FILE" in (
        path.read_text()
    )


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_the_comments_of_an_example_speak_of_its_own_names(path: Path) -> None:
    text, names = path.read_text(), {document["metadata"]["name"] for document in _documents(path)}

    assert f"-f {path.name}" in text
    assert set(re.findall(r"sshcredential[/ ]([a-z0-9-]+)", text)) <= names


def test_the_imported_example_tells_how_to_make_the_secret_that_it_names() -> None:
    path = EXAMPLES / "imported.yaml"
    [example] = _documents(path)
    spec = parse_spec(example["spec"], "name")

    assert isinstance(spec, Spec)
    assert isinstance(spec.source, ImportFrom)
    assert spec.source.passphrase
    assert f"kubectl create secret generic {spec.source.private_key.secret_name} " in path.read_text()
    assert f"--from-file={spec.source.private_key.key}=" in path.read_text()
    assert f"--from-file={spec.source.passphrase.key}=" in path.read_text()

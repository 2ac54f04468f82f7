"""`examples/` work as they are, in whatever namespace a stranger chooses."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.crd_schema import EXAMPLES, SCHEMA, with_defaults
from sshcredential_operator.api.names import API_VERSION, KIND
from sshcredential_operator.api.spec import ImportFrom, Spec, parse_spec

MANIFESTS = sorted(EXAMPLES.glob("*.yaml"))


def _load(path: Path) -> dict[str, Any]:
    [document] = list(yaml.safe_load_all(path.read_text()))
    assert isinstance(document, dict)
    return document


def test_the_examples_are_these() -> None:
    assert [path.name for path in MANIFESTS] == [
        "generated-rsa-with-passphrase.yaml",
        "generated.yaml",
        "imported.yaml",
    ]


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_an_example_is_one_credential_for_any_namespace(path: Path) -> None:
    example = _load(path)

    assert (example["apiVersion"], example["kind"]) == (API_VERSION, KIND)
    assert example["metadata"].keys() == {"name"}
    assert isinstance(parse_spec(with_defaults(example, SCHEMA)["spec"], example["metadata"]["name"]), Spec)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_the_comments_of_an_example_speak_of_its_own_names(path: Path) -> None:
    text, name = path.read_text(), _load(path)["metadata"]["name"]

    assert f"-f {path.name}" in text
    assert set(re.findall(r"sshcredential[/ ]([a-z0-9-]+)", text)) <= {name}


def test_the_imported_example_tells_how_to_make_the_secret_that_it_names() -> None:
    path = EXAMPLES / "imported.yaml"
    spec = parse_spec(_load(path)["spec"], "name")

    assert isinstance(spec, Spec)
    assert isinstance(spec.source, ImportFrom)
    assert spec.source.passphrase
    assert f"kubectl create secret generic {spec.source.private_key.secret_name} " in path.read_text()
    assert f"--from-file={spec.source.private_key.key}=" in path.read_text()
    assert f"--from-file={spec.source.passphrase.key}=" in path.read_text()

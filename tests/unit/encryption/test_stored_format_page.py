"""docs/reference/stored-format.md is held to the vectors, and what it tells people to run is run."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from sshcredential_operator.api.names import SECRET_TYPE
from sshcredential_operator.encryption.canary import CANARY_SECRET_TYPE
from sshcredential_operator.encryption.kek import KEK_SECRET_TYPE
from sshcredential_operator.encryption.root_key import ROOT_SECRET_NAME, ROOT_SECRET_TYPE, RootSource
from sshcredential_operator.encryption.sealing_key import SEALING_KEY_SECRET_TYPE, new_sealing_key, wrap_sealing_key
from unit.encryption.samples import ROOT as SAMPLE_ROOT

ROOT: Final = Path(__file__).parents[3]
PAGE: Final = (ROOT / "docs" / "reference" / "stored-format.md").read_text(encoding="utf-8")
VECTORS: Final[dict[str, Any]] = json.loads((Path(__file__).parent / "vectors" / "v1.json").read_text(encoding="utf-8"))

_NEW: Final = new_sealing_key(1, datetime(2026, 11, 29, tzinfo=UTC))
SEALING_KEY: Final = wrap_sealing_key(_NEW, SAMPLE_ROOT, RootSource.SECRET).to_bytes().decode()


def table(head: str) -> list[str]:
    """Return the first column of the table that has this head."""
    _, _, rest = PAGE.partition(f"\n| {head} | Value |\n|---|---|\n")
    rows = rest.partition("\n\n")[0].splitlines()
    return [re.sub(r"^\| `([^`]+)` .*$", r"\1", row) for row in rows]


def names(value: Any, path: str = "") -> list[str]:
    """Return the path of every member once, in the order in which they are written."""
    if isinstance(value, dict):
        inner = [(f"{path}.{name}".lstrip("."), child) for name, child in value.items()]
        found = [deeper for name, child in inner for deeper in (name, *names(child, name))]
    elif isinstance(value, list):
        found = [deeper for child in value for deeper in names(child, f"{path}[]")]
    else:
        found = []
    return list(dict.fromkeys(found))


@pytest.mark.parametrize(
    ("head", "document", "members"),
    [
        ("Record", VECTORS["records"]["three keys, imported, rolled back"], None),
        ("KEK", VECTORS["kek"]["document"], r"[^.]+"),
        ("Sealing key", SEALING_KEY, r"[^.]+"),
        ("Root key", VECTORS["root"], None),
        ("Canary", VECTORS["canary"]["document"], r"[^.]+"),
    ],
)
def test_a_table_names_every_member_in_its_order(head: str, document: str, members: str | None) -> None:
    found = names(json.loads(document))
    assert table(head) == [name for name in found if members is None or re.fullmatch(members, name)]


def test_the_table_of_the_envelope_names_every_member() -> None:
    found = names(json.loads(VECTORS["envelopes"]["sealed"]["sealed"]))
    found.remove("header")
    assert table("Member") == found


def test_the_constants_of_the_envelope_are_those_of_the_vectors() -> None:
    value = json.loads(VECTORS["envelopes"]["sealed"]["sealed"])
    assert f'| `protected` | always `{value["protected"]}`, which is `{{"enc":"A256GCM"}}` |' in PAGE
    assert base64.urlsafe_b64decode(value["protected"] + "=") == b'{"enc":"A256GCM"}'
    assert f"| `header.alg` | always `{value['header']['alg']}` " in PAGE


@pytest.mark.parametrize(
    "secret_type", [SECRET_TYPE, KEK_SECRET_TYPE, ROOT_SECRET_TYPE, CANARY_SECRET_TYPE, SEALING_KEY_SECRET_TYPE]
)
def test_every_type_of_secret_is_in_the_table_of_places(secret_type: str) -> None:
    assert f" | `{secret_type}` | " in PAGE


@pytest.mark.parametrize("key", ["kek", "canary"])
def test_the_names_of_secrets_are_those_of_the_vectors(key: str) -> None:
    prefix = VECTORS[key]["secretName"].split("-")[1]
    assert f"| `sshcredential-{prefix}-<" in PAGE
    assert f"| `{ROOT_SECRET_NAME}` |" in PAGE


def documented_places() -> dict[str, str]:
    rows = re.findall(r"^\| (?:`([^`]+)`|([a-zA-Z ]+)) \| `(\[[^`]+\])` \|$", PAGE, flags=re.MULTILINE)
    return {name or words: place for name, words, place in rows}


def filled(place: str, **values: object) -> str:
    for name, value in values.items():
        place = re.sub(rf"(?<=,){re.escape(name)}(?=[,\]])", json.dumps(value), place)
    return place


def test_every_place_is_that_of_the_vectors() -> None:
    places = {name: place.replace("metadata.name", "name") for name, place in documented_places().items()}
    for vector in VECTORS["places"]:
        name = vector["field"] if vector["field"] == "record" else f"{vector['field']}.<n>"
        values = {part: vector[part] for part in ("namespace", "name", "credentialId")}
        assert filled(places[name], **values, n=vector["keyNumber"]) == vector["aad"]
    kek = json.loads(VECTORS["kek"]["document"])
    values = {part: kek[part] for part in ("namespace", "namespaceUid", "kid")}
    assert filled(places["wrapped KEK"], **values) == VECTORS["kek"]["wrapped"]["aad"]
    assert filled(places["canary"], rootKeyId=kek["rootKeyId"]) == VECTORS["canary"]["wrapped"]["aad"]


def kubectl_json(data: dict[str, str]) -> str:
    """Return a Secret as `kubectl get -o json` prints it, as far as it matters."""
    encoded = {name: base64.b64encode(value.encode()).decode() for name, value in data.items()}
    return json.dumps({"apiVersion": "v1", "kind": "Secret", "data": encoded})


def run_the_program_of_the_page(folder: Path, credential: dict[str, str]) -> subprocess.CompletedProcess[str]:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    (folder / "open.py").write_text(program)
    (folder / "root.json").write_text(kubectl_json({"jwks": VECTORS["root"]}))
    (folder / "kek.json").write_text(kubectl_json({"kek": VECTORS["kek"]["document"]}))
    (folder / "credential.json").write_text(kubectl_json(credential))
    return subprocess.run(
        [sys.executable, "-I", "open.py"], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


def stored() -> dict[str, str]:
    return {name: value["sealed"] for name, value in VECTORS["secret"]["data"].items()}


def test_the_program_of_the_page_opens_the_current_key_with_another_library(tmp_path: Path) -> None:
    done = run_the_program_of_the_page(tmp_path, stored())
    assert (done.returncode, done.stdout, done.stderr) == (0, "test-only, not a key: 2\n", "")


def test_the_program_of_the_page_notices_an_exchanged_key(tmp_path: Path) -> None:
    done = run_the_program_of_the_page(tmp_path, stored() | {"privateKey.2": stored()["privateKey.1"]})
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "this value belongs to another place\n")


def test_the_commands_of_the_page_fetch_what_its_program_reads() -> None:
    (commands,) = re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL)
    fetched = re.findall(r"get secret (\S+) -o json > (\S+)$", commands, flags=re.MULTILINE)
    assert fetched == [
        (ROOT_SECRET_NAME, "root.json"),
        (VECTORS["kek"]["secretName"], "kek.json"),
        ("hpc-login-sshcredential", "credential.json"),
    ]

"""Of a file that people bring, refused or damaged, the operator shows nothing: 16 characters in a row are too many.

Looked at: its log at DEBUG, the events, all of every credential, and /metrics. The Secrets that hold the files in the
clear are the users' own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final, NamedTuple

import pytest

from cluster.conftest import Workspace
from cluster.desk import Desk
from cluster.shown import imported, reason_of
from controlplane.clusters import Cluster
from unit.keys.key_files import ED25519, OPENSSH, P256, PASSPHRASE, PKCS8, PPK, RSA2048, TRADITIONAL, KeyFiles
from unit.keys.test_no_leak import body_text, windows
from unit.keys.test_refusals import CASES
from unit.keys.test_repairs import DAMAGES

WRONG: Final = b"a wrong passphrase 8"
FORMS: Final = (OPENSSH, TRADITIONAL, PKCS8, PPK)


class Brought(NamedTuple):
    """A file, the passphrase that comes with it, and what must not be shown of them."""

    file: bytes
    passphrase: bytes
    secret: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    return KeyFiles(tmp_path_factory.mktemp("brought"))


@pytest.fixture(scope="module")
def brought(made: KeyFiles) -> dict[str, Brought]:
    files = [Brought(file, b"", body_text(file)) for file in (case.file(made) for case in CASES) if b"PRIVATE" in file]
    for number, (_, damage, _) in enumerate(DAMAGES):
        whole = made.file(P256, FORMS[number % len(FORMS)], PASSPHRASE)
        file = damage(whole[: len(whole) // 2] + b"\xc3\xa4" + whole[len(whole) // 2 :])
        files.append(Brought(file, (PASSPHRASE, WRONG)[number % 2], body_text(whole)))
    for kind in (ED25519, P256, RSA2048):
        for form in (OPENSSH, PKCS8, PPK):
            file = made.file(kind, form, PASSPHRASE)
            files += [Brought(file, given, body_text(file)) for given in (b"", WRONG, PASSPHRASE)]
    return {f"brought-{number}": one for number, one in enumerate(files)}


@pytest.fixture(scope="module")
def shown(cluster: Cluster, workspace: Workspace, desk: Desk, brought: dict[str, Brought]) -> Iterator[dict[str, str]]:
    """Bring all files; return what the operator then shows, by where it shows it."""
    for name, one in brought.items():
        desk.make_secret(name, {"ssh-privatekey": one.file, "passphrase": one.passphrase})
    desk.apply({name: imported(name, name) for name in brought})
    for name in brought:
        desk.until_object(name, lambda seen: reason_of(seen) != "Pending", "it is judged")
    found = {
        kind: cluster.kubectl("get", kind, "-n", workspace.namespace, "-o", "json").stdout
        for kind in ("sshcredentials", "events.events.k8s.io")
    }
    yield found | {"metrics": workspace.operator.get("/metrics")[1], "log": workspace.operator.log.read_text()}
    desk.delete(*brought)
    for name in brought:
        desk.delete_secret(name)


def leaks(secret: str, text: str, public: str) -> list[str]:
    """Return all of a secret that a text shows. Its public half may be shown."""
    return [window for window in windows(secret) if window in text and window not in public]


@pytest.mark.parametrize("where", ["sshcredentials", "events.events.k8s.io", "metrics", "log"])
def test_nothing_of_a_file_or_a_passphrase_is_shown(
    where: str, shown: dict[str, str], brought: dict[str, Brought], made: KeyFiles
) -> None:
    public = " ".join([*(made.line(kind) for kind in (ED25519, P256, RSA2048)), "SSH PRIVATE KEY FILE"])
    secrets = {one.secret for one in brought.values() if len(one.secret) >= 16}
    secrets |= {PASSPHRASE.decode(), WRONG.decode()}

    assert len(secrets) > 40
    assert {secret[:20]: found for secret in secrets if (found := leaks(secret, shown[where], public))} == {}


def test_all_of_it_was_brought_and_most_of_it_refused(shown: dict[str, str], brought: dict[str, Brought]) -> None:
    found = {one["metadata"]["name"]: reason_of(one) for one in json.loads(shown["sshcredentials"])["items"]}
    reasons = [found[name] for name in brought]

    assert len(set(reasons)) > 12
    assert reasons.count("Available") < len(reasons) / 2


def test_a_leak_is_found(brought: dict[str, Brought], shown: dict[str, str]) -> None:
    secret = next(one.secret for one in brought.values() if len(one.secret) > 100)

    assert leaks(secret, shown["log"] + secret[40:56], "")

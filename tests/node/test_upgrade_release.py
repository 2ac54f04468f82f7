"""`helm upgrade` from an earlier commit's chart and image, and `helm rollback`, while credentials live on.

The CRDs change under them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from chart.rendering import NAMESPACE, RELEASE
from cluster.desk import Desk
from cluster.shown import Object, generated
from node.installation import WORKSPACES, Installation
from node.kept import kept
from node.replicas import Asked
from node.upgrade.earlier import PACKAGE, Earlier
from node.upgrade.earlier_release import PLACE, RBAC, earlier_chart, earlier_image

CRD: Final = "sshcredentials.sshcredentials.dev"
EXPORTS_CRD: Final = "sshcredentialexports.sshcredentials.dev"
NEW_RULE: Final = "prepare must be shorter than every"
WRONG_TODAY: Final = "from-before-and-wrong-today"
LONGER: Final = generated() | {"rotation": {"every": "1h", "prepare": "2h"}}
"""The earlier CRD allows what the present one refuses."""
CREDENTIALS: Final[dict[str, Object]] = {
    "from-before": generated(),
    "from-before-with-passphrase": generated(passphrase="Generate"),
    "from-before-rotated": generated() | {"rotation": {"overlap": "100h"}},
    WRONG_TODAY: LONGER,
}


@pytest.fixture
def old(installation: Installation, earlier: Earlier, tmp_path: Path) -> Iterator[Installation]:
    """The earlier operator, installed where nothing was, with credentials of its own."""
    installation.remove()
    image = earlier_image(installation.image, earlier, tmp_path)
    installation.node.load_image(image.archive)
    image.archive.unlink()
    installation._make_namespaces()
    repository, _, tag = image.name.rpartition(":")
    image_values = {"repository": repository, "tag": tag}
    installation.install(
        chart=earlier_chart(earlier, tmp_path), rbac=RBAC, image=image_values, tests={"enabled": False}
    )
    yield installation
    installation.remove()


def test_the_chart_changes_the_crds_under_credentials_that_live(old: Installation) -> None:
    runs = f"import {PACKAGE}; print({PACKAGE}.__file__)"
    assert run_as_the_operator(old, runs).startswith(f"/{PLACE}/")
    assert not has(old, EXPORTS_CRD)
    with old.desk() as desk:
        desk.apply(CREDENTIALS)
        desk.wait_for_ready(list(CREDENTIALS))
        desk.edit("from-before-rotated", {"rotation": {"serial": 1}})
        desk.until_object("from-before-rotated", lambda found: found["status"]["keyNumber"] == 2, "rotated")
        before, versions = kept(old), versions_of(desk)

        asked = Asked(old, WORKSPACES[0])
        old.upgrade()
        assert NEW_RULE in crd(old)
        assert has(old, EXPORTS_CRD)
        works(desk, "made-by-the-present")
        assert versions_of(desk).items() >= versions.items(), "something was written"
        assert {event.name for event in asked.stored()} == {"made-by-the-present-sshcredential"}
        assert run_as_the_operator(old, runs).startswith("/opt/")
        desk.edit(WRONG_TODAY, {"description": "may be changed, and its status written"})
        assert desk.until(WRONG_TODAY, "Available")["spec"]["rotation"]["prepare"] == "2h"
        versions = versions_of(desk)

        old.helm("rollback", RELEASE, "--wait", "--timeout=120s")
        assert NEW_RULE not in crd(old)
        works(desk, "made-by-the-earlier")
        assert versions_of(desk).items() >= versions.items(), "something was written"

        old.upgrade()
        works(desk, "made-by-the-present-again")
        after = kept(old)
    assert before.secrets.items() <= after.secrets.items()
    assert before.credentials.items() <= after.credentials.items()


def works(desk: Desk, name: str) -> None:
    desk.create(name, generated())
    desk.until(name, "Available")


def versions_of(desk: Desk) -> dict[str, tuple[str, str]]:
    """The revision of each credential and of its Secret."""
    versions = {found["metadata"]["name"]: found["metadata"]["resourceVersion"] for found in desk.all()}
    return {name: (version, desk.stored(name)["metadata"]["resourceVersion"]) for name, version in versions.items()}


def crd(installation: Installation) -> str:
    found: dict[str, Any] = json.loads(installation.node.kubectl("get", "crd", CRD, "-o", "json").stdout)
    return json.dumps(found["spec"])


def has(installation: Installation, name: str) -> bool:
    return bool(installation.node.kubectl("get", "crd", name, "--ignore-not-found", "-o", "name").stdout)


def run_as_the_operator(installation: Installation, program: str) -> str:
    """Run Python in the leader's container as its own command line does, by its environment."""
    command = ("exec", installation.leader(), "--namespace", NAMESPACE, "--", "python3", "-c", program)
    return installation.node.kubectl(*command).stdout

"""What may change on an SSHCredential that exists, and who may write which half of it."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from cluster.credentials import NAME, Credentials, Refused, credentials_of
from controlplane.clusters import Cluster

NAME_STAYS: Final = "spec.name cannot be set, changed or removed after creation; create another SSHCredential"
WITH_NAME: Final = {"name": "Given_name", "generate": {}}
WITHOUT_NAME: Final[dict[str, Any]] = {"generate": {}}
READY: Final = {
    "type": "Ready",
    "status": "True",
    "reason": "Available",
    "message": "ok",
    "observedGeneration": 1,
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}


@pytest.fixture
def admin(cluster: Cluster, namespace: str) -> Iterator[Credentials]:
    with credentials_of(cluster, namespace) as admin:
        yield admin


@pytest.fixture
def fresh(admin: Credentials) -> Credentials:
    """The credentials of a namespace where there is one."""
    admin.create({"generate": {}})
    return admin


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        pytest.param(WITH_NAME, "Another", id="changed"),
        pytest.param(WITH_NAME, None, id="removed"),
        pytest.param(WITHOUT_NAME, "Another", id="set later"),
        pytest.param(WITHOUT_NAME, NAME, id="set later to what it is anyway"),
    ],
)
def test_the_name_for_people_is_never(admin: Credentials, spec: dict[str, Any], name: str | None) -> None:
    admin.create(spec)

    refused = admin.patch({"spec": {"name": name}})

    assert isinstance(refused, Refused)
    [cause] = refused.causes
    assert cause.startswith("spec.name: Invalid value: ")
    assert NAME_STAYS in cause


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"description": "Login node"}, id="the description"),
        pytest.param({"suspend": True}, id="suspension"),
        pytest.param({"deletionPolicy": "Retain", "deletionGracePeriod": "0s"}, id="what a deletion means"),
        pytest.param({"generate": {"comment": "me@host", "passphrase": "Generate"}}, id="what acts at the next key"),
        pytest.param({"generate": {"algorithm": "RSA", "bits": 4096}}, id="the algorithm, which the operator answers"),
        pytest.param(
            {"generate": None, "importFrom": {"privateKey": {"secretName": "my-key"}}},
            id="the source, which the operator answers",
        ),
    ],
)
def test_this_may_change(admin: Credentials, change: dict[str, Any]) -> None:
    admin.create(WITH_NAME)

    changed = admin.patch({"spec": change})

    assert not isinstance(changed, Refused)
    assert changed["metadata"]["generation"] == 2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param({"generate": {"bits": 1000}}, "an Ed25519 key has one size", id="impossible bits"),
        pytest.param({"generate": None}, "give exactly one of generate", id="no source"),
    ],
)
def test_a_change_is_checked_like_a_new_one(fresh: Credentials, change: dict[str, Any], sentence: str) -> None:
    refused = fresh.patch({"spec": change})

    assert isinstance(refused, Refused)
    assert sentence in refused.says


def test_a_status_that_comes_with_the_object_is_ignored(fresh: Credentials) -> None:
    changed = fresh.patch({"status": {"conditions": [READY]}})

    assert not isinstance(changed, Refused)
    assert changed["status"]["conditions"][0]["reason"] == "Pending"


def test_the_operators_first_status_leaves_nothing_of_the_default(fresh: Credentials) -> None:
    status = {"observedGeneration": 1, "conditions": [READY], "notes": ["NoPassphrase"], "keyNumber": 1}

    changed = fresh.patch_status(status)

    assert not isinstance(changed, Refused)
    assert changed["status"] == status
    assert changed["metadata"]["generation"] == 1


@pytest.mark.parametrize(
    ("status", "field"),
    [
        pytest.param({"fingerprint": "MD5:00"}, "status.fingerprint", id="a fingerprint of another kind"),
        pytest.param({"exposure": "Public"}, "status.exposure", id="an unknown exposure"),
        pytest.param({"keyNumber": -1}, "status.keyNumber", id="a negative number of keys"),
        pytest.param({"conditions": [READY, READY]}, "status.conditions[1]", id="a condition twice"),
        pytest.param({"conditions": [READY | {"message": "a" * 1025}]}, "message", id="a message that is too long"),
        pytest.param({"conditions": [READY | {"reason": "no word"}]}, "reason", id="a reason of two words"),
        pytest.param({"usedBy": [{"kind": "Pod"}]}, "status.usedBy[0].name", id="a user without a name"),
        pytest.param({"createdAt": "yesterday"}, "status.createdAt", id="a time that is none"),
    ],
)
def test_a_status_that_does_not_fit_is_refused(fresh: Credentials, status: dict[str, Any], field: str) -> None:
    refused = fresh.patch_status(status)

    assert isinstance(refused, Refused)
    assert field in refused.says

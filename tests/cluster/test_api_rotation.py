"""What the API server says about mistakes in spec.rotation: one sentence each, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from cluster.credentials import Credentials, Refused, credential, credentials_of
from controlplane.clusters import Cluster

DURATION: Final = (
    "a duration is hours, minutes and seconds in this order, such as 168h, 1h30m or 0s, and at most 87600h"
)
FINGERPRINT: Final = "rollbackTo must be a whole fingerprint as status.previous.fingerprint shows it"
PREPARE: Final = "prepare must be shorter than every, or the next key would be due before it is used"
EVERY: Final = "every must be at least 1h; to replace the key once, raise serial instead"
ONLY_GENERATE: Final = "rotation.every is only for generate, since any other key has to be brought by you"


@pytest.fixture(scope="module")
def server(cluster: Cluster) -> Iterator[Credentials]:
    with credentials_of(cluster, "default") as server:
        yield server


@pytest.mark.parametrize(
    ("rotation", "field", "sentence"),
    [
        pytest.param({"serial": -1}, "serial", "should be greater than or equal to 0", id="a negative serial"),
        pytest.param({"every": "5m"}, "every", EVERY, id="a schedule of minutes"),
        pytest.param({"every": "0s"}, "every", EVERY, id="a schedule of nothing"),
        pytest.param({"every": "1 day"}, "every", DURATION, id="a schedule in words"),
        pytest.param({"every": ""}, "every", DURATION, id="an empty schedule"),
        pytest.param({"every": "99999h"}, "every", DURATION, id="a schedule of more than ten years"),
        pytest.param({"prepare": "1d"}, "prepare", DURATION, id="an announcement in days"),
        pytest.param({"prepare": "-1h"}, "prepare", DURATION, id="a negative announcement"),
        pytest.param({"overlap": "1 day"}, "overlap", DURATION, id="an overlap in words"),
        pytest.param({"overlap": "1m1h"}, "overlap", DURATION, id="minutes before hours"),
        pytest.param({"overlap": "x", "every": "6h"}, "overlap", DURATION, id="beside a schedule"),
        pytest.param({"every": "2h", "prepare": "2h", "overlap": "2h"}, "prepare", PREPARE, id="announced for as long"),
        pytest.param({"rollbackTo": ""}, "rollbackTo", FINGERPRINT, id="an empty fingerprint"),
        pytest.param({"rollbackTo": "SHA256:" + "A" * 42}, "rollbackTo", FINGERPRINT, id="a fingerprint that is cut"),
        pytest.param({"rollbackTo": "SHA256:" + "A" * 42 + "B"}, "rollbackTo", FINGERPRINT, id="a slip at its end"),
        pytest.param({"rollbackTo": "A" * 43}, "rollbackTo", FINGERPRINT, id="a fingerprint without its method"),
        pytest.param({"rollbackTo": "MD5:aa:bb"}, "rollbackTo", FINGERPRINT, id="a fingerprint of another method"),
    ],
)
def test_a_mistake_gives_one_clear_sentence(
    server: Credentials, rotation: dict[str, Any], field: str, sentence: str
) -> None:
    refused = server.attempt(credential({"generate": {}, "rotation": rotation}))

    assert isinstance(refused, Refused)
    [cause] = refused.causes
    assert cause.startswith(f"spec.rotation.{field}: Invalid value: ")
    assert sentence in cause


def test_a_schedule_is_not_for_keys_that_people_bring(server: Credentials) -> None:
    imported = {"importFrom": {"privateKey": {"secretName": "my-key"}}}

    refused = server.attempt(credential(imported | {"rotation": {"every": "24h"}}))

    assert isinstance(refused, Refused)
    [cause] = refused.causes
    assert ONLY_GENERATE in cause


@pytest.mark.parametrize(
    "rotation",
    [
        pytest.param({"serial": 2**63 - 1}, id="the highest serial"),
        pytest.param({"every": "1h", "overlap": "4h", "prepare": "59m59s"}, id="the shortest schedule"),
        pytest.param({"every": "1h"}, id="the shortest schedule with the default overlap"),
        pytest.param({"every": "87600h", "overlap": "87600h"}, id="the longest schedule"),
        pytest.param({"prepare": "87600h"}, id="the longest announcement"),
        pytest.param({"rollbackTo": "SHA256:" + "A" * 43}, id="a fingerprint"),
    ],
)
def test_this_may_be_asked_for(server: Credentials, rotation: dict[str, Any]) -> None:
    stored = server.attempt(credential({"generate": {}, "rotation": rotation}))

    assert not isinstance(stored, Refused), stored
    assert rotation.items() <= stored["spec"]["rotation"].items()


@pytest.mark.parametrize(
    ("serial", "says"),
    [("2", "must be of type integer"), (1.5, "must be of type int"), (10**19, "must be of type int")],
    ids=["text", "half a key", "beyond all numbers"],
)
def test_a_serial_that_is_no_whole_number_is_refused(server: Credentials, serial: object, says: str) -> None:
    refused = server.attempt(credential({"generate": {}, "rotation": {"serial": serial}}))

    assert isinstance(refused, Refused)
    assert f"spec.rotation.serial in body {says}" in refused.says

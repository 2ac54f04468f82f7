"""`client`: what says 200 and is no answer of an API server is a refusal like that of nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final

import pytest

from sshcredential_operator.client.exports import answer_of, list_of, object_of
from sshcredential_operator.client.refused import NO_ANSWER, Refused

NOBODY: Final = Refused(None, NO_ANSWER)
NAMES: Final = {"namespace": "genomics", "name": "hpc-login", "uid": "1", "resourceVersion": "2"}
OBJECT: Final = {"metadata": NAMES}
LIST: Final = {"metadata": {}, "items": [OBJECT]}
Read = Callable[[Callable[[], Any]], dict[str, Any] | Refused]


def sent(answer: object) -> Callable[[], Any]:
    return lambda: SimpleNamespace(data=json.dumps(answer).encode())


@pytest.mark.parametrize(
    ("read", "answer"),
    [
        pytest.param(answer_of, {"metadata": {}, "status": "Success"}, id="a Status"),
        pytest.param(object_of, OBJECT, id="an object"),
        pytest.param(list_of, LIST, id="a list"),
        pytest.param(list_of, LIST | {"items": []}, id="an empty list"),
    ],
)
def test_an_answer_is_taken_as_it_comes(read: Read, answer: dict[str, Any]) -> None:
    assert read(sent(answer)) == answer


@pytest.mark.parametrize(
    ("read", "answer"),
    [
        pytest.param(answer_of, {}, id="nothing"),
        pytest.param(answer_of, [], id="a list of nothing"),
        pytest.param(answer_of, {"metadata": "hpc-login"}, id="metadata that are a text"),
        pytest.param(object_of, {"metadata": {}, "status": "Success"}, id="a Status for an object"),
        *(
            pytest.param(object_of, {"metadata": NAMES | {member: None}}, id=f"an object without its {member}")
            for member in NAMES
        ),
        pytest.param(list_of, OBJECT, id="an object for a list"),
        pytest.param(list_of, LIST | {"items": None}, id="items that are none"),
        pytest.param(list_of, LIST | {"items": [OBJECT, {"metadata": {}}]}, id="an item without a name"),
        pytest.param(list_of, LIST | {"items": ["hpc-login"]}, id="items that are texts"),
    ],
)
def test_what_is_no_answer_is_a_refusal(read: Read, answer: object) -> None:
    assert read(sent(answer)) == NOBODY


def test_what_is_no_json_is_a_refusal() -> None:
    assert answer_of(lambda: SimpleNamespace(data=b"<html>")) == NOBODY

"""`client/refused.py`: one sentence of the server's for a person, and nothing that a terminal would obey."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sshcredential_operator.client.refused import NO_ANSWER, NOT_SERVED, UNKNOWN_USER, Refused, refused


def status(message: str, *causes: tuple[str, str]) -> str:
    found = [{"field": field, "message": says} for field, says in causes]
    return json.dumps({"kind": "Status", "message": message, "details": {"causes": found}})


@pytest.mark.parametrize(
    ("code", "body", "sentence"),
    [
        pytest.param(
            403,
            status("x is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: you may not"),
            "you may not",
            id="a policy",
        ),
        pytest.param(403, status('User "a" cannot patch'), 'User "a" cannot patch', id="no right at all"),
        pytest.param(
            422,
            status("x is invalid", ("spec.url", 'Invalid value: "https://a:\\"b@c": give another'), ("<nil>", "rest")),
            "spec.url: give another",
            id="a rule, without the value",
        ),
        pytest.param(
            422,
            status("x is invalid", ("spec", 'Invalid value: {"profile":"a"}: give one'), ("spec.url", "Too long: 9")),
            "spec: give one; spec.url: Too long: 9",
            id="two rules",
        ),
        pytest.param(422, status("x is invalid"), "x is invalid", id="no rule"),
        pytest.param(404, status('namespaces "g" not found'), 'namespaces "g" not found', id="no such namespace"),
        pytest.param(404, "404 page not found\n", NOT_SERVED, id="no such kind"),
        pytest.param(401, status("Unauthorized"), UNKNOWN_USER, id="a stranger"),
        pytest.param(409, status("2 conflicts:\n- a\n- b"), "2 conflicts: - a - b", id="several lines"),
        pytest.param(500, status("a\x1b[31mb\u202e"), "a?[31mb?", id="what a terminal would obey"),
        pytest.param(503, "<html>", "the API server answered 503", id="a proxy's page"),
        pytest.param(503, b"[]", "the API server answered 503", id="a list"),
    ],
)
def test_a_refusal_is_one_sentence(code: int, body: Any, sentence: str) -> None:
    assert refused(code, body) == Refused(code, sentence)


@pytest.mark.parametrize("code", [None, 0])
def test_nobody_answers(code: int | None) -> None:
    assert refused(code, "(library's text)") == Refused(None, NO_ANSWER)

"""Plans are data: an id says all of a plan, and a seed says which plans are drawn."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from faultproxy.scopes import Asked
from faults.misuse import Misuse, misuses, odd_values
from faults.operations import OPERATIONS
from faults.phases import PHASES
from faults.plan import Plan, Strike
from faults.plans import ELECTED, drawn, every_plan
from faults.signatures import Signature, event_role, signature_of

PLACES = {"work-1": "workspace", "own-1": "own"}
SECRET = Signature("POST", "secrets", "", "workspace", "hpc-sshcredential")
STATUS = Signature("PATCH", "sshcredentials", "status", "workspace", "hpc")
WATCH = Signature("WATCH", "sshcredentials", "", "workspace", "all")
EVENT = Signature("EVENT", "sshcredentials", "", "workspace", "ADDED-hpc")
LEARNED: Mapping[str, list[Signature]] = {
    **{name: [SECRET, STATUS, EVENT, WATCH] for name in OPERATIONS},
    **{f"{name}/elected": [SECRET] for name in ELECTED},
}


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "signature"),
    [
        ("GET", "/api/v1/namespaces/work-1", {}, b"", "GET:namespaces::cluster:workspace:1"),
        ("GET", "/api/v1/namespaces/work-1/secrets", {}, b"", "LIST:secrets::workspace:all:1"),
        (
            "GET",
            "/api/v1/namespaces/own-1/secrets",
            {"fieldSelector": "type=sshcredentials.dev/kek"},
            b"",
            "LIST:secrets::own:kek:1",
        ),
        (
            "GET",
            "/api/v1/namespaces/work-1/secrets",
            {"watch": "true", "fieldSelector": "type=sshcredentials.dev/credential"},
            b"",
            "WATCH:secrets::workspace:credential:1",
        ),
        (
            "POST",
            "/api/v1/namespaces/own-1/secrets",
            {},
            b'{"metadata":{"name":"sshcredential-kek-0f-1"}}',
            "POST:secrets::own:kek:1",
        ),
        (
            "PATCH",
            "/apis/sshcredentials.dev/v1alpha1/namespaces/work-1/sshcredentials/hpc/status",
            {},
            b"{}",
            "PATCH:sshcredentials:status:workspace:hpc:1",
        ),
        ("GET", "/apis/sshcredentials.dev/v1alpha1", {}, b"", "GET:sshcredentials.dev::cluster::1"),
    ],
    ids=["a namespace", "a list", "a list by type", "a watch", "what a body names", "a status", "what is served"],
)
def test_a_request_is_known_again_in_another_run(
    method: str, path: str, query: dict[str, str], body: bytes, signature: str
) -> None:
    found = signature_of(Asked(method, path, query, path, body), PLACES)
    assert str(found) == signature
    assert Signature.of(signature) == found


def test_an_event_is_known_by_its_type_and_object() -> None:
    assert event_role(b'{"type":"ADDED","object":{"metadata":{"name":"hpc"}}}') == "ADDED-hpc"
    assert event_role(b'{"type":"BOOKMARK","object":{"metadata":{}}}') == ""
    assert event_role(b"half a li") == ""


@pytest.mark.parametrize(
    "plan",
    [
        Plan("generate"),
        Plan("rotate", "two", (Strike(SECRET, "crash-applied"),)),
        Plan("rotate", "elected", (Strike(SECRET, "freeze"), Strike(STATUS._replace(nth=2), "answer-429", 3)), -600),
        Plan(str(Misuse("rotation.serial", "most", "rotated"))),
    ],
    ids=lambda plan: plan.id,
)
def test_an_id_says_all_of_a_plan(plan: Plan) -> None:
    assert Plan.of(plan.id) == plan


def test_every_plan_has_an_id_of_its_own_and_phases_that_there_are() -> None:
    plans = [plan for kind in every_plan(LEARNED, 1).values() for plan in kind]
    assert all(Plan.of(plan.id) == plan for plan in plans)
    assert {strike.phase for plan in plans for strike in plan.strikes} == PHASES.keys()
    single = [plan.id for plan in plans if len(plan.strikes) == 1 and plan.cast == "one" and not plan.wall]
    assert len(single) == len(set(single))


def test_a_seed_says_which_plans_are_drawn_and_none_of_the_kinds_is_left_out() -> None:
    plans = every_plan(LEARNED, 7)
    taken = drawn(plans, 200, 7)
    assert taken == drawn(every_plan(LEARNED, 7), 200, 7)
    assert taken != drawn(plans, 200, 8)
    assert len(taken) == 200
    assert all(set(kind) & set(taken) for kind in plans.values())


def test_every_field_of_the_spec_is_misused() -> None:
    fields = {misuse.field for misuse in misuses()}
    assert {
        "rotation.serial",
        "generate.algorithm",
        "generate.bits",
        "suspend",
        "name",
        "sealed",
        "importFrom",
    } <= fields
    assert all(Misuse.of(str(misuse)) == misuse for misuse in misuses())


def test_values_lie_at_and_beyond_the_bounds_that_the_schema_names() -> None:
    odd = odd_values("description", {"type": "string", "maxLength": 9})
    assert (len(odd["longest"]), len(odd["too-long"])) == (9, 10)
    odd = odd_values("serial", {"type": "integer", "minimum": 2})
    assert (odd["below-least"], odd["least"]) == (1, 2)

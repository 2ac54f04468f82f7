"""Mistakes with a spec: each field of the CRD with each value that is odd, from several states, and then taken back.

Taking back must recover, with the key that was there. Fields and their bounds are read from the CRD, so that a new
field is misused from its first day. Used by `plans`, and by `performance` to run one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import yaml

from cluster.credentials import Refused
from cluster.shown import Object, answered, generated, reason_of
from controlplane.clusters import CRDS
from faults.operations import HPC, Operation, ready, ready_and_rotated, settled, started
from faults.run import Wanted
from faults.scene import Scene
from sshcredential_operator.api.names import PLURAL
from sshcredential_operator.api.reasons import COURSE, Course, Reason

PREFIX: Final = "misuse:"
STATES: Final = ("new", "ready", "rotated", "staged")
DURATIONS: Final = frozenset({"every", "prepare", "overlap", "deletionGracePeriod"})
OVER_INT64: Final = 2**63
SOURCES: Final[dict[str, Object]] = {
    "importFrom": {"generate": None, "importFrom": {"privateKey": {"secretName": "nobody-brings-it"}}},
    "sealed": {"generate": None, "sealed": {"privateKey": "a.b.c.d.e"}},
    "two-sources": {"importFrom": {"privateKey": {"secretName": "nobody-brings-it"}}},
    "no-source": {"generate": None},
}
_REMOVED: Final = object()


class Misuse(NamedTuple):
    """One mistake: the field, which value by its name, and the state that it is made in."""

    field: str
    value: str
    state: str

    def __str__(self) -> str:
        return f"{PREFIX}{self.field}={self.value}@{self.state}"

    @classmethod
    def of(cls, text: str) -> Misuse:
        """Read what `str` has written."""
        field, _, rest = text.removeprefix(PREFIX).partition("=")
        value, _, state = rest.rpartition("@")
        return cls(field, value, state)


def misuses() -> list[Misuse]:
    """Return all of them."""
    fields = {path: odd_values(path, schema) for path, schema in _leaves(_spec_schema(), "")}
    values = fields | {source: {"instead": None} for source in SOURCES}
    return [Misuse(field, value, state) for field, odd in values.items() for value in odd for state in STATES]


def operation_of(text: str) -> Operation:
    """Return the operation of an id."""
    misuse = Misuse.of(text)
    patch = SOURCES[misuse.field] if misuse.field in SOURCES else _patch_of(misuse)
    prepare = {"new": started, "ready": ready, "rotated": ready_and_rotated, "staged": _staged}[misuse.state]
    return Operation(lambda scene: _make_and_take_back(scene, misuse, patch), prepare)


def odd_values(path: str, schema: Object) -> dict[str, Any]:
    """Return values that are wrong, at a bound, or others than usual, by what they are called."""
    name, kind = path.rpartition(".")[2], schema["type"]
    found: dict[str, Any] = {"removed": _REMOVED, "list": []}
    if kind in {"string", "boolean"}:
        found["number"] = 7
    if kind == "string":
        found |= _odd_texts(name, schema)
    elif kind == "integer":
        least = schema.get("minimum", 0)
        found |= {"below-least": least - 1, "least": least, "more": least + 3, "most": OVER_INT64 - 1}
        found |= {"above-most": OVER_INT64, "text": "1", "fraction": 1.5}
    elif kind == "boolean":
        found |= {"true": True, "false": False, "text": "true"}
    else:
        found |= {"text": "x", "unknown-member": {"nobodyKnowsThis": 1}}
    return found


def _odd_texts(name: str, schema: Object) -> dict[str, Any]:
    longest = schema.get("maxLength", 64)
    if choices := schema.get("enum"):
        return {"empty": "", "unknown": "Wrong", **{choice: choice for choice in choices}}
    if name in DURATIONS:
        lengths = ("0s", "1s", "1h", "1h30m", "87600h", "87601h", "-1h", "1d", "30m1h", "9999999999s")
        return {"empty": "", "words": "soon", **{text: text for text in lengths}}
    texts = {"empty": "", "short": "x", "blank": " x ", "line-break": "x\ny", "not-ascii": "schlüssel", "nul": "x\0y"}
    return texts | {"longest": "x" * longest, "too-long": "x" * (longest + 1), "bidi": "x\u202ey"}


def _spec_schema() -> Object:
    (crd,) = (yaml.safe_load(file.read_text()) for file in CRDS.glob(f"*_{PLURAL}.yaml"))
    schema: Object = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return schema


def _leaves(schema: Object, path: str) -> Iterator[tuple[str, Object]]:
    for name, member in schema["properties"].items():
        where = f"{path}.{name}" if path else name
        if where in SOURCES:
            continue
        yield where, member
        if "properties" in member:
            yield from _leaves(member, where)


def _patch_of(misuse: Misuse) -> Object:
    schemas = dict(_leaves(_spec_schema(), ""))
    value = odd_values(misuse.field, schemas[misuse.field])[misuse.value]
    patch: Any = None if value is _REMOVED else value
    for name in reversed(misuse.field.split(".")):
        patch = {name: patch}
    found: Object = patch
    return found


def _staged(scene: Scene) -> None:
    ready(scene, rotation={"prepare": "1h"})
    scene.users.edit(HPC, {"rotation": {"serial": 1}})
    scene.until(lambda: (scene.credential(HPC) or {})["status"].get("next"), "the next key is announced")
    scene.want(hpc=Wanted(serial=1, keys=2))
    settled(scene)


def _make_and_take_back(scene: Scene, misuse: Misuse, patch: Object) -> None:
    if misuse.state == "new":
        scene.users.create(HPC, generated())
        scene.want(hpc=Wanted())
    before = scene.users.desk.get(HPC)
    answer = scene.users.edit(HPC, patch)
    if isinstance(answer, Refused):
        assert len(answer.says) > 20, f"the API server refuses without a word: {answer}"
        return
    if answer["metadata"]["generation"] == before["metadata"]["generation"]:
        return  # it was so already
    generation = answer["metadata"]["generation"]
    scene.until(lambda: _is_answered(scene, generation), f"{misuse} is answered")
    taken_back = scene.users.replace_spec(HPC, before["spec"])
    assert not isinstance(taken_back, Refused), taken_back.says
    serial = answer["spec"]["rotation"]["serial"]
    wanted = scene.wanted[HPC]
    if serial > wanted.serial:
        # What is announced is the answer to it, too: no second key is made meanwhile.
        more = 0 if misuse.state == "staged" else 1
        scene.want(hpc=Wanted(serial=serial, keys=wanted.keys + more))


def _is_answered(scene: Scene, generation: int) -> bool:
    found = scene.credential(HPC)
    if found is None or found["metadata"]["generation"] < generation:
        return False
    if any(condition["reason"] == Reason.SUSPENDED for condition in found["status"]["conditions"]):
        return True
    return answered(found) and COURSE[Reason(reason_of(found))] in {Course.READY, Course.STOP, Course.WAIT}


def is_misuse(operation: str) -> bool:
    """Whether an operation is one of these."""
    return operation.startswith(PREFIX)

"""The CRDs' CEL rules, evaluated by a library. Used by `schema`."""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from typing import Any, Final

import celpy
from celpy.adapter import json_to_cel
from celpy.evaluation import CELEvalError

TRANSITION: Final = re.compile(r"\boldSelf\b")
"""A rule about a change; it does not apply to an object that is made."""
_REMEMBERED: Final = 4096
_MEMBER: Final = re.compile(r"\bself\.([A-Za-z_]\w*)")
_PRESENCE: Final = re.compile(r"\bhas\(self\.([A-Za-z_]\w*)\)")
_WHOLE: Final = re.compile(r"\bself\b(?!\.[A-Za-z_])")


def applies(rule: str) -> bool:
    """Whether a rule is about the object alone."""
    return TRANSITION.search(rule) is None


def holds(rule: str, value: Any) -> bool:  # noqa: ANN401 - any JSON
    """Whether a rule is true of a value; one that cannot be evaluated is not, as on the API server."""
    return _holds(rule, json.dumps(_asked_for(rule, value)))


def _asked_for(rule: str, value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return the members of a mapping that the rule names, so that equal ones are recognised.

    Where it asks only whether a member is there, its value makes no difference.
    """
    if not isinstance(value, dict) or _WHOLE.search(rule):
        return value
    read = set(_MEMBER.findall(_PRESENCE.sub("", rule)))
    named = sorted(set(_MEMBER.findall(rule)) & value.keys())
    return {name: value[name] if name in read else True for name in named}


def _number(digits: str) -> int | float:
    """Return a number as the API server reads it: what is no integer of 64 bits becomes a float."""
    number = int(digits)
    return number if -(1 << 63) <= number < 1 << 63 else float(digits)


@lru_cache(_REMEMBERED)
def _holds(rule: str, value: str) -> bool:
    """Most values are defaults, and come again with every object."""
    try:
        return bool(_program(rule).evaluate({"self": json_to_cel(json.loads(value, parse_int=_number))}))
    except CELEvalError:
        return False


@cache
def _program(rule: str) -> celpy.Runner:
    environment = celpy.Environment()  # its interpreter: the compiler takes an absent member for an error
    return environment.program(environment.compile(rule))

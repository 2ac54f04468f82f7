"""Every planted bug still fits the product, and can be taken out again. Whether each is caught: `test_planted`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

import sshcredential_operator.cli.operator  # noqa: F401 - all that a bug may be planted into
from faults.planted import PLANTED, DoesNotFit
from faults.planted_ground import PACKAGE, original, replace

LEAST = 24


def product() -> dict[tuple[str, str], Any]:
    """Return what every name of the package stands for, members of classes included."""
    found = {}
    for module in [module for name, module in sys.modules.items() if name.split(".")[0] == PACKAGE]:
        for name, value in vars(module).items():
            found[module.__name__, name] = value
            if isinstance(value, type) and value.__module__ == module.__name__:
                found |= {(f"{module.__name__}.{name}", member): what for member, what in vars(value).items()}
            if isinstance(value, dict) and not name.startswith("__"):
                found |= {(f"{module.__name__}.{name}", repr(key)): what for key, what in value.items()}
    return found


def differs(before: dict[tuple[str, str], Any], after: dict[tuple[str, str], Any]) -> list[tuple[str, str]]:
    return [place for place, value in before.items() if after.get(place) is not value]


def test_there_are_enough_of_them() -> None:
    assert len(PLANTED) >= LEAST


@pytest.mark.parametrize("name", PLANTED)
def test_a_bug_says_what_it_is_how_it_shows_and_who_catches_it(name: str) -> None:
    bug = PLANTED[name]
    assert bug.says.endswith(".")
    assert "\n" not in bug.says
    assert bug.plan.partition("~")[1]
    assert bug.caught_by


@pytest.mark.parametrize("name", PLANTED)
def test_a_bug_fits_the_product_and_can_be_taken_out_again(name: str) -> None:
    before = product()
    with PLANTED[name].planted():
        assert differs(before, product()), "nothing was planted"
    assert differs(before, product()) == []


def test_a_function_is_replaced_wherever_it_is_known() -> None:
    ended = original("reconcile.rotation:ended")
    places = [place for place, value in product().items() if value is ended]
    assert len(places) > 2
    before = product()
    with PLANTED["previous-key-ends-early"].planted():
        assert set(places) <= set(differs(before, product()))


def no_such_parameter(record: Any) -> Any:
    return record


@pytest.mark.parametrize(
    ("target", "worse"),
    [
        pytest.param("reconcile.rotation:no_such_name", no_such_parameter, id="a name that is gone"),
        pytest.param("controller.ports:ApiSecrets.no_such_name", no_such_parameter, id="a method that is gone"),
        pytest.param("reconcile.rotation:ended", no_such_parameter, id="other parameters"),
    ],
)
def test_a_bug_that_no_longer_fits_is_an_error(target: str, worse: Callable[..., Any]) -> None:
    with pytest.raises(DoesNotFit):
        replace(target, worse)

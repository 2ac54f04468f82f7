"""How a bug is planted: something of the product is replaced by something worse, wherever it is known by then.

What is to be replaced is named, and has to be there with the same parameters: a bug that no longer fits is an error.
Used by the `planted_*` modules.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

PACKAGE: Final = "sshcredential_operator"

Undo = Callable[[], None]
_undone_by: list[Undo] = []


class DoesNotFit(Exception):
    """The product has no such thing any more, or it takes other parameters."""


@dataclass(frozen=True)
class PlantedBug:
    """One bug, which plan shows it, and which oracles say so."""

    name: str
    says: str
    plan: str
    """The id of the plan that shows it."""
    caught_by: frozenset[str]
    """At least these."""
    plant: Callable[[], None]
    """Plant it in this process, for good."""

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Plant it, and take it out again."""
        del _undone_by[:]
        try:
            self.plant()
            yield
        finally:
            while _undone_by:
                _undone_by.pop()()


PLANTED: Final[dict[str, PlantedBug]] = {}


def bug(name: str, plan: str, *caught_by: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register a function that plants a bug; its docstring says what the bug is."""

    def register(plant: Callable[[], None]) -> Callable[[], None]:
        assert name not in PLANTED, name
        says = (plant.__doc__ or "").strip()
        PLANTED[name] = PlantedBug(name, says, plan, frozenset(caught_by), plant)
        return plant

    return register


def original(target: str) -> Any:
    """Return what a name stands for: `reconcile.rotation:ended`, `controller.ports:ApiSecrets.create`."""
    holder, name = _holder_of(target)
    return vars(holder)[name] if inspect.isclass(holder) else getattr(holder, name)


def replace(target: str, worse: Any) -> None:
    """Put something worse in its place: in its class, or in every module, table and tuple that has taken it over."""
    holder, name = _holder_of(target)
    before = original(target)
    if inspect.isfunction(before) and inspect.isfunction(worse):
        _same_parameters(target, before, worse)
    if inspect.isclass(holder):
        _set(holder, name, worse)
        return
    for module in _modules():
        for attribute, value in list(vars(module).items()):
            if value is before:
                _set(module, attribute, worse)
            elif isinstance(value, tuple) and any(one is before for one in value) and type(value) is tuple:
                _set(module, attribute, tuple(worse if one is before else one for one in value))
            elif isinstance(value, dict):
                _replace_in(value, before, worse)


def wrap(target: str, make: Callable[[Any], Any]) -> None:
    """Put something in its place that is made of it."""
    replace(target, make(original(target)))


def leave_out(target: str) -> None:
    """Let a check have nothing to say, ever."""
    replace(target, lambda *_: None)


def _holder_of(target: str) -> tuple[Any, str]:
    module, _, path = target.partition(":")
    holder: Any = importlib.import_module(f"{PACKAGE}.{module}")
    *way, name = path.split(".")
    try:
        for step in way:
            holder = getattr(holder, step)
        getattr(holder, name)
    except AttributeError:
        raise DoesNotFit(target) from None
    return holder, name


def _same_parameters(target: str, before: Any, worse: Any) -> None:
    had, has = (list(inspect.signature(one).parameters.values()) for one in (before, worse))
    if any(parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD} for parameter in has):
        return
    if [_shape(parameter) for parameter in had] != [_shape(parameter) for parameter in has]:
        raise DoesNotFit(f"{target} takes {[p.name for p in had]}")


def _shape(parameter: inspect.Parameter) -> tuple[object, str]:
    return parameter.kind, parameter.name if parameter.kind is parameter.KEYWORD_ONLY else ""


def _modules() -> list[Any]:
    return [module for name, module in list(sys.modules.items()) if name.split(".")[0] == PACKAGE]


def _set(holder: Any, name: str, value: Any) -> None:
    before = vars(holder)[name]
    setattr(holder, name, value)
    _undone_by.append(lambda: setattr(holder, name, before))


def _replace_in(table: Mapping[Any, Any], before: Any, worse: Any) -> None:
    assert isinstance(table, dict)
    for key in [key for key, value in table.items() if value is before]:
        table[key] = worse
        _undone_by.append(lambda key=key: table.__setitem__(key, before))  # type: ignore[misc]  # mypy cannot infer it

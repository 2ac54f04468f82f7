"""Rules about the shape of one module, each a function from its source to what breaks it. `test_shape` applies them."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MODULE_LINES: Final = 200
MODULE_LINES_AT_MOST: Final = 250
FUNCTION_LINES: Final = 40
FUNCTION_LINES_AT_MOST: Final = 50

EMPTY_NAMES: Final = frozenset({"base", "helper", "helpers", "manager", "managers", "util", "utils"})
UNFINISHED: Final = re.compile(r"\b(?:TODO|FIXME|XXX|NotImplementedError)\b")
SILENCED: Final = re.compile(r"#\s*(?:noqa\b|type:\s*ignore\b)")
SILENCED_WITH_REASON: Final = re.compile(r"# noqa: [A-Z0-9, ]+ - \w+|# type: ignore\[[a-z, -]+\]  # \w+")
TRACEBACK_TEXTS: Final = frozenset(
    {"format_exc", "format_exception", "format_exception_only", "print_exc", "print_exception", "TracebackException"}
)
TO_TEXT: Final = frozenset(
    {"str", "repr", "format", "print", "echo", "debug", "info", "warning", "error", "critical", "log"}
)


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file, read and parsed once."""

    path: Path
    text: str
    tree: ast.Module

    @classmethod
    def parse(cls, path: Path, text: str) -> Module:
        """Return the module of this text."""
        return cls(path, text, ast.parse(text))

    @property
    def lines(self) -> int:
        """Number of lines, with comments and blank ones."""
        return len(self.text.splitlines())

    def functions(self) -> Iterator[tuple[str, int]]:
        """Yield each function's name and its number of lines, decorators apart."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


Rule = Callable[[Module], Iterator[str]]


def module_is_short(module: Module) -> Iterator[str]:
    """A module is one thing."""
    if module.lines > MODULE_LINES_AT_MOST:
        yield f"{module.lines} lines"


def functions_are_short(module: Module) -> Iterator[str]:
    """A function fits on a screen."""
    for name, lines in module.functions():
        if lines > FUNCTION_LINES_AT_MOST:
            yield f"{name} has {lines} lines"


def module_says_what_it_is_for(module: Module) -> Iterator[str]:
    """A reader learns from the first lines what a module is for and who calls it."""
    if not (ast.get_docstring(module.tree) or "").strip():
        yield "no docstring"


def names_say_what_things_are(module: Module) -> Iterator[str]:
    """A module or class is named by what it is, so that nothing is put there for want of a better place."""
    classes = [node.name for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]
    for name in (module.path.stem, *module.path.parent.parts, *classes):
        words = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)
        if EMPTY_NAMES.intersection(word.lower() for word in words):
            yield name


def no_bare_except(module: Module) -> Iterator[str]:
    """A bare except also takes the end of the process."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield f"line {node.lineno}"


def no_library_text_in_logs(module: Module) -> Iterator[str]:
    """Texts of exceptions and tracebacks may carry lines of a private key: they are never logged."""
    for node in ast.walk(module.tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="exception", value=logger), args=args) if (
                args or "log" in ast.unparse(logger).lower()
            ):
                yield f"line {node.lineno}: exception()"
            case ast.keyword(arg="exc_info", value=value) if not (
                isinstance(value, ast.Constant) and value.value in {False, None}
            ):
                yield f"line {node.lineno}: exc_info"
            case ast.Attribute(attr=name) | ast.alias(name=name) if name in TRACEBACK_TEXTS:
                yield f"line {node.lineno}: {name}"


def no_exception_is_formatted(module: Module) -> Iterator[str]:
    """A caught exception is mapped to a reason; its text goes nowhere."""
    for handler in ast.walk(module.tree):
        if isinstance(handler, ast.ExceptHandler) and handler.name:
            for node in ast.walk(handler):
                if _formats(node, handler.name):
                    yield f"line {getattr(node, 'lineno', handler.lineno)}: {handler.name}"


def _formats(node: ast.AST, name: str) -> bool:
    """Tell whether this node turns the named variable into text or hands it to a logger."""
    match node:
        case ast.FormattedValue(value=ast.Name(id=found)):
            return found == name
        case ast.Attribute(value=ast.Name(id=found), attr="args" | "__notes__"):
            return found == name
        case ast.Call(func=ast.Name(id=function) | ast.Attribute(attr=function), args=arguments) if function in TO_TEXT:
            return any(isinstance(argument, ast.Name) and argument.id == name for argument in arguments)
        case _:
            return False


def nothing_is_unfinished(module: Module) -> Iterator[str]:
    """What is not done is not in the code."""
    for number, line in enumerate(module.text.splitlines(), 1):
        if found := UNFINISHED.search(line):
            yield f"line {number}: {found[0]}"


def silenced_checks_say_why(module: Module) -> Iterator[str]:
    """`# noqa: CODE - why` and `# type: ignore[code]  # why`."""
    for number, line in enumerate(module.text.splitlines(), 1):
        if SILENCED.search(line) and not SILENCED_WITH_REASON.search(line):
            yield f"line {number}"


RULES: Final[tuple[Rule, ...]] = (
    module_is_short,
    functions_are_short,
    module_says_what_it_is_for,
    names_say_what_things_are,
    no_bare_except,
    no_library_text_in_logs,
    no_exception_is_formatted,
    nothing_is_unfinished,
    silenced_checks_say_why,
)

"""Which modules of the package reach which libraries, by their import statements. Used by `test_shape`."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from contract.tree import PACKAGE


def module_name(path: Path) -> str:
    """Return the dotted name of a file under the source root, given relative to the project's root."""
    parts = path.with_suffix("").parts[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(name: str, tree: ast.Module, *, is_package: bool = False) -> Iterator[str]:
    """Yield every dotted name that a module imports anywhere, also inside functions; relative ones resolved."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            anchor = name.split(".")
            kept = len(anchor) - node.level + is_package
            source = ".".join([*(anchor[:kept] if node.level else []), *([node.module] if node.module else [])])
            yield source
            yield from (f"{source}.{alias.name}" for alias in node.names)


def modules_reaching(libraries: frozenset[str], sources: Mapping[Path, str]) -> frozenset[Path]:
    """Return the files from which one of the libraries is reached, directly or through other files."""
    names = {module_name(path): path for path in sources}
    imports: dict[Path, set[str]] = {}
    for path, text in sources.items():
        name = module_name(path)
        imports[path] = set(imported(name, ast.parse(text), is_package=path.name == "__init__.py"))
    reached = {path for path, found in imports.items() if any(name.split(".")[0] in libraries for name in found)}
    while True:
        # Importing a.b.c also runs a and a.b.
        more = {
            path
            for path, found in imports.items()
            if path not in reached and any(names.get(parent) in reached for name in found for parent in _parents(name))
        }
        if not more:
            return frozenset(reached)
        reached |= more


def _parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    if parts[0] == PACKAGE:
        yield from (".".join(parts[: length + 1]) for length in range(len(parts)))

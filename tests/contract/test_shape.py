"""The package keeps its shape: small modules and functions, most of it pure, nothing that hides or leaks.

Every rule is first shown a planted violation, so that none can pass by not looking.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from contract.import_graph import modules_reaching
from contract.shape_rules import (
    FUNCTION_LINES,
    MODULE_LINES,
    RULES,
    Module,
    Rule,
    functions_are_short,
    module_is_short,
    module_says_what_it_is_for,
    names_say_what_things_are,
    no_bare_except,
    no_exception_is_formatted,
    no_library_text_in_logs,
    nothing_is_unfinished,
    silenced_checks_say_why,
)
from contract.tree import SOURCE_ROOT, package_files, text_of

SHELL = frozenset({"aiohttp", "kopf", "kubernetes", "paramiko"})
PLACE = Path("operator/sshcredential_operator/keys/parse.py")


@cache
def package() -> tuple[Module, ...]:
    return tuple(Module.parse(path, text_of(path)) for path in package_files())


def test_the_package_is_found() -> None:
    assert len(package()) > 10


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_package_keeps_the_rule(rule: Rule) -> None:
    broken = [f"{module.path}: {found}" for module in package() for found in rule(module)]
    assert not broken, "\n".join([rule.__doc__ or "", *broken])


def handler(line: str) -> str:
    return f"try:\n    work()\nexcept ValueError as error:\n    {line}\n"


PLANTED: list[tuple[Rule, str, str]] = [
    (module_is_short, "251 lines", "x = 1\n" * 251),
    (functions_are_short, "a function of 51 lines", "def f():\n" + "    x()\n" * 50),
    (functions_are_short, "an async method of 51 lines", "class C:\n  async def f():\n" + "    x()\n" * 50),
    (module_says_what_it_is_for, "code without a docstring", "x = 1\n"),
    (module_says_what_it_is_for, "a blank docstring", '"""  """\n'),
    (names_say_what_things_are, "a class KeyManager", "class KeyManager: ..."),
    (names_say_what_things_are, "a class BaseKey", "class BaseKey: ..."),
    (names_say_what_things_are, "a class KEKHelper", "class KEKHelper: ..."),
    (no_bare_except, "a bare except", "try:\n    x()\nexcept:\n    pass\n"),
    (no_library_text_in_logs, "logger.exception", "logger.exception('failed')"),
    (no_library_text_in_logs, "exception() on an unusual name", "self.out.exception('failed')"),
    (no_library_text_in_logs, "exc_info=True", "logger.error('failed', exc_info=True)"),
    (no_library_text_in_logs, "exc_info=error", "logger.error('failed', exc_info=error)"),
    (no_library_text_in_logs, "traceback.format_exc", "import traceback\ntext = traceback.format_exc()"),
    (no_library_text_in_logs, "print_exc imported", "from traceback import print_exc"),
    (no_exception_is_formatted, "an f-string", handler("raise Other(f'bad: {error}')")),
    (no_exception_is_formatted, "an f-string with !r", handler("log(f'bad: {error!r}')")),
    (no_exception_is_formatted, "str()", handler("status.message = str(error)")),
    (no_exception_is_formatted, "a log argument", handler("logger.warning('bad: %s', error)")),
    (no_exception_is_formatted, "args", handler("raise Other(error.args[0])")),
    (nothing_is_unfinished, "TODO", "x = 1  # TODO: more"),
    (nothing_is_unfinished, "NotImplementedError", "raise NotImplementedError"),
    (silenced_checks_say_why, "a bare noqa", "x = 1  # noqa"),
    (silenced_checks_say_why, "noqa without a reason", "x = 1  # noqa: S105"),
    (silenced_checks_say_why, "type: ignore without a reason", "x = 1  # type: ignore[assignment]"),
]


@pytest.mark.parametrize(("rule", "text"), [pytest.param(r, t, id=f"{r.__name__}: {i}") for r, i, t in PLANTED])
def test_planted_violation_is_seen(rule: Rule, text: str) -> None:
    assert list(rule(Module.parse(PLACE, text)))


def test_every_rule_has_a_planted_violation() -> None:
    assert {rule for rule, _, _ in PLANTED} == set(RULES)


@pytest.mark.parametrize("name", ["utils.py", "key_helpers.py", "base.py", "manager/__init__.py"])
def test_empty_module_name_is_seen(name: str) -> None:
    assert list(names_say_what_things_are(Module.parse(PLACE.parent / name, "")))


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (no_library_text_in_logs, "if task.exception(): stop()"),
        (no_library_text_in_logs, "logger.error('failed', exc_info=False)"),
        (no_exception_is_formatted, handler("raise Refused(Reason.CORRUPT) from None")),
        (no_exception_is_formatted, handler("reason = reason_of(error.status)")),
        (names_say_what_things_are, "class Base64Line: ..."),
        (silenced_checks_say_why, "x = 1  # noqa: S105 - a name"),
        (silenced_checks_say_why, "x = 1  # type: ignore[assignment]  # a hash would tell"),
    ],
)
def test_what_is_allowed_passes(rule: Rule, text: str) -> None:
    assert list(rule(Module.parse(PLACE, text))) == []


def test_hardly_a_module_is_longer_than_a_few_screens() -> None:
    long = [module.path for module in package() if module.lines > MODULE_LINES]
    assert len(long) <= len(package()) / 10, long


def test_hardly_a_function_is_longer_than_a_screen_and_most_are_much_shorter() -> None:
    functions = [found for module in package() for found in module.functions()]
    long = [name for name, lines in functions if lines > FUNCTION_LINES]
    assert len(long) <= len(functions) / 100, long
    assert sum(lines < FUNCTION_LINES / 2 for _, lines in functions) > len(functions) / 2


def test_most_of_the_package_reaches_no_framework_client_or_connection() -> None:
    reaching = modules_reaching(SHELL, {module.path: module.text for module in package()})
    pure = sum(module.lines for module in package() if module.path not in reaching)
    assert pure >= 0.6 * sum(module.lines for module in package()), sorted(map(str, reaching))


@pytest.mark.parametrize(
    ("imports", "reaches"),
    [
        pytest.param("import kopf", True, id="directly"),
        pytest.param("def f():\n    from kubernetes.aio import client", True, id="inside a function"),
        pytest.param("from sshcredential_operator.controller.shell import run", True, id="through another module"),
        pytest.param("from sshcredential_operator.controller import shell", True, id="through a package's module"),
        pytest.param("from ..controller import shell", True, id="through a relative import"),
        pytest.param("import sshcredential_operator.controller.middle", True, id="through two modules"),
        pytest.param("from sshcredential_operator.api import names", False, id="not at all"),
    ],
)
def test_reaching_a_library_is_seen(imports: str, *, reaches: bool) -> None:
    package_path = PLACE.parents[1]
    sources = {
        PLACE: imports,
        package_path / "api" / "names.py": "import enum",
        package_path / "controller" / "shell.py": "import kopf.reactor",
        package_path / "controller" / "middle.py": "from sshcredential_operator.controller import shell",
    }
    assert (PLACE in modules_reaching(SHELL, sources)) is reaches


def test_source_root_does_not_shadow_the_standard_library() -> None:
    assert SOURCE_ROOT.is_dir()
    assert not (SOURCE_ROOT / "__init__.py").exists()

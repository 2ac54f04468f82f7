"""What we rely on inside Kopf, in the version that is pinned. Whoever moves the pin starts here.

The tap of `controller/shell.py` stands in the place of a function that Kopf does not call public.
"""

from __future__ import annotations

import ast
import importlib.metadata
import inspect
import tomllib
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

import kopf
import pytest
from kopf._cogs.clients import errors, watching
from kopf._cogs.structs import references
from kopf._core.reactor import observation, queueing

from contract.tree import ROOT, package_files, text_of
from sshcredential_operator.api.names import GROUP, PLURAL, SECRET_TYPE, VERSION, CredentialKey, Namespace
from sshcredential_operator.controller import shell
from sshcredential_operator.controller.feeds import Behind, credential_feeds
from sshcredential_operator.controller.metrics import Metrics
from sshcredential_operator.controller.shell import Tap
from sshcredential_operator.controller.store import Store
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.controller.workspaces import KeyringWorkspaces

SECRETS = references.Resource("", "v1", "secrets", kind="Secret", singular="secret", namespaced=True)
CREDENTIALS = references.Resource(GROUP, VERSION, PLURAL, kind="SSHCredential", namespaced=True)


def test_the_version_is_the_one_that_was_looked_into() -> None:
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]

    assert "kopf==1.45.2" in dependencies
    assert importlib.metadata.version("kopf") == "1.45.2"


def test_only_the_shell_imports_kopf() -> None:
    importing = {path.name for path in package_files() if "kopf" in _imported(text_of(path))}

    assert importing == {"shell.py"}


def _imported(source: str) -> set[str]:
    found = set[str]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_what_there_is_is_asked_by_the_function_that_the_shell_stands_in_for() -> None:
    """`run_kopf` puts another one into that module."""
    assert "await scanning.scan_resources(" in inspect.getsource(observation.resource_observer)


def test_the_function_that_the_tap_stands_in_for_takes_what_the_tap_hands_on() -> None:
    parameters = inspect.signature(watching.infinite_watch).parameters

    assert inspect.isasyncgenfunction(watching.infinite_watch)
    assert list(parameters) == ["settings", "resource", "namespace", "operator_paused", "_iterations"]
    assert {parameter.kind for parameter in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}


def test_the_tap_takes_what_kopf_hands_to_that_function() -> None:
    [call] = calls_of("infinite_watch", queueing)
    handed = {keyword.arg for keyword in call.keywords}

    assert call.args == []
    assert handed == {"settings", "resource", "namespace", "operator_paused"}
    inspect.signature(Tap.infinite_watch).bind(None, **dict.fromkeys(map(str, handed)))


def test_kopf_calls_it_through_the_module_so_that_the_tap_is_found() -> None:
    [call] = calls_of("infinite_watch", queueing)

    assert ast.unparse(call.func) == "watching.infinite_watch"
    assert vars(queueing)["watching"] is watching is vars(shell)["watching"]


def calls_of(name: str, module: ModuleType) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == name
    ]


def test_the_end_of_a_list_is_a_mark_in_the_stream() -> None:
    assert isinstance(watching.Bookmark.LISTED, watching.Bookmark)
    assert "yield Bookmark.LISTED" in inspect.getsource(watching.continuous_watch)


def test_listed_objects_come_as_events_without_a_type() -> None:
    assert "yield {'type': None, 'object': obj}" in inspect.getsource(watching.continuous_watch)


def test_the_errors_that_the_tap_tells_apart_are_errors_of_the_api() -> None:
    assert issubclass(errors.APIForbiddenError, errors.APIError)
    assert issubclass(errors.APINotFoundError, errors.APIError)


async def test_one_iteration_is_one_list_and_its_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = 0

    async def continuous_watch(**_: Any) -> AsyncIterator[Any]:
        nonlocal begun
        begun += 1
        yield watching.Bookmark.LISTED

    monkeypatch.setattr(watching, "continuous_watch", continuous_watch)
    settings = kopf.OperatorSettings()
    settings.watching.reconnect_backoff = 0
    seen = [
        said
        async for said in watching.infinite_watch(settings=settings, resource=SECRETS, namespace=None, _iterations=1)
    ]

    assert (seen, begun) == ([watching.Bookmark.LISTED], 1)


class NoWorkspaces(KeyringWorkspaces):
    """Has nothing to forget."""

    def __init__(self) -> None:
        pass

    def forget(self, namespace: Namespace | None) -> None:
        pass


async def test_kopfs_watcher_really_gets_its_events_from_the_tap(monkeypatch: pytest.MonkeyPatch) -> None:
    """No event gets as far as Kopf's own machinery, whose processor would be called for it."""

    async def listed(**_: Any) -> AsyncIterator[Any]:
        yield {"type": None, "object": raw}
        yield watching.Bookmark.LISTED
        raise Stop

    class Stop(BaseException):
        pass

    async def processor(**_: Any) -> None:
        pytest.fail("an event came through")

    metadata = {"namespace": "genomics", "name": "hpc-login", "uid": "u", "resourceVersion": "1"}
    raw: Any = {"metadata": metadata, "spec": {"generate": {}}}
    monkeypatch.setattr(watching, "infinite_watch", listed)
    store, queue = Store(), WorkQueue[CredentialKey](share=1)
    tap = Tap(credential_feeds(Behind(store, queue, NoWorkspaces())), Metrics(store, queue))
    monkeypatch.setattr(watching, "infinite_watch", tap.infinite_watch)
    with pytest.raises(Stop):
        await queueing.watcher(
            namespace=references.NamespaceName("genomics"),
            settings=shell._settings(),
            resource=CREDENTIALS,
            processor=processor,
        )

    assert [credential.key.name for credential in store.credentials()] == ["hpc-login"]


def test_secrets_are_selected_by_their_type_at_the_server() -> None:
    selectors = shell._settings().watching.field_selectors

    assert list(selectors.collect(SECRETS)) == [f"type={SECRET_TYPE}"]
    assert list(selectors.collect(CREDENTIALS)) == []


def test_a_selector_by_the_documented_text_would_match_nothing() -> None:
    settings = kopf.OperatorSettings()
    settings.watching.field_selectors["v1/secrets"] = "type=x"

    assert list(settings.watching.field_selectors.collect(SECRETS)) == []


def test_kopf_does_nothing_that_writes() -> None:
    settings = shell._settings()

    assert settings.posting.enabled is False
    assert settings.peering.standalone is True
    assert settings.scanning.disabled is True


def test_errors_are_tried_again_a_few_times_and_then_handed_to_the_tap() -> None:
    backoffs = [list(shell._settings().networking.error_backoffs) for _ in range(2)]  # type: ignore[arg-type]  # iterable

    assert [len(waits) for waits in backoffs] == [3, 3]
    assert all(0 < wait <= 1 for waits in backoffs for wait in waits)


def test_watches_end_in_time_and_dead_ones_are_noticed() -> None:
    settings = shell._settings().watching

    assert settings.server_timeout
    assert settings.client_timeout
    assert settings.client_timeout > settings.server_timeout
    assert 60 < settings.inactivity_timeout <= 75

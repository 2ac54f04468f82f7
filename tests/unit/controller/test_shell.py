"""`controller/shell.py`: what Kopf lists and watches gets into store and queue, whatever a stream runs into."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import nullcontext, suppress
from typing import Any

import pytest
from kopf._cogs.clients import errors, watching
from kopf._cogs.structs import references

from sshcredential_operator.api.names import GROUP, PLURAL, SECRET_TYPE, VERSION, CredentialKey, Namespace
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller import shell as shell_module
from sshcredential_operator.controller.feeds import Behind, credential_feeds
from sshcredential_operator.controller.metrics import Metrics
from sshcredential_operator.controller.shell import REFUSALS, Tap
from sshcredential_operator.controller.store import Kind, Store
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.controller.workspaces import KeyringWorkspaces
from unit.controller.objects import GENOMICS, key, raw_credential

LISTED = watching.Bookmark.LISTED
A, B = key("aa"), key("bb")
CREDENTIALS = references.Resource(GROUP, VERSION, PLURAL, namespaced=True)
SECRETS = references.Resource("", "v1", "secrets", namespaced=True)

Script = list[Any]
"""What one list and its watch bring: events, the mark between them, an error as the end."""


class Workspaces(KeyringWorkspaces):
    """Remembers what was forgotten."""

    def __init__(self) -> None:
        self.forgotten: list[Namespace | None] = []

    def forget(self, namespace: Namespace | None) -> None:
        self.forgotten.append(namespace)


class End(BaseException):
    """The scripts are played; no Exception, so that the tap does not begin again."""


class Streams:
    """In the place of Kopf's streams: one script for each list and its watch."""

    def __init__(self) -> None:
        self.scripts: list[Script] = []
        self.asked: list[dict[str, Any]] = []

    async def infinite_watch(self, **asked: Any) -> AsyncIterator[Any]:
        self.asked.append(asked)
        if not self.scripts:
            raise End
        for said in self.scripts.pop(0):
            if isinstance(said, Exception):
                raise said
            yield said


class Shell:
    """A tap with everything behind it."""

    def __init__(self, streams: Streams) -> None:
        self.streams = streams
        self.store, self.queue, self.workspaces = Store(), WorkQueue[CredentialKey](share=100), Workspaces()
        self.metrics = Metrics(self.store, self.queue)
        self.tap = Tap(credential_feeds(Behind(self.store, self.queue, self.workspaces)), self.metrics)
        self.passed_on: list[Any] = []

    async def play(self, resource: references.Resource, *scripts: Script, namespace: Any = GENOMICS) -> None:
        """Let the tap follow one resource until the scripts are at their end."""
        self.streams.scripts = list(scripts)
        settings: Any = None
        stream = self.tap.infinite_watch(
            settings=settings, resource=resource, namespace=namespace, operator_paused="paused"
        )
        with suppress(End):
            async for said in stream:
                self.passed_on.append(said)
        assert not self.streams.scripts

    async def start(self, *credentials: dict[str, Any]) -> None:
        """Let both first lists come, with these credentials and no Secrets; nobody is left in the queue."""
        await self.play(CREDENTIALS, [*(seen(raw) for raw in credentials), LISTED])
        await self.play(SECRETS, [LISTED])
        self.taken()
        self.workspaces.forgotten.clear()

    def taken(self) -> set[CredentialKey]:
        """Take everything from the queue."""
        taken = set(iter(self.queue._next, None))
        for one in taken:
            self.queue.done(one)
        return taken


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Shell:
    streams = Streams()
    monkeypatch.setattr(watching, "infinite_watch", streams.infinite_watch)
    monkeypatch.setattr(random, "uniform", lambda *_: 0.0)
    return Shell(streams)


def seen(raw: dict[str, Any], type_: str | None = None) -> dict[str, Any]:
    return {"type": type_, "object": raw}


def raw_secret(name: str, version: int) -> dict[str, Any]:
    metadata = {"namespace": GENOMICS, "name": name, "uid": "u", "resourceVersion": str(version)}
    return {"metadata": metadata, "type": SECRET_TYPE, "data": {"record": "e30="}}


def refused(kind: type[errors.APIError], status: int) -> Exception:
    return kind("test-only-secret-value", status=status, headers={})


@pytest.mark.parametrize("first", [CREDENTIALS, SECRETS], ids=["credentials first", "Secrets first"])
async def test_nobody_is_looked_at_before_both_lists_are_complete(shell: Shell, first: references.Resource) -> None:
    scripts = {
        CREDENTIALS: [seen(raw_credential("aa", 1)), LISTED],
        SECRETS: [seen(raw_secret("bb-sshcredential", 2)), LISTED],
    }
    second = SECRETS if first is CREDENTIALS else CREDENTIALS
    await shell.play(first, scripts[first])
    assert shell.taken() == set()

    await shell.play(second, scripts[second][:1])
    assert shell.taken() == set()

    await shell.play(second, scripts[second])
    assert shell.taken() == {A, B}
    assert shell.store.credential(A)
    assert shell.store.secret(B)


async def test_kopf_hears_of_the_ends_of_lists_and_of_nothing_else(shell: Shell) -> None:
    events = [seen(raw_credential("aa", version), "MODIFIED") for version in (2, 3)]
    bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}}
    await shell.play(CREDENTIALS, [seen(raw_credential("aa", 1)), LISTED, *events, bookmark])

    assert shell.passed_on == [LISTED]


async def test_every_list_is_asked_of_kopf_as_kopf_asks_itself(shell: Shell) -> None:
    await shell.play(CREDENTIALS, [LISTED])

    assert shell.streams.asked[0] == {
        "settings": None,
        "resource": CREDENTIALS,
        "namespace": GENOMICS,
        "operator_paused": "paused",
        "_iterations": 1,
    }


async def test_an_event_asks_for_a_pass(shell: Shell) -> None:
    await shell.start()
    await shell.play(CREDENTIALS, [LISTED, seen(raw_credential("aa", 5), "ADDED")])
    assert shell.taken() == {A}
    await shell.play(SECRETS, [LISTED, seen(raw_secret("aa-sshcredential", 6), "ADDED")])
    assert shell.taken() == {A}
    await shell.play(CREDENTIALS, [LISTED, seen(raw_credential("aa", 7), "DELETED")])
    assert shell.taken() == {A}
    assert shell.store.credential(A) is None


@pytest.mark.parametrize("resource", [CREDENTIALS, SECRETS], ids=["credentials", "Secrets"])
async def test_a_revision_that_is_known_is_not_looked_into_when_it_comes_back(
    shell: Shell, resource: references.Resource, caplog: pytest.LogCaptureFixture
) -> None:
    await shell.start()
    whole = raw_credential("aa", 5) if resource is CREDENTIALS else raw_secret("aa-sshcredential", 5)
    names = ("namespace", "name", "resourceVersion")
    bare = {"metadata": {name: whole["metadata"][name] for name in names}}  # nobody could make anything of it
    await shell.play(resource, [LISTED, seen(whole, "ADDED"), seen(bare, "MODIFIED")])

    assert shell.taken() == {A}
    assert "could not be read" not in caplog.text


async def test_what_vanished_while_nobody_watched_is_swept_and_looked_at(shell: Shell) -> None:
    await shell.start(raw_credential("aa", 1), raw_credential("bb", 1))
    await shell.play(CREDENTIALS, [seen(raw_credential("aa", 1)), LISTED])

    assert shell.taken() == {B}
    assert shell.store.credential(B) is None


async def test_a_list_that_breaks_off_sweeps_nothing(shell: Shell) -> None:
    await shell.start(raw_credential("aa", 1), raw_credential("bb", 1))
    await shell.play(CREDENTIALS, [seen(raw_credential("aa", 1)), OSError()], [])

    assert shell.taken() == set()
    assert shell.store.credential(B)


ODD: list[Any] = [
    pytest.param({}, id="an empty object"),
    pytest.param({"metadata": None}, id="metadata that is null"),
    pytest.param({"metadata": {"namespace": "genomics"}}, id="no name"),
    pytest.param([], id="a list"),
    pytest.param(None, id="nothing"),
]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("resource", [CREDENTIALS, SECRETS], ids=["credentials", "Secrets"])
async def test_one_odd_object_does_not_stop_the_stream(
    shell: Shell, resource: references.Resource, odd: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await shell.start()
    good = raw_credential("aa", 5) if resource is CREDENTIALS else raw_secret("aa-sshcredential", 5)
    await shell.play(resource, [LISTED, seen(odd, "MODIFIED"), seen(good, "MODIFIED")])

    assert shell.taken() == {A}
    assert "an object could not be read" in caplog.text
    assert len(shell.streams.asked) == 6


async def test_an_odd_status_is_no_odd_object(shell: Shell) -> None:
    await shell.start()
    raw = raw_credential("aa", 5, status={"conditions": [1, None], "notes": 7})
    await shell.play(CREDENTIALS, [LISTED, seen(raw, "MODIFIED")])

    assert shell.taken() == {A}


async def test_a_secret_of_our_type_with_a_strange_name_is_nobodys(shell: Shell) -> None:
    await shell.start()
    await shell.play(SECRETS, [LISTED, seen(raw_secret("strange", 5), "ADDED")])

    assert shell.taken() == set()
    assert shell.store.keys(Kind.SECRETS, None) == frozenset()


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(OSError(), id="a broken connection"),
        pytest.param(watching.WatchingError("test-only-secret-value"), id="an ERROR in the watch"),
        pytest.param(refused(errors.APIServerError, 500), id="an error 500"),
        pytest.param(refused(errors.APIClientError, 410), id="a 410"),
        pytest.param(refused(errors.APINotFoundError, 404), id="a 404"),
        pytest.param(KeyError("resourceVersion"), id="an odd answer"),
    ],
)
async def test_a_stream_begins_again_whatever_it_ran_into(
    shell: Shell, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    await shell.start()
    again = [LISTED, seen(raw_credential("aa", 9), "ADDED")]
    await shell.play(CREDENTIALS, [LISTED, error], [error], again)

    assert shell.taken() == {A}
    assert shell.metrics.watch_failures.labels(PLURAL)._value.get() == 2
    assert "test-only-secret-value" not in caplog.text


async def test_the_timeout_of_a_stream_that_broke_does_not_end_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[float] = []

    async def within_a_timeout() -> AsyncIterator[Any]:
        """As Kopf reads the lines of a watch: the timeout goes on while somebody looks at a line."""
        async with asyncio.timeout(0.05):
            yield seen(raw_credential("aa", 9), "ADDED")

    async def broken(**_: Any) -> AsyncIterator[Any]:
        begun.append(asyncio.get_running_loop().time())
        if len(begun) > 1:
            await asyncio.sleep(0.1)
            raise End
        lines = within_a_timeout()  # a name of the frame, which a traceback keeps
        async for line in lines:
            yield LISTED
            raise watching.WatchingError(line)

    monkeypatch.setattr(watching, "infinite_watch", broken)
    monkeypatch.setattr(random, "uniform", lambda *_: 0.1)
    await Shell(Streams()).play(CREDENTIALS)

    assert len(begun) == 2


async def test_a_right_that_is_missing_is_told_and_forgotten_when_it_is_there(shell: Shell) -> None:
    await shell.start(raw_credential("aa", 1))
    forbidden = refused(errors.APIForbiddenError, 403)
    await shell.play(SECRETS, *([forbidden] for _ in range(REFUSALS)))

    trouble = shell.store.trouble(A)
    assert trouble
    assert (trouble.reason, trouble.facts) == (Reason.FORBIDDEN, {"verb": "list", "resource": "secrets"})
    assert shell.taken() == {A}

    await shell.play(SECRETS, [LISTED])
    assert shell.store.trouble(A) is None


async def test_a_server_that_refuses_for_a_moment_takes_no_right_away(shell: Shell) -> None:
    """As one that has just started does, until it knows the rights."""
    await shell.start(raw_credential("aa", 1))
    moment = [[refused(errors.APIForbiddenError, 403)] for _ in range(REFUSALS - 1)]
    await shell.play(SECRETS, *moment, [LISTED], *moment)

    assert shell.store.trouble(A) is None
    assert shell.taken() == set()


async def test_no_right_to_the_secrets_from_the_start_is_told_in_every_status(shell: Shell) -> None:
    await shell.play(SECRETS, *([refused(errors.APIForbiddenError, 403)] for _ in range(REFUSALS)))
    await shell.play(CREDENTIALS, [seen(raw_credential("aa", 1)), LISTED])

    assert shell.taken() == {A}
    assert shell.store.trouble(A)


@pytest.mark.parametrize("namespace", [GENOMICS, None], ids=["one namespace", "all namespaces"])
async def test_a_uid_is_forgotten_when_a_watch_was_away(shell: Shell, namespace: Namespace | None) -> None:
    """The namespace may have been deleted and made again, with credentials of the same names."""
    await shell.play(CREDENTIALS, [LISTED], [LISTED], namespace=namespace)

    assert shell.workspaces.forgotten == [namespace] * 3


async def test_a_uid_is_forgotten_when_something_of_the_namespace_was_deleted(shell: Shell) -> None:
    await shell.start(raw_credential("aa", 1))
    await shell.play(CREDENTIALS, [seen(raw_credential("aa", 1)), LISTED, seen(raw_credential("bb", 5), "DELETED")])

    assert shell.workspaces.forgotten == [GENOMICS, GENOMICS, GENOMICS]  # before, at the deletion, after


async def test_kopf_is_told_from_that_it_has_begun(shell: Shell) -> None:
    begun: list[bool] = []
    shell.tap.on_start = lambda: begun.append(True)
    await shell.play(CREDENTIALS, [LISTED])

    assert begun == [True]


async def test_answers_are_told_of_and_broken_lists_are_not(shell: Shell) -> None:
    answers: list[bool] = []
    shell.tap.on_answer = lambda: answers.append(True)
    await shell.play(CREDENTIALS, [OSError()], [LISTED])
    assert len(answers) == 1
    await shell.play(SECRETS, *([refused(errors.APIForbiddenError, 403)] for _ in range(REFUSALS)))
    assert len(answers) == 2


async def test_lists_that_begin_and_lists_that_are_complete_are_told(shell: Shell) -> None:
    told: list[tuple[str, str | None]] = []
    shell.tap.on_list = lambda what, lack: told.append((what, lack))
    await shell.play(SECRETS, [OSError()], [LISTED])

    secrets, lack = "secrets in genomics", "is not complete yet"
    assert told == [(secrets, lack), (secrets, lack), (secrets, None), (secrets, lack)]


async def test_a_list_that_is_not_permitted_is_no_longer_waited_for(shell: Shell) -> None:
    told: list[str | None] = []
    shell.tap.on_list = lambda _, lack: told.append(lack)
    await shell.play(SECRETS, *([refused(errors.APIForbiddenError, 403)] for _ in range(REFUSALS)))

    assert told == [*["is not complete yet"] * REFUSALS, None]


# --- what the API server has


@pytest.mark.parametrize("lacking", [None, *Kind], ids=lambda kind: kind.value if kind else "nothing")
async def test_kopf_takes_no_answer_for_whole_that_lacks_what_is_watched(
    lacking: Kind | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks once, at its start: what an answer lacks would not be watched for ever, and nobody would be told."""
    there = [references.Resource(*shell_module._place_of(kind)) for kind in Kind if kind is not lacking]

    async def scan_resources(**_: Any) -> list[references.Resource]:
        return there

    monkeypatch.setattr(shell_module, "_scan_resources", scan_resources)
    scan = shell_module._finding_all_of(Kind)

    with pytest.raises(LookupError) if lacking else nullcontext():
        assert await scan(groups=None) == there

"""Servers that mean no good: each costs at most the timeout and bounded memory, and shows nowhere."""

from __future__ import annotations

import logging
import struct
import time
import tracemalloc
from typing import Any

import paramiko  # type: ignore[import-untyped]  # it has no types
import pytest

from ssh.hostile import (
    HOST_KEY,
    MARK,
    TEXT,
    Conversation,
    Door,
    Speaker,
    Thief,
    drips,
    says,
    says_and_goes,
    says_for_ever,
    serving,
    silence,
    speaks,
)
from ssh.people import LOOPBACK, hop_at, route_to
from ssh.servers import Sshd
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.ssh.client import Session, login, query, session
from sshcredential_operator.ssh.visit import Failed, Password, PrivateKey, Queried, Visited

TIMEOUT = 2.0
"""Of visits that are to time out; the others have time enough on a busy machine."""
ENOUGH = 30.0
SLACK = 5.0
MOST_MEMORY = 8 * 1024 * 1024
VERSION = f"SSH-2.0-{MARK}\r\n".encode()


def typed(**members: Any) -> type[Speaker]:
    return type("Hostile", (Speaker,), members)


class Confused(Speaker):
    """Says of another key than the one that it was asked about that it would let it in."""

    def _send_message(self, data: Any) -> None:
        raw = data.asbytes()
        super()._send_message(paramiko.Message(raw[:-1] + b"x") if raw[:1] == b"\x3c" else data)


class Generous(Speaker):
    """Answers the request for a service, and then says that the login is good."""

    def _send_message(self, data: Any) -> None:
        super()._send_message(data)
        if data.asbytes()[:1] == b"\x06":
            super()._send_message(paramiko.Message(b"\x34"))


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack(">I", len(raw)) + raw


SERVERS = [
    pytest.param(silence, {"TimedOut"}, id="it says nothing"),
    pytest.param(says_and_goes(b""), {"ConnectionLost"}, id="it goes at once"),
    pytest.param(says_and_goes(f"HTTP/1.1 400 {MARK}\r\n\r\n{MARK}".encode()), {"NotAnSshServer"}, id="it speaks HTTP"),
    pytest.param(says_and_goes(b"\x15\x03\x01\x00\x02\x02\x46"), {"NotAnSshServer"}, id="it speaks TLS"),
    pytest.param(says(f"SSH-1.5-{MARK}\r\n".encode()), {"NotAnSshServer"}, id="it speaks SSH 1"),
    pytest.param(says(f"SSH-2.0-{MARK}\xff\r\n".encode("latin-1")), {"NotAnSshServer"}, id="its version is not ASCII"),
    pytest.param(says(b"SSH-\r\n"), {"NotAnSshServer"}, id="its version is cut short"),
    pytest.param(
        says_for_ever(f"{MARK}\r\n".encode() * 500), {"NotAnSshServer"}, id="lines before the version for ever"
    ),
    pytest.param(says_for_ever(MARK.encode() * 5000), {"NotAnSshServer"}, id="a line that never ends"),
    pytest.param(says(b"x" * 10_000_000), {"NotAnSshServer"}, id="10 MB before the version"),
    pytest.param(says(b"SSH-2.0-" + b"x" * 10_000_000), {"NotAnSshServer"}, id="a version of 10 MB"),
    pytest.param(drips(MARK.encode() + b"\r\n"), {"TimedOut"}, id="lines before the version, drop by drop"),
    pytest.param(drips(b"SSH-2.0-x"), {"TimedOut"}, id="a version, drop by drop"),
    pytest.param(says(VERSION), {"TimedOut"}, id="a version and nothing else"),
    pytest.param(says(VERSION + b"\xff" * 100_000), {"NotAnSshServer"}, id="a packet of 4 GB"),
    pytest.param(says(VERSION + b"\xff\xff\xff\xfc" + bytes(9000)), {"NotAnSshServer"}, id="4 GB in blocks"),
    pytest.param(says(VERSION + b"\0\1\0\0" + b"\0" * 70_000), {"NotAnSshServer"}, id="a packet of zeros"),
    pytest.param(says(VERSION + bytes(1_000_000)), {"NotAnSshServer"}, id="empty packets"),
    pytest.param(
        says_for_ever(VERSION + b"\0\0\0\x0c\x0a\x02" + bytes(10)),
        {"NotAnSshServer"},
        id="packets to be ignored for ever",
    ),
    pytest.param(
        speaks(speaker=typed(before_login=b"\x07\xff\xff\xff\xff")),
        {"NotAnSshServer"},
        id="4 thousand million extensions",
    ),
    pytest.param(
        speaks(speaker=typed(before_login=b"\x07\0\0\0\x40" + text(MARK) + b"\0\x0f\xff\xff")),
        {"NotAnSshServer"},
        id="an extension that is longer than its packet",
    ),
    pytest.param(
        speaks(speaker=typed(before_login=b"\x02" + text("x" * 30_000), times=100)),
        {"NotAnSshServer"},
        id="3 MB to be ignored before the login",
    ),
    pytest.param(
        speaks(speaker=typed(before_login=b"\x01\0\0\0\x02" + text(TEXT) + text("en"))),
        {"ConnectionLost"},
        id="it disconnects with a text",
    ),
    pytest.param(
        speaks(speaker=typed(before_login=b"\x35" + text(TEXT * 1000) + text("en"), times=100)),
        {"NotAnSshServer"},
        id="a banner at the login, for ever",
    ),
    pytest.param(
        speaks(speaker=typed(after_login=b"\x50" + text(TEXT) + b"\1" + b"\0" * 30_000, times=200)),
        {"NotAnSshServer"},
        id="6 MB of requests after the login",
    ),
    pytest.param(speaks(type("No", (Door,), {"says_no": True})), {"AuthenticationFailed"}, id="it says no"),
]


@pytest.mark.parametrize(("conversation", "reasons"), SERVERS)
def test_a_hostile_server_costs_its_timeout_and_shows_nowhere(
    conversation: Conversation,
    reasons: set[str],
    key: PrivateKey,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    timeout = TIMEOUT if reasons == {"TimedOut"} else ENOUGH
    with serving(conversation) as port:
        tracemalloc.start()
        began = time.monotonic()
        try:
            failed = login(route_to(hop_at(port), timeout=timeout), key, LOOPBACK)
            took, (_, peak) = time.monotonic() - began, tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert isinstance(failed, Failed)
    assert failed.reason in reasons
    assert took < timeout + SLACK
    assert peak < MOST_MEMORY
    assert MARK not in repr((failed.reason, failed.facts, failed.offered))
    assert MARK not in caplog.text + "".join(capfd.readouterr())


def test_a_version_is_cut_and_cleaned(key: PrivateKey) -> None:
    name = "Evil\x1b[31m\x07-" + "x" * 200
    with serving(says_and_goes(f"SSH-2.0-{name}\r\n".encode())) as port:
        failed = login(route_to(hop_at(port)), key, LOOPBACK)

    assert isinstance(failed, Failed)
    assert failed.server_version == ("Evil[31m-" + "x" * 200)[:128]


def test_a_server_that_speaks_politely_lets_one_in(key: PrivateKey) -> None:
    with serving(speaks()) as port:
        assert isinstance(login(route_to(hop_at(port)), key, LOOPBACK), Visited)


@pytest.mark.parametrize("methods", ["password", "keyboard-interactive", "publickey,password,keyboard-interactive"])
def test_a_password_is_given_in_each_way(methods: str) -> None:
    door = type("ByPassword", (Door,), {"password": "correct horse 7", "methods": methods})
    with serving(speaks(door)) as port:
        right, wrong = (Password(Sensitive(word)) for word in (b"correct horse 7", b"battery staple 8"))
        with session(route_to(hop_at(port)), right, LOOPBACK) as at:
            assert isinstance(at, Session)
        with session(route_to(hop_at(port)), wrong, LOOPBACK) as at:
            assert isinstance(at, Failed)
            assert at.reason == "AuthenticationFailed"
            assert MARK not in repr(at.facts)


def test_more_bytes_after_the_login_are_taken_where_they_are_expected(key: PrivateKey) -> None:
    flood = typed(after_login=b"\x02" + text("x" * 30_000), times=50)
    with serving(speaks(speaker=flood)) as port:
        with session(route_to(hop_at(port)), key, LOOPBACK, most_bytes=3_000_000) as at:
            assert isinstance(at, Session)
            at.transport.open_session(timeout=at.deadline.remaining()).close()
        with session(route_to(hop_at(port)), key, LOOPBACK, most_bytes=100_000) as at:
            assert isinstance(at, Session)
            with pytest.raises(Exception):  # noqa: B017, PT011 - one of paramiko's many
                at.transport.open_session(timeout=at.deadline.remaining())
            assert at.failed().reason == "NotAnSshServer"


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"prompts": 2}, id="for two secrets"),
        pytest.param({"prompts": 2000}, id="for two thousand"),
        pytest.param({"shown": True}, id="for something that is shown"),
    ],
)
def test_a_dialogue_that_asks_for_something_else_gets_no_password(members: dict[str, Any]) -> None:
    asked = {"password": "correct horse 7", "methods": "keyboard-interactive", **members}
    with serving(speaks(type("Asking", (Door,), asked))) as port:  # noqa: SIM117 - one for each side
        with session(route_to(hop_at(port)), Password(Sensitive(b"correct horse 7")), LOOPBACK) as at:
            assert isinstance(at, Failed)
            assert at.reason == "AuthenticationFailed"


def test_a_server_says_which_keys_it_would_take() -> None:
    pair = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUDuD9C4lNpjVJkWqkvYPp0ZsCpIOV5nTrBSm2uw"
    with serving(speaks()) as port:
        queried = query(route_to(hop_at(port)), (pair,), LOOPBACK)

    assert isinstance(queried, Queried)
    assert len(queried.accepted) == 1


def test_an_answer_about_another_key_is_none(sshd: Sshd) -> None:
    with serving(speaks(speaker=Confused)) as port:
        queried = query(route_to(hop_at(port)), (sshd.host_keys[0],), LOOPBACK)

    assert isinstance(queried, Queried)
    assert queried.accepted == frozenset()


def test_a_host_key_that_the_server_does_not_hold_is_not_shown_as_offered(key: PrivateKey) -> None:
    with serving(speaks(host_key=Thief(key=HOST_KEY.key))) as port:
        failed = login(route_to(hop_at(port)), key, LOOPBACK)

    assert isinstance(failed, Failed)
    assert failed.reason == "NotAnSshServer"
    assert failed.offered is None


def test_a_server_that_logs_in_whoever_asks_is_not_believed() -> None:
    """SSH_MSG_USERAUTH_SUCCESS is no answer to a question."""
    pair = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUDuD9C4lNpjVJkWqkvYPp0ZsCpIOV5nTrBSm2uw"
    with serving(speaks(speaker=Generous)) as port:
        failed = query(route_to(hop_at(port)), (pair,), LOOPBACK)

    assert isinstance(failed, Failed)
    assert failed.reason == "NotAnSshServer"

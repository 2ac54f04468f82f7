"""What we rely on inside paramiko, in the version that is locked. Whoever moves the lock starts here.

`ssh/transport.py` and `ssh/authentication.py` stand in the place of functions that paramiko does not call public, and
bound what it does not. What they do against real and hostile servers is tried in `tests/ssh`.
"""

from __future__ import annotations

import ast
import importlib.metadata
import inspect
import logging
import socket
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import paramiko  # type: ignore[import-untyped]  # it has no types
import pytest
from paramiko import packet, transport

from contract.tree import package_files, text_of
from sshcredential_operator.ssh.authentication import Authentication
from sshcredential_operator.ssh.deadline import Deadline
from sshcredential_operator.ssh.stream import BoundedStream
from sshcredential_operator.ssh.transport import Connection, StrictMessage, StrictPacketizer


@pytest.fixture
def connection() -> Iterator[Connection]:
    ours, theirs = socket.socketpair()
    deadline = Deadline.after(10)
    made = Connection(BoundedStream(ours, deadline), deadline, ("rsa-sha2-512", "ssh-ed25519", "no-such@example.org"))
    yield made
    made.close()
    theirs.close()


def source_of(function: Callable[..., object]) -> str:
    return ast.unparse(ast.parse(textwrap.dedent(inspect.getsource(function))))


def test_the_version_is_the_one_that_was_looked_into() -> None:
    assert importlib.metadata.version("paramiko") == "5.1.0"


def test_only_these_modules_import_paramiko() -> None:
    importing = {path.relative_to(path.parents[1]) for path in package_files() if "paramiko" in imported(text_of(path))}

    assert {path.parent.name for path in importing} == {"ssh"}
    assert {"transport.py", "authentication.py", "dial.py", "client.py"} <= {path.name for path in importing}


def imported(source: str) -> set[str]:
    found = set[str]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Connection._check_banner, paramiko.Transport._check_banner),
        (Connection._verify_key, paramiko.Transport._verify_key),
        (Connection._parse_ext_info, paramiko.Transport._parse_ext_info),
        (Connection.close, paramiko.Transport.close),
        (StrictPacketizer.start_handshake, packet.Packetizer.start_handshake),
        (StrictPacketizer.read_all, packet.Packetizer.read_all),
        (StrictPacketizer.read_message, packet.Packetizer.read_message),
        (StrictMessage.get_bytes, paramiko.Message.get_bytes),
    ],
    ids=lambda function: function.__qualname__,
)
def test_what_stands_in_takes_what_paramiko_hands_to_it(ours: Any, theirs: Any) -> None:
    assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)


@pytest.mark.parametrize(
    ("caller", "call"),
    [
        pytest.param(paramiko.Transport.run, "self._check_banner()", id="the version is read by ours"),
        pytest.param(paramiko.Transport.run, "self.packetizer.read_message()", id="messages are read by ours"),
        pytest.param(paramiko.Transport.run, "self.packetizer.start_handshake(", id="the timer is started by ours"),
        pytest.param(paramiko.Transport.run, "self._handler_table[ptype](m)", id="EXT_INFO is found in the table"),
        pytest.param(paramiko.Transport.run, "self.auth_handler._handler_table", id="a login's answers are ours"),
        pytest.param(paramiko.Transport.run, "self.auth_handler.abort()", id="the end wakes a login"),
        pytest.param(paramiko.Transport.is_authenticated, "self.auth_handler.is_authenticated()", id="who is in"),
        pytest.param(paramiko.Transport._send_kex_init, "self.preferred_keys", id="host key algorithms are ours"),
        pytest.param(paramiko.Transport._parse_kex_init, "self.preferred_keys", id="in the order that we give"),
        pytest.param(packet.Packetizer.read_message, "self.read_all(", id="packets are read by ours"),
        pytest.param(paramiko.Transport.stop_thread, "self.sock._closed", id="a stream says that it is closed"),
    ],
)
def test_paramiko_still_goes_through_what_we_stand_in_for(caller: Callable[..., object], call: str) -> None:
    assert call in source_of(caller)


def test_each_key_exchange_goes_through_our_proof_of_the_host_key(connection: Connection) -> None:
    for name in connection.preferred_kex:
        module = inspect.getmodule(connection._kex_info[name])
        while module and "_verify_key" not in inspect.getsource(module):  # group 16 is a kind of group 14
            module = inspect.getmodule(connection._kex_info[name].__mro__[1])
        assert module
        assert "self.transport._verify_key(" in inspect.getsource(module), name


def test_no_group_of_the_servers_choice_and_nothing_old_is_offered(connection: Connection) -> None:
    assert connection.preferred_kex
    assert not [name for name in connection.preferred_kex if "group-exchange" in name or "sha1" in name]
    assert {name.split("@")[0].split("-")[-1] for name in connection.preferred_ciphers} == {"ctr", "gcm"}
    assert connection.preferred_macs
    assert not [name for name in connection.preferred_macs if "sha1" in name or "md5" in name]
    assert connection.preferred_compression == ("none",)


def test_host_key_algorithms_are_those_given_that_paramiko_knows(connection: Connection) -> None:
    assert connection.preferred_keys == ("rsa-sha2-512", "ssh-ed25519")
    plain = {name for name in connection._key_info if not name.endswith("-cert-v01@openssh.com")}
    assert {f"{name}-cert-v01@openssh.com" for name in plain} | plain == set(connection._key_info)
    assert "ssh-rsa" not in connection._key_info


def test_our_extension_handler_is_in_the_table(connection: Connection) -> None:
    handler = connection._handler_table[7]

    assert handler.__func__ is Connection._parse_ext_info
    assert transport.MSG_EXT_INFO == 7


def test_no_thread_but_the_connections_own_is_started(connection: Connection) -> None:
    started = [
        node
        for module in (transport, packet, inspect.getmodule(paramiko.Channel))
        for node in ast.walk(ast.parse(inspect.getsource(module)))  # type: ignore[arg-type]  # it is a module
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith(("threading.Thread", "threading.Timer"))
    ]

    assert {ast.unparse(call.func) for call in started} == {"threading.Thread.__init__", "threading.Timer"}


def test_paramikos_loggers_are_off() -> None:
    for name in ("paramiko", "paramiko.transport", "paramiko.transport.sftp", "paramiko.sftp"):
        assert not logging.getLogger(name).isEnabledFor(logging.CRITICAL), name


def test_channels_and_sftp_log_by_the_loggers_that_are_off(connection: Connection) -> None:
    assert connection.get_log_channel() == "paramiko.transport"
    assert "get_log_channel()" in source_of(paramiko.Channel._set_transport)
    assert "transport.get_log_channel() + '.sftp'" in source_of(paramiko.SFTPClient.__init__)


def test_a_login_has_what_paramiko_asks_its_handler_for(connection: Connection) -> None:
    asked = {
        node.attr
        for node in ast.walk(ast.parse(inspect.getsource(transport)))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self.auth_handler"
    }
    made = Authentication(connection, "nextflow")
    only_for_logging_in = {name for name in asked if name.startswith("auth_")} | {
        "get_username",
        "banner",
        "wait_for_response",
    }

    assert {name for name in asked - only_for_logging_in if not hasattr(made, name)} == set()
    assert {"abort", "is_authenticated", "_handler_table"} <= asked

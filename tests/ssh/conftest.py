"""One ordinary sshd for all tests here, and a key that it lets in."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ssh.people import new_key, private_key
from ssh.servers import Sshd, running
from sshcredential_operator.ssh.visit import PrivateKey


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running(tmp_path_factory.mktemp("sshd"), {"MaxStartups": "100"}) as server:
        yield server


@pytest.fixture(scope="session")
def key(sshd: Sshd, tmp_path_factory: pytest.TempPathFactory) -> PrivateKey:
    return private_key(new_key(tmp_path_factory.mktemp("key"), sshd))


@pytest.fixture(autouse=True)
def no_thread_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a visit started has ended when the visit has."""
    yield
    left = [thread.name for thread in threading.enumerate() if type(thread).__name__ == "Connection"]
    assert not left, left

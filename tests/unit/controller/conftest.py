"""A connection that a kubeconfig describes, for tests against a local server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sshcredential_operator.controller.connection import Connection, connect
from unit.controller.local_server import write_kubeconfig

Connect = Callable[[str], Awaitable[Connection]]


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "kubeconfig"
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


@pytest.fixture
def connected(kubeconfig: Path) -> Connect:
    """Connect to an address with the token `first`."""

    async def to(address: str) -> Connection:
        write_kubeconfig(kubeconfig, address, "first")
        return await connect()

    return to

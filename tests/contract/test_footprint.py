"""What is not in the memory of our processes: each of these packages takes more than it would be of use there."""

from __future__ import annotations

import subprocess
import sys

import pytest

NEVER = ("kubernetes", "pydantic", "requests", "oauthlib", "urllib3", "websocket", "rich", "badkeys", "gmpy2", "celpy")
"""The first is imported outside of pods, to read a kubeconfig; the others belong to it or to other commands."""

MODULES = {
    "the operator": ("sshcredential_operator.cli.operator", ("paramiko",)),
    "the process of targets": ("sshcredential_operator.cli.targets_process", ()),
}


@pytest.mark.parametrize(("module", "others"), MODULES.values(), ids=MODULES.keys())
def test_a_process_imports_no_more_than_it_needs(module: str, others: tuple[str, ...]) -> None:
    program = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)

    assert not {*NEVER, *others} & set(done.stdout.split())


def test_kopf_is_there_and_the_client_package_can_still_be_imported_afterwards() -> None:
    program = "import sshcredential_operator.controller.shell, kopf, kubernetes.aio.config; print(kopf.__name__)"

    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "kopf\n"


def test_the_buffer_of_a_connection_is_no_larger_than_we_ask_for() -> None:
    program = (
        "import asyncio, asyncio.sslproto, ssl, sshcredential_operator.controller.connection\n"
        "loop = asyncio.new_event_loop()\n"
        "context = ssl.create_default_context()\n"
        "print(len(asyncio.sslproto.SSLProtocol(loop, asyncio.Protocol(), context, loop.create_future())._ssl_buffer))"
    )

    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "65536\n"

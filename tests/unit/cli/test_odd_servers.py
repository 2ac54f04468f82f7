"""`sshcred` where what answers is no API server, and where a name would lead to another address than was meant."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from unit.cli.command import Said, sshcred
from unit.controller.local_server import write_kubeconfig

Answering = Callable[[object], list[str]]


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Answering]:
    """Answer everything with this from now on; the list gets the paths that are asked for."""
    asked: list[str] = []
    body: list[bytes] = []

    class Odd(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body[0])))
            self.end_headers()
            self.wfile.write(body[0])

        def log_message(self, *_: object) -> None:
            pass

    def answer(with_this: object) -> list[str]:
        body[:] = [json.dumps(with_this).encode()]
        return asked

    with ThreadingHTTPServer(("127.0.0.1", 0), Odd) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        write_kubeconfig(tmp_path / "config", f"http://127.0.0.1:{server.server_port}", "test-only")
        yield answer
        server.shutdown()


def run(folder: Path, *arguments: str) -> Said:
    return sshcred(folder, *arguments, "--kubeconfig", "config")


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["status", "my-key"], ["exports"], ["target", "list"], ["target", "probe", "my-target"]],
    ids=" ".join,
)
def test_what_is_no_api_server_is_told_in_one_sentence(
    tmp_path: Path, answering: Answering, arguments: list[str]
) -> None:
    asked = answering({})
    said = run(tmp_path, *arguments)

    assert (said.code, said.lines, said.error.count("\n"), len(asked)) == (4, [], 1, 1), said.error
    assert "the API server does not answer, or not as one" in said.error


@pytest.mark.parametrize("name", ["", "..", "a/b", "My_Key", "k\x1b[31m"])
@pytest.mark.parametrize(
    "arguments",
    [["wait", "my-key"], ["status"], ["list", "-n"], ["target", "trust"], ["sealing-key", "--operator-namespace"]],
    ids=" ".join,
)
def test_a_name_that_is_none_is_wrong_use_and_nothing_is_asked(
    tmp_path: Path, answering: Answering, arguments: list[str], name: str
) -> None:
    asked = answering({})
    said = run(tmp_path, *arguments, name)

    assert (said.code, said.lines, asked) == (2, [], [])
    assert "is no name" in " ".join(said.error.split())
    assert "\x1b" not in said.error

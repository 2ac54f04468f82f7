"""Many writers at once, one of whom knows no lock, and connections that are cut anywhere: no line is lost or torn."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from controlplane.waiting import wait_until
from ssh.installing import NO_SFTP, SFTP, Door, door
from sshcredential_operator.ssh.visit import Arranged, Failed
from unit.ssh.authorized_lines import KEYS, MARK, A, B, arrangement

WRITERS = 20
WAYS = [pytest.param(SFTP, id="SFTP"), pytest.param(NO_SFTP, id="a shell")]


@pytest.fixture(scope="module", params=WAYS)
def at(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with door(tmp_path_factory.mktemp("door"), request.param) as opened:
        yield opened


@contextmanager
def appending(path: Path) -> Iterator[list[int]]:
    """Let a process of its own add a line again and again, as people do; tell how many there were at the end."""
    script = 'i=0; while [ ! -e "$2" ]; do echo "ssh-ed25519 foreign $i" >>"$1"; i=$((i + 1)); sleep 0.3; done; echo $i'
    stop = path.parent.parent / "stop"
    count: list[int] = []
    process = subprocess.Popen(["/bin/sh", "-c", script, "-", path, stop], stdout=subprocess.PIPE, text=True)
    try:
        yield count
    finally:
        stop.touch()
        count.append(int(process.communicate()[0]))
        stop.unlink()


def test_no_line_is_lost_among_many_writers(at: Door) -> None:
    at.account.holds("# theirs\n")
    marks = [f"sshcredential-operator:genomics/c{number}:00" for number in range(WRITERS)]
    keys = [KEYS[number % len(KEYS)] for number in range(WRITERS)]

    def write(number: int) -> Arranged | Failed:
        return at.arrange(arrangement(keys[number], mark=marks[number]), timeout=110)

    with ThreadPoolExecutor(WRITERS) as pool, appending(at.account.file) as count:
        told = list(pool.map(write, range(WRITERS)))

    assert [one for one in told if isinstance(one, Failed)] == []
    lines = at.account.content.splitlines()
    assert lines[0] == "# theirs"
    foreign = [line for line in lines if "foreign" in line]  # one that came in between is put at the end
    assert sorted(foreign) == sorted(f"ssh-ed25519 foreign {number}" for number in range(count[0]))
    for number, one in enumerate(told):
        assert isinstance(one, Arranged)
        assert (f"{keys[number]} {marks[number]}" in lines) == bool(one.ours)
        assert one.ours or one.by_hand
    assert at.account.names() == {"authorized_keys"}


@contextmanager
def cutting(port: int, after: int) -> Iterator[tuple[int, list[int]]]:
    """Pass a connection on to this port, and cut it after so many bytes from the client; tell how many there were."""
    count = [0]
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        client, _ = listening.accept()
        with suppress(OSError), client, socket.create_connection(("127.0.0.1", port)) as server:
            back = threading.Thread(target=_pump, args=(server, client))
            back.start()
            while data := client.recv(65536):
                server.sendall(data if after < 0 else data[: after - count[0]])
                count[0] += len(data)
                if 0 <= after < count[0]:
                    break
            for end in (server, client):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            back.join()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listening.getsockname()[1], count
    finally:
        listening.close()
        thread.join()


def _pump(source: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)


def test_connection_cut_anywhere_leaves_the_old_file_or_the_new_one(at: Door) -> None:
    old = "".join(f"# line {number} of theirs\n" for number in range(3000)) + f"{A} {MARK}\n"
    new = old.replace(f"{A} {MARK}\n", f"{B} {MARK}\n")
    asked = arrangement(B)
    at.account.holds(old)
    with cutting(at.server.port, -1) as (port, count):
        told = at.arrange(asked, port=port)
    assert isinstance(told, Arranged), told
    assert at.account.content == new
    ends, seen = set(), set()
    total, steps = count[0], 8
    for step in range(steps):
        at.account.holds(old)
        for name in at.account.names() - {"authorized_keys"}:
            (at.account.file.parent / name).unlink()
        with cutting(at.server.port, total * step // steps) as (port, _):
            told = at.arrange(asked, port=port)
        ends.add(type(told).__name__)
        wait_until(lambda: not busy(at), "the account's processes have ended")
        seen.add(at.account.content)
    assert "Failed" in ends
    assert seen <= {old, new}
    for name in at.account.names() - {"authorized_keys"}:
        os.utime(at.account.file.parent / name, (1, 1))
    at.account.holds(old)
    at.arranged(asked)
    assert at.account.names() == {"authorized_keys"}


def busy(at: Door) -> bool:
    """Tell whether a process of the account still runs."""
    uid = at.account.home.stat().st_uid
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if folder.stat().st_uid == uid:
                return True
        except OSError:
            continue
    return False

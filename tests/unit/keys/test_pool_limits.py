"""`keys/pool.py`: a job that takes too much is stopped with its reason, and nobody else notices.

No file is known that gets past the judge's own bounds, so these workers judge with something worse in its place.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys import pool as pool_module
from sshcredential_operator.keys import pool_process
from sshcredential_operator.keys.generate import generate
from sshcredential_operator.keys.judge import Accepted, Refused
from sshcredential_operator.keys.pool import KeyPool, PoolUnavailable
from unit.keys.children import Children, children_of, is_running, until

BOMB = Sensitive(b"bomb")
"""A file that goes off in a worker of these tests."""

WORKER = """
import os, resource, signal, sys
from sshcredential_operator.keys import judge, pool_worker

harmless = judge.recognised

def recognised(text):
    if text == b"bomb\\n":
        go_off()
    return harmless(text)

judge.recognised = recognised
"""


def bomb(explosion: str) -> tuple[str, str]:
    """Return the arguments for a worker in which a certain file does this."""
    body = textwrap.indent(textwrap.dedent(explosion).strip(), "    ")
    return ("-c", f"{WORKER}\ndef go_off():\n{body}\n\npool_worker.main()")


@pytest.fixture
def children() -> Children:
    return Children()


@pytest.fixture
async def pool(children: Children) -> AsyncIterator[KeyPool]:
    pool = KeyPool()
    yield pool
    await pool.close()
    assert not children.now()


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make the pool start workers with a bomb in them. The clock is not what stops them."""
    monkeypatch.setattr(pool_module, "WALL_SECONDS", 300)
    return lambda explosion: monkeypatch.setattr(pool_process, "COMMAND", bomb(explosion))


async def require_that_others_are_served(pool: KeyPool) -> None:
    pairs = [generate(Algorithm.ED25519, 256, "") for _ in range(4)]
    verdicts = await asyncio.gather(*(pool.judge(pair.private, None) for pair in pairs))
    assert [verdict.pair for verdict in verdicts if isinstance(verdict, Accepted)] == pairs


@pytest.mark.parametrize(
    ("explosion", "reason"),
    [
        pytest.param(
            "resource.setrlimit(resource.RLIMIT_CPU, (1, resource.RLIM_INFINITY))\nwhile True: pass",
            KeyRefusal.TIMED_OUT,
            id="CPU time",
        ),
        pytest.param("bytearray(100 * 1024 * 1024)", KeyRefusal.KDF_TOO_EXPENSIVE, id="memory"),
        pytest.param("os.abort()", KeyRefusal.KDF_TOO_EXPENSIVE, id="memory, in native code that aborts"),
        pytest.param(
            "os.kill(os.getpid(), signal.SIGSEGV)", KeyRefusal.KDF_TOO_EXPENSIVE, id="memory, in native code that fails"
        ),
        pytest.param("raise RuntimeError('MIGHAgEAMBMGByqGSM49')", KeyRefusal.CORRUPT, id="an exception"),
    ],
)
async def test_too_much_is_stopped_with_a_reason(
    pool: KeyPool, plant: Callable[[str], None], explosion: str, reason: KeyRefusal
) -> None:
    plant(explosion)
    verdict, *_ = await asyncio.gather(pool.judge(BOMB, None), require_that_others_are_served(pool))
    assert verdict == Refused(reason)
    await require_that_others_are_served(pool)


async def test_the_way_a_process_ended_is_never_lost(pool: KeyPool, plant: Callable[[str], None]) -> None:
    """Whoever kills a process that has just ended may collect its exit status, and then nobody learns the reason."""
    plant("os.abort()")
    for _ in range(12):
        assert await pool.judge(BOMB, None) == Refused(KeyRefusal.KDF_TOO_EXPENSIVE)


async def test_each_job_has_its_own_share_of_cpu_time(
    pool: KeyPool, plant: Callable[[str], None], tmp_path: Path
) -> None:
    """The limit is for the process, so it must rise with what the process has used for the jobs before."""
    mark = tmp_path / "too little was left"
    plant(
        f"""
        used = lambda: sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        if resource.getrlimit(resource.RLIMIT_CPU)[0] - used() < 4.9:
            os.mkdir({str(mark)!r})
        while used() < 1.5: pass
        """
    )
    for _ in range(2):
        assert await pool.judge(BOMB, None) == Refused(KeyRefusal.NOT_A_KEY)
    assert not mark.exists()


@pytest.mark.parametrize(
    "check",
    [
        pytest.param("import ctypes\nassert ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == 0", id="cannot be looked into"),
        pytest.param("assert resource.getrlimit(resource.RLIMIT_NPROC) == (0, 0)", id="starts no other"),
        pytest.param("assert os.getcwd() == '/'", id="stands nowhere"),
        pytest.param("assert sorted(os.listdir('/proc/self/fd')) == ['0', '1', '2', '3']", id="has no file open"),
        pytest.param("assert 'site' not in sys.modules", id="runs no code of the installation"),
    ],
)
async def test_a_process_is_shut_in(pool: KeyPool, plant: Callable[[str], None], check: str) -> None:
    plant(check)
    assert await pool.judge(BOMB, None) == Refused(KeyRefusal.NOT_A_KEY)


async def test_a_job_that_never_ends_is_stopped(
    pool: KeyPool, plant: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant("signal.pause()")
    monkeypatch.setattr(pool_module, "WALL_SECONDS", 0.2)
    assert await pool.judge(BOMB, None) == Refused(KeyRefusal.TIMED_OUT)
    monkeypatch.undo()
    await require_that_others_are_served(pool)


async def test_a_process_that_is_killed_while_it_works_is_replaced(
    pool: KeyPool, plant: Callable[[str], None], tmp_path: Path
) -> None:
    """Somebody else ended it, so the question is asked once more."""
    mark = tmp_path / "killed"
    plant(
        f"""
        if not os.path.exists({str(mark)!r}):
            os.mkdir({str(mark)!r})
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    assert await pool.judge(BOMB, None) == Refused(KeyRefusal.NOT_A_KEY)
    assert mark.exists()


@pytest.mark.parametrize(
    "explosion",
    [
        pytest.param("os.kill(os.getpid(), signal.SIGKILL)", id="is always killed"),
        pytest.param("os._exit(0)", id="ends"),
        pytest.param("os.write(1, b'\\0\\0\\0\\4junk')", id="answers with nonsense"),
        pytest.param("os.write(1, b'\\0\\0\\0\\0')", id="answers with nothing"),
        pytest.param("os.write(1, b'\\xff\\xff\\xff\\xff')", id="announces an endless answer"),
        pytest.param("os.write(1, b'\\0\\0\\0\\4ju'); os._exit(0)", id="ends in the middle of its answer"),
        pytest.param(
            "os.write(1, b'\\0\\0\\0\\x10\\0\\0\\0\\0\\x05Nope!\\0\\0\\0\\0\\0\\0'); os._exit(0)", id="invents a reason"
        ),
    ],
)
async def test_a_process_that_does_not_answer_is_nothing_that_a_file_is_refused_for(
    pool: KeyPool, plant: Callable[[str], None], explosion: str
) -> None:
    plant(explosion)
    with pytest.raises(PoolUnavailable):
        await pool.judge(BOMB, None)
    await require_that_others_are_served(pool)


async def test_a_pool_without_room_for_a_process_says_so(pool: KeyPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(PoolUnavailable) as raised:
        await pool.judge(BOMB, None)
    assert "/nowhere" not in str(raised.value)
    assert raised.value.__suppress_context__


async def test_cancelling_ends_the_process_that_was_asked(
    pool: KeyPool, plant: Callable[[str], None], children: Children
) -> None:
    plant("signal.pause()")
    tasks = [asyncio.ensure_future(pool.judge(BOMB, None)) for _ in range(3)]
    await until(lambda: len(children.now()) == 2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert all(task.cancelled() for task in tasks)
    await until(lambda: not children.now())
    await require_that_others_are_served(pool)


async def test_closing_at_any_moment_of_a_start_leaves_nothing_behind(
    children: Children, plant: Callable[[str], None]
) -> None:
    plant("signal.pause()")
    for turns in range(20):
        pool = KeyPool()
        tasks = [asyncio.ensure_future(pool.judge(BOMB, None)) for _ in range(3)]
        for _ in range(turns):
            await asyncio.sleep(0)
        async with asyncio.timeout(30):
            await pool.close()
            assert not children.now(), turns
            answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(answer) for answer in answers] == [PoolUnavailable] * 3, turns


async def test_closing_ends_the_work_in_hand(children: Children, plant: Callable[[str], None]) -> None:
    plant("signal.pause()")
    pool = KeyPool()
    tasks = [asyncio.ensure_future(pool.judge(BOMB, None)) for _ in range(4)]
    await until(lambda: len(children.now()) == 2)
    async with asyncio.timeout(30):
        await pool.close()
        assert not children.now()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [PoolUnavailable] * 4


def test_a_process_dies_with_its_parent(tmp_path: Path) -> None:
    program = f"""
import asyncio, signal
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys import pool_process
from sshcredential_operator.keys.pool import KeyPool
pool_process.COMMAND = {bomb("signal.pause()")!r}
asyncio.run(KeyPool().judge(Sensitive(b"bomb"), None))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen([sys.executable, "-c", program], env=environment, cwd=tmp_path) as parent:
        asyncio.run(until(lambda: any(works(child) for child in children_of(parent.pid))))
        (worker,) = children_of(parent.pid)
        parent.send_signal(signal.SIGKILL)
    asyncio.run(until(lambda: not is_running(worker)))


def works(pid: int) -> bool:
    """Tell whether a worker is past its own start: it has limited itself."""
    return "Max open files            8 " in Path(f"/proc/{pid}/limits").read_text()


def test_a_worker_imports_little() -> None:
    """What it does not import it need not load at each start, and cannot be made to use."""
    program = "import sys, sshcredential_operator.keys.pool_worker; print(*sys.modules)"
    environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-S", "-c", program]
    loaded = set(subprocess.run(command, env=environment, capture_output=True, check=True).stdout.decode().split())
    assert not loaded & {"asyncio", "kopf", "kubernetes", "aiohttp", "socket", "ssl", "subprocess", "logging", "orjson"}

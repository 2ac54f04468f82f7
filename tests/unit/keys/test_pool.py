"""`keys/pool.py`: keys are judged in other processes, each answer goes to its question, and at rest none is left."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys import pool as pool_module
from sshcredential_operator.keys.generate import generate
from sshcredential_operator.keys.judge import Accepted, Refused, judge
from sshcredential_operator.keys.keypair import KeyPair
from sshcredential_operator.keys.pool import KeyPool, PoolUnavailable
from sshcredential_operator.keys.verdict import MAX_PASSPHRASE_BYTES
from unit.keys.children import Children, limits_of, until
from unit.keys.key_files import (
    ED25519,
    EVERY_FORM,
    OPENSSH,
    P256,
    PASSPHRASE,
    PKCS8,
    RSA2048,
    KeyFiles,
    der_int,
    pem,
    seq,
    tlv,
)
from unit.keys.refused_files import Case
from unit.keys.test_key_derivation import scrypt_file
from unit.keys.test_refusals import CASES


@pytest.fixture
def children() -> Children:
    return Children()


@pytest.fixture
async def pool(children: Children) -> AsyncIterator[KeyPool]:
    pool = KeyPool()
    yield pool
    await pool.close()
    assert not children.now()


def new_key() -> KeyPair:
    return generate(Algorithm.ED25519, 256, "")


@pytest.mark.parametrize(
    "given", [b"", PASSPHRASE, PASSPHRASE + b"\n", b"wrong"], ids=["none", "right", "newline", "wrong"]
)
async def test_the_pool_answers_what_the_judge_says(pool: KeyPool, key_files: KeyFiles, given: bytes) -> None:
    for kind, form in EVERY_FORM:
        file = Sensitive(key_files.file(kind, form, PASSPHRASE))
        assert await pool.judge(file, Sensitive(given)) == judge(file, Sensitive(given)), (kind, form)


async def test_the_pool_refuses_what_the_judge_refuses(pool: KeyPool, key_files: KeyFiles) -> None:
    async def differs(case: Case) -> bool:
        file = Sensitive(case.file(key_files))
        return await pool.judge(file, None) != judge(file, None)

    assert not [case.name for case in CASES if await differs(case)]


async def test_every_cipher_can_be_opened_within_the_limits(pool: KeyPool, key_files: KeyFiles) -> None:
    for cipher in ("3des-cbc", "aes192-cbc", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"):
        file = key_files.file(ED25519, OPENSSH, PASSPHRASE, "-Z", cipher)
        assert isinstance(await pool.judge(Sensitive(file), Sensitive(PASSPHRASE)), Accepted)


async def test_the_most_memory_that_a_passphrase_may_take_is_there(pool: KeyPool, key_files: KeyFiles) -> None:
    file = Sensitive(scrypt_file(key_files))
    for _ in range(3):
        assert isinstance(await pool.judge(file, Sensitive(PASSPHRASE)), Accepted)


async def test_the_least_rsa_size_is_handed_on(pool: KeyPool, key_files: KeyFiles) -> None:
    verdict = await pool.judge(Sensitive(key_files.file(RSA2048)), None, min_rsa_bits=4096)
    assert isinstance(verdict, Refused)
    assert dict(verdict.detail) == {"bits": 2048, "least": 4096}


async def test_a_file_that_is_too_large_is_not_even_sent(pool: KeyPool, children: Children) -> None:
    verdict = await pool.judge(Sensitive(b"x" * (1024 * 1024)), None)
    assert isinstance(verdict, Refused)
    assert verdict.reason is KeyRefusal.TOO_LARGE
    assert not children.now()


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param(b"\r", id="carriage returns"),
        pytest.param(b"\r\n", id="line ends"),
        pytest.param(b" ", id="blanks"),
        pytest.param(b"-", id="dashes"),
        pytest.param(b"A", id="letters"),
        pytest.param(b"\xff", id="octets"),
        pytest.param(b"ssh-ed25519 AAA ", id="almost public keys"),
        pytest.param(b"-----BEGIN A-----\n-----END A-----\n", id="empty blocks"),
        pytest.param(b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", id="empty keys"),
        pytest.param(
            b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n-----BEGIN A-----\n-----END A-----\n",
            id="empty keys and blocks by turns",
        ),
    ],
)
async def test_the_largest_file_of_anything_is_judged_within_the_limits(pool: KeyPool, piece: bytes) -> None:
    verdict = await pool.judge(Sensitive((piece * 65536)[:65536]), None)
    assert isinstance(verdict, Refused)
    assert verdict.reason is not KeyRefusal.TIMED_OUT


async def test_the_largest_bodies_are_judged_within_the_limits(pool: KeyPool) -> None:
    number = (1 << 8 * 5900) - 1
    integers = seq(der_int(0), *[der_int(number)] * 8)
    endless = tlv(6, b"\xff" * 47_000)
    nested = b""
    while len(nested) < 47_000:
        nested = seq(nested)
    for body in (integers, endless, nested, seq(der_int(0), seq(endless), tlv(4, b""))):
        for label in ("RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY", "ENCRYPTED PRIVATE KEY"):
            verdict = await pool.judge(Sensitive(pem(label, body)), None)
            assert isinstance(verdict, Refused)
            assert verdict.reason not in {KeyRefusal.TIMED_OUT, KeyRefusal.TOO_LARGE}


async def test_a_passphrase_of_a_megabyte_does_no_harm(pool: KeyPool, key_files: KeyFiles) -> None:
    file = Sensitive(key_files.file(P256, PKCS8, PASSPHRASE))
    verdict = await pool.judge(file, Sensitive(b"x" * 1024 * 1024))
    assert isinstance(verdict, Refused)
    assert verdict.reason is KeyRefusal.TOO_LARGE
    assert await pool.judge(file, Sensitive(b"x" * MAX_PASSPHRASE_BYTES)) == Refused(KeyRefusal.WRONG_PASSPHRASE)


async def test_fifty_jobs_at_once_get_fifty_right_answers(pool: KeyPool, children: Children) -> None:
    pairs = [new_key() for _ in range(50)]
    verdicts = await asyncio.gather(*(pool.judge(pair.private, None) for pair in pairs))
    assert [verdict.pair for verdict in verdicts if isinstance(verdict, Accepted)] == pairs
    assert len(children.now()) == 2


async def test_one_process_serves_one_caller(pool: KeyPool, children: Children) -> None:
    assert not children.now()
    await pool.judge(new_key().private, None)
    first = children.now()
    assert len(first) == 1
    await pool.judge(new_key().private, None)
    assert children.now() == first


async def test_a_cancelled_question_spoils_no_other_answer(pool: KeyPool) -> None:
    """Many questions, a third of them cancelled at any moment: before, while and after they are asked."""
    random_moment = random.Random(20)
    pairs = [new_key() for _ in range(60)]
    tasks = [asyncio.ensure_future(pool.judge(pair.private, None)) for pair in pairs]
    cancelled = tasks[::3]
    for task in cancelled:
        await asyncio.sleep(random_moment.random() * 0.01)
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert any(isinstance(answer, asyncio.CancelledError) for answer in answers)
    for pair, task, answer in zip(pairs, tasks, answers, strict=True):
        if task not in cancelled or not isinstance(answer, BaseException):
            assert isinstance(answer, Accepted)
            assert answer.pair == pair


async def test_a_process_that_was_killed_while_idle_is_replaced(pool: KeyPool, children: Children) -> None:
    pair = new_key()
    for _ in range(3):
        assert isinstance(await pool.judge(pair.private, None), Accepted)
        (worker,) = children.now()
        os.kill(worker, signal.SIGKILL)


async def test_both_processes_are_replaced_when_both_were_killed(pool: KeyPool, children: Children) -> None:
    pairs = [new_key() for _ in range(4)]
    await asyncio.gather(*(pool.judge(pair.private, None) for pair in pairs))
    for worker in children.now():
        os.kill(worker, signal.SIGKILL)
    verdicts = await asyncio.gather(*(pool.judge(pair.private, None) for pair in pairs))
    assert [verdict.pair for verdict in verdicts if isinstance(verdict, Accepted)] == pairs


async def test_idle_processes_end_by_themselves(
    monkeypatch: pytest.MonkeyPatch, pool: KeyPool, children: Children
) -> None:
    monkeypatch.setattr(pool_module, "IDLE_SECONDS", 0.05)
    await asyncio.gather(*(pool.judge(new_key().private, None) for _ in range(4)))
    await until(lambda: not children.now())
    assert isinstance(await pool.judge(new_key().private, None), Accepted)


async def test_a_closed_pool_leaves_no_process_and_judges_no_more(children: Children) -> None:
    pool = KeyPool()
    await asyncio.gather(*(pool.judge(new_key().private, None) for _ in range(4)))
    await pool.close()
    assert not children.now()
    with pytest.raises(PoolUnavailable):
        await pool.judge(new_key().private, None)
    assert not children.now()


async def test_a_pool_that_is_closed_while_an_answer_comes_leaves_no_process(children: Children) -> None:
    pair = new_key()
    for turns in range(12):
        pool = KeyPool()
        await pool.judge(pair.private, None)
        task = asyncio.ensure_future(pool.judge(pair.private, None))
        for _ in range(turns):
            await asyncio.sleep(0)
        async with asyncio.timeout(30):
            await pool.close()
        assert not children.now(), turns
        (answer,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(answer, PoolUnavailable | Accepted), turns


async def test_a_pool_can_be_closed_twice_and_unused() -> None:
    pool = KeyPool()
    await pool.close()
    await pool.close()


async def test_nothing_secret_is_in_the_command_or_the_environment(
    pool: KeyPool, children: Children, key_files: KeyFiles
) -> None:
    file = key_files.file(ED25519, OPENSSH, PASSPHRASE)
    assert isinstance(await pool.judge(Sensitive(file), Sensitive(PASSPHRASE)), Accepted)
    (worker,) = children.now()
    shown = Path(f"/proc/{worker}/cmdline").read_bytes()
    environment = Path(f"/proc/{worker}/environ")
    if os.access(environment, os.R_OK):
        assert {entry.partition(b"=")[0] for entry in environment.read_bytes().split(b"\0") if entry} == {b"PYTHONPATH"}
    assert PASSPHRASE not in shown
    assert not [line for line in file.splitlines() if line in shown]


async def test_a_process_has_its_limits(pool: KeyPool, children: Children) -> None:
    await pool.judge(new_key().private, None)
    (worker,) = children.now()
    limits = limits_of(worker)
    assert limits["Max core file size"] == ("0", "0")
    assert limits["Max file size"] == ("0", "0")
    assert limits["Max open files"] == ("8", "8")
    assert limits["Max processes"] == ("0", "0")
    assert os.getsid(worker) == worker
    assert 5 <= int(limits["Max cpu time"][0]) <= 8
    size = int(Path(f"/proc/{worker}/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    allowed = int(limits["Max address space"][0])
    assert 80 * 1024 * 1024 < allowed - size <= 96 * 1024 * 1024

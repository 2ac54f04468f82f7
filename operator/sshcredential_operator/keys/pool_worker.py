"""The process in which a user's key is judged; started by `pool` and never by hand.

It reads jobs from its standard input, answers on its standard output, and ends when its input does or its parent
dies. It starts a program of its own, not a copy of the operator, so it has none of the operator's secrets.
"""

from __future__ import annotations

import ctypes
import math
import resource
import signal
import sys
from pathlib import Path
from typing import BinaryIO, Final

from sshcredential_operator.keys.judge import judge
from sshcredential_operator.keys.pool_messages import LENGTH_OCTETS, decoded_job, encoded_verdict, framed

CPU_SECONDS: Final = 5
EXTRA_MEMORY: Final = 96 * 1024 * 1024
_OPEN_FILES: Final = 8
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4


def main() -> None:
    """Answer jobs until there are no more."""
    jobs, answers = sys.stdin.buffer, sys.stdout.buffer
    _limit_this_process()
    while (message := _next_message(jobs)) is not None:
        _allow_cpu()
        file, passphrase, min_rsa_bits = decoded_job(message)
        verdict = judge(file, passphrase, min_rsa_bits=min_rsa_bits)
        answers.write(framed(encoded_verdict(verdict)))
        answers.flush()


def _next_message(jobs: BinaryIO) -> bytes | None:
    """Return the next whole message, or None when the parent has closed its end."""
    length = jobs.read(LENGTH_OCTETS)
    message = jobs.read(int.from_bytes(length, "big"))
    return message or None


def _limit_this_process() -> None:
    """Set the limits that hold for good. All is imported by now but the checks for weak RSA keys."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    address_space = pages * resource.getpagesize() + EXTRA_MEMORY
    process_control = ctypes.CDLL(None, use_errno=True).prctl
    process_control(_PR_SET_PDEATHSIG, signal.SIGKILL)
    process_control(_PR_SET_DUMPABLE, 0)
    resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


def _allow_cpu() -> None:
    """Give the next job its share of CPU time; the kernel ends the process with SIGXCPU when it is used up."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(used.ru_utime + used.ru_stime) + CPU_SECONDS
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))

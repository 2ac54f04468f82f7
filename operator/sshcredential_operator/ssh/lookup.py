"""The addresses of a name, looked up once and within the deadline. Used by `dial.py`.

The resolver cannot be interrupted: its thread is left behind when the visit is over, and ends when the resolver gives
up. Only so many can be left behind at once.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from typing import Final

from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.ssh.deadline import Deadline
from sshcredential_operator.ssh.destinations import Address
from sshcredential_operator.ssh.trouble import ended

MOST_AT_ONCE: Final = 64
_MOST_ADDRESSES: Final = 16

_slots = threading.BoundedSemaphore(MOST_AT_ONCE)


def addresses_of(host: str, deadline: Deadline) -> tuple[Address, ...]:
    """Return the addresses of a name or literal, in the resolver's order; or end the visit."""
    try:
        return (ipaddress.ip_address(host),)
    except ValueError:
        pass
    if not _slots.acquire(timeout=deadline.remaining()):
        raise ended(TargetReason.TIMED_OUT)
    found = queue.SimpleQueue[tuple[Address, ...]]()
    try:
        threading.Thread(target=_look_up, args=(host, found), name="ssh lookup", daemon=True).start()
    except RuntimeError:  # the system has no thread to give
        _slots.release()
        raise ended(TargetReason.TIMED_OUT) from None
    try:
        addresses = found.get(timeout=deadline.remaining())
    except queue.Empty:
        raise ended(TargetReason.TIMED_OUT) from None
    if not addresses:
        raise ended(TargetReason.NAME_NOT_FOUND)
    return addresses


def _look_up(host: str, found: queue.SimpleQueue[tuple[Address, ...]]) -> None:
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        answers = []
    finally:
        _slots.release()
    texts = dict.fromkeys(str(answer[4][0]).partition("%")[0] for answer in answers)
    found.put(tuple(ipaddress.ip_address(text) for text in list(texts)[:_MOST_ADDRESSES]))

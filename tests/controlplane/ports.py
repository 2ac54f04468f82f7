"""Free ports on the loopback. Used by `plane`."""

from __future__ import annotations

import random
import socket
from typing import Final

from controlplane.commandlines import LOOPBACK, Ports

# Below the range that the kernel gives to outgoing connections: none of those takes the API server's port while the
# server is stopped.
RANGE: Final = range(20000, 32000)

TAKEN_MESSAGE: Final = "address already in use"
"""What etcd and the API server say when somebody else was faster."""

_random = random.SystemRandom()


def free_ports() -> Ports:
    """Return ports that are free at this moment. Another process may still be faster: then try again."""
    sockets: list[socket.socket] = []
    try:
        # All are held until all are found, so that no two are the same.
        while len(sockets) < 3:
            attempt = socket.socket()
            sockets.append(attempt)
            if not _bound(attempt):
                sockets.pop().close()
        return Ports(*(held.getsockname()[1] for held in sockets))
    finally:
        for held in sockets:
            held.close()


def _bound(attempt: socket.socket) -> bool:
    try:
        attempt.bind((LOOPBACK, _random.choice(RANGE)))
    except OSError:
        return False
    return True

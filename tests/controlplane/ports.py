"""Free ports on the loopback. Used by `plane`."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack
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
    with ExitStack() as held:
        # All are held until all are found, so that no two are the same.
        return Ports(*(held.enter_context(bound_socket()).getsockname()[1] for _ in range(3)))


def bound_socket() -> socket.socket:
    """Return a socket with a port of its own on the loopback. Nobody else can take it while the socket is open."""
    while True:
        attempt = socket.socket()
        try:
            attempt.bind((LOOPBACK, _random.choice(RANGE)))
        except OSError:
            attempt.close()
        else:
            return attempt

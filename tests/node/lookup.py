"""Asks a name server for the address of a name, and fails if it knows none. Run inside by `node`, as a script.

With the standard library only: the machine's own resolver knows nothing of the node's name server.
"""

from __future__ import annotations

import socket
import sys

TIMEOUT_SECONDS = 1.0


def address_of(name: str, server: str) -> str | None:
    """Return the IPv4 address in a name server's answer, or None if there is none (RFC 1035, section 4)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    question = b"\0\1\1\0\0\1\0\0\0\0\0\0" + labels + b"\0\0\1\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(TIMEOUT_SECONDS)
        asking.sendto(question, (server, 53))
        answer = asking.recv(512)
    refused, answers = answer[3] & 0xF, int.from_bytes(answer[6:8], "big")
    # The address is the end of the one answer.
    return socket.inet_ntoa(answer[-4:]) if answers == 1 and not refused else None


if __name__ == "__main__":
    try:
        found = address_of(sys.argv[1], sys.argv[2])
    except OSError:
        found = None
    sys.exit(f"no address of {sys.argv[1]}" if found is None else 0)

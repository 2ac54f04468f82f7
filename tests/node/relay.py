"""Brings connections from a port of the machine's loopback to an address inside the node. Started by `node`.

A script of its own, with the standard library only. The listening socket was made outside and is inherited; this
process runs inside, so that every connection it makes is made there.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys

CHUNK = 65536
NOTHING_LINGERS = struct.pack("ii", 1, 0)


async def serve(listener: socket.socket, host: str, port: int) -> None:
    """Relay every connection, until the process is ended."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(host, port)
        except OSError:
            reset(writer)  # refused, as far as a relay can say it
            return
        await asyncio.gather(pump(reader, back), pump(there, writer))
        back.close()
        writer.close()

    server = await asyncio.start_server(relay, sock=listener)
    async with server:
        await server.serve_forever()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes, and that nothing more will."""
    try:
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except OSError:
        reset(writer)
    else:
        with contextlib.suppress(OSError):
            await writer.drain()


def reset(writer: asyncio.StreamWriter) -> None:
    """Break a connection, so that its other end does not take this for an orderly end."""
    end: socket.socket = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):  # it may be broken already
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOTHING_LINGERS)
    writer.transport.abort()


if __name__ == "__main__":
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2], int(sys.argv[3])))

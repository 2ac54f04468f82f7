"""A TCP forwarder on the loopback that can be cut like a cable: what is on its way is lost, and nobody is told.

For an operator that shall lose its API server while others keep theirs. Connections from before the cut, or made during
it, are reset when it heals.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

_RESET: Final = struct.pack("ii", 1, 0)
_CHUNK: Final = 65536


class Forwarder:
    """Forwards every connection to one address. Ends with its `with` block."""

    def __init__(self, server: str) -> None:
        address = urlsplit(server)
        self._target = (str(address.hostname), int(address.port or 443))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._is_cut = False
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def server(self) -> str:
        """Where to connect instead."""
        return f"https://127.0.0.1:{self._listener.getsockname()[1]}"

    def kubeconfig(self, original: Path, folder: Path) -> Path:
        """Write a copy of a kubeconfig that goes this way."""
        document = json.loads(original.read_text())
        document["clusters"][0]["cluster"]["server"] = self.server
        path = folder / f"through-{self._listener.getsockname()[1]}"
        path.touch(mode=0o600)
        path.write_text(json.dumps(document))
        return path

    def cut(self) -> None:
        """From now on nothing arrives anywhere."""
        self._is_cut = True

    def heal(self) -> None:
        """Let new connections through."""
        with self._lock:
            self._is_cut = False
            broken, self._sockets = self._sockets, set()
        for end in broken:
            _reset(end)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.heal()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = self._connected()
            with self._lock:
                self._sockets |= {near, far} if far else {near}
            if far:
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()
            elif not self._is_cut:
                _reset(near)

    def _connected(self) -> socket.socket | None:
        if self._is_cut:
            return None
        try:
            return socket.create_connection(self._target)
        except OSError:
            return None

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(_CHUNK):
                if not self._is_cut:
                    sink.sendall(data)
        except OSError:
            pass
        if not self._is_cut:
            with self._lock:
                self._sockets -= {source, sink}
            _reset(source)
            _reset(sink)


def _reset(end: socket.socket) -> None:
    try:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        end.shutdown(socket.SHUT_RDWR)  # wakes whoever reads from it
    except OSError:
        pass
    end.close()

"""A client that logs in all the time with a real ssh, by the key that an export holds at that moment.

Used by `test_targets_rotation`. Logins begin at fixed moments, at one door after the other, and may overlap.
"""

from __future__ import annotations

import hashlib
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from cluster.desk import Desk
from cluster.shown import data_of
from ssh.servers import ADDRESS

EVERY_SECONDS: Final = 0.1
AT_ONCE: Final = 6
"""So many logins may be under way; a moment at which there are more is let pass."""
OPTIONS: Final = (
    *("-F", "none", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes"),
    *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"),
)


class Door(NamedTuple):
    """Where to log in, and through whom."""

    port: int
    user: str
    jump: Door | None = None

    def command(self, key: Path) -> list[str]:
        """Return the ssh that logs in here with a key file."""
        through = []
        if self.jump:
            parts = ["ssh", *OPTIONS, "-i", str(key), "-p", str(self.jump.port), "-W", "%h:%p"]
            through = ["-o", f"ProxyCommand={' '.join([*parts, f'{self.jump.user}@{ADDRESS}'])}"]
        return ["ssh", *OPTIONS, *through, "-i", str(key), "-p", str(self.port), f"{self.user}@{ADDRESS}", "true"]


class LoginClient:
    """Logs in from the beginning to the end of a `with` block."""

    def __init__(self, desk: Desk, secret: str, doors: Sequence[Door], folder: Path) -> None:
        self.refused: list[str] = []
        """What ssh said of each login that did not come to its end."""
        self.logins = 0
        self.keys: set[str] = set()
        """The names of the key files that were used."""
        self.seconds = 0.0
        self._desk, self._secret, self._doors, self._folder = desk, secret, tuple(doors), folder
        self._over, self._free = threading.Event(), threading.Semaphore(AT_ONCE)
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._under_way: list[Future[None]] = []
        self._thread = threading.Thread(target=self._log_in_until_the_end, name="client that logs in")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._pool.shutdown()
        for login in self._under_way:
            login.result()

    def __str__(self) -> str:
        """Return the figures."""
        rate = self.logins / self.seconds if self.seconds else 0.0
        return (
            f"{self.logins} logins with {len(self.keys)} keys in {self.seconds:.1f} s ({rate:.1f} a second), "
            f"{len(self.refused)} refused"
        )

    def _log_in_until_the_end(self) -> None:
        began = time.monotonic()
        number = 0
        while not self._over.is_set():
            if self._free.acquire(blocking=False):
                self._under_way.append(self._pool.submit(self._log_in, self._doors[number % len(self._doors)]))
                number += 1
            # The moments are what is tested: nothing is waited for here.
            self._over.wait(EVERY_SECONDS - (time.monotonic() - began) % EVERY_SECONDS)
        self.seconds = time.monotonic() - began

    def _log_in(self, door: Door) -> None:
        try:
            key = self._key()
            tried = subprocess.run(
                door.command(key), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
            )
            self.logins += 1
            self.keys.add(key.name)
            if tried.returncode:
                self.refused.append(f"{time.strftime('%X')} port {door.port}, {key.name}: {tried.stderr.strip()}")
        finally:
            self._free.release()

    def _key(self) -> Path:
        """Return a file with the key that the Secret holds now."""
        found = self._desk.secret(self._secret)
        assert found is not None
        content = data_of(found)["ssh-privatekey"]
        place = self._folder / hashlib.sha256(content).hexdigest()[:16]
        if not place.exists():
            written = self._folder / f"{place.name}.{threading.get_ident()}"
            written.touch(0o600)
            written.write_bytes(content)
            written.rename(place)
        return place

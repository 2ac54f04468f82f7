"""The port through which a pass reaches servers. `controller/targets` implements it with `ssh`, in threads."""

from __future__ import annotations

from typing import Protocol

from sshcredential_operator.ssh.visit import Arranged, Arrangement, Failed, Login, PrivateKey, Queried, Route, Visited


class Visits(Protocol):
    """Visits to servers; each is one connection, and ends within the route's timeout. None of them raises."""

    async def login(self, route: Route, key: PrivateKey) -> Visited | Failed:
        """Log in and open a session, in which nothing is run."""
        ...

    async def query(self, route: Route, public_keys: tuple[str, ...]) -> Queried | Failed:
        """Ask which of these keys the server would accept, without any private key."""
        ...

    async def arrange(self, route: Route, login: Login, arrangement: Arrangement) -> Arranged | Failed:
        """Log in and bring ~/.ssh/authorized_keys into order."""
        ...

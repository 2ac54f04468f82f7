"""A namespace for each test, through the Python client: faster than a kubectl each time. Used by `fixtures`."""

from __future__ import annotations

import random
import secrets
from pathlib import Path
from typing import Final

from kubernetes import client, config

FIRST: Final = ("amber", "brave", "calm", "dusty", "early", "fresh", "green", "happy", "icy", "jolly", "keen", "lucky")
SECOND: Final = ("badger", "comet", "dune", "falcon", "gecko", "harbor", "island", "lynx", "meadow", "otter", "pine")

_random = random.SystemRandom()


class Namespaces:
    """Makes and deletes namespaces as the administrator."""

    def __init__(self, kubeconfig: Path) -> None:
        self._connection = config.new_client_from_config(str(kubeconfig))
        self._api = client.CoreV1Api(self._connection)

    def create(self) -> str:
        """Make a namespace with a name that never was there before, and return the name."""
        name = new_name()
        self._api.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=name)))
        return name

    def delete(self, name: str) -> None:
        """Ask for the end of a namespace, and do not wait for it."""
        self._api.delete_namespace(name)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def new_name() -> str:
    """Return a name that people can tell from others in a log. Not from the test's seed: a run may be repeated."""
    return f"test-{_random.choice(FIRST)}-{_random.choice(SECOND)}-{secrets.token_hex(2)}"

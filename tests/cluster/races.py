"""Races of users with the operator: credentials created and edited at full speed while it works. Used by `test_greens`.

Every credential has a user of its own, who does one thing after the other without a look at what comes of it.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import aiohttp
import orjson

from cluster.credentials import MERGE, credential
from cluster.shown import Object, imported, secret_of
from controlplane.plane import ControlPlane
from sshcredential_operator.api.names import API_VERSION, PLURAL

CONNECTIONS: Final = 32
CONFLICT: Final = 409

KINDS: Final = (("Ed25519", None), ("ECDSA", 256), ("ECDSA", 384), ("ECDSA", 521))
"""What is asked for: algorithm and bits. No RSA, which would only be waited for."""

MOST_RAISES: Final = 3
"""How often the serial is raised during the races; one more time at the end. More previous keys are not kept."""


class Input(NamedTuple):
    """An input Secret and the private key file in it."""

    name: str
    file: bytes


class Users:
    """Everybody's connection to the API server."""

    def __init__(self, session: aiohttp.ClientSession, server: str, namespace: str) -> None:
        self._session = session
        self._credentials = f"{server}/apis/{API_VERSION}/namespaces/{namespace}/{PLURAL}"
        self._secrets = f"{server}/api/v1/namespaces/{namespace}/secrets"

    async def create(self, name: str, spec: Object) -> None:
        """Create a credential."""
        await self._send("POST", self._credentials, credential(spec, name))

    async def edit(self, name: str, spec: Object) -> None:
        """Change the spec of a credential."""
        await self._send("PATCH", f"{self._credentials}/{name}", {"spec": spec})

    async def delete(self, name: str) -> None:
        """Delete a credential."""
        await self._send("DELETE", f"{self._credentials}/{name}", None)

    async def make_secret(self, name: str, file: bytes) -> None:
        """Make a Secret with a private key file."""
        data = {"ssh-privatekey": b64encode(file).decode()}
        await self._send("POST", self._secrets, {"metadata": {"name": name}, "data": data})

    async def delete_secret(self, name: str) -> None:
        """Delete a Secret."""
        await self._send("DELETE", f"{self._secrets}/{name}", None)

    async def _send(self, method: str, url: str, body: Object | None) -> None:
        data = None if body is None else orjson.dumps(body)
        headers = {"Content-Type": MERGE if method == "PATCH" else "application/json"}
        while True:
            async with self._session.request(method, url, data=data, headers=headers) as response:
                answer = await response.read()
            if response.status != CONFLICT or method != "PATCH":  # the API server itself lost a race
                assert response.ok, answer
                return


@asynccontextmanager
async def users_of(plane: ControlPlane, namespace: str) -> AsyncIterator[Users]:
    """Open the connections."""
    tls = ssl.create_default_context(cafile=str(plane.ca_file))
    connector = aiohttp.TCPConnector(limit=CONNECTIONS, ssl=tls)
    headers = {"Authorization": f"Bearer {plane.token('admin')}"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        yield Users(session, plane.server, namespace)


def asked_for(kind: tuple[str, int | None]) -> Object:
    """Return a spec, or what an edit has to say, for a generated key of this kind."""
    algorithm, bits = kind
    return {"importFrom": None, "generate": {"algorithm": algorithm, "bits": bits}}


# --- create races

Race = Callable[[Users, str, random.Random, Input], Awaitable[None]]


async def created(users: Users, name: str, chance: random.Random, _: Input) -> None:
    """Nothing but the creation."""
    await users.create(name, new(chance))


async def created_and_edited(users: Users, name: str, chance: random.Random, _: Input) -> None:
    """The first pass meets a spec that is not the latest."""
    await users.create(name, new(chance))
    for _turn in range(3):
        await users.edit(name, asked_for(chance.choice(KINDS)) | {"description": str(chance.random())})
    await users.edit(name, {"rotation": {"serial": 1}})


async def created_twice(users: Users, name: str, chance: random.Random, _: Input) -> None:
    """The first life may have left a key, and events of it come late."""
    spec = new(chance)
    for _turn in range(2):
        await users.create(name, spec)
        await users.delete(name)
    await users.create(name, spec)


async def created_with_one_name(users: Users, name: str, chance: random.Random, _: Input) -> None:
    """Two credentials want the same name at the same time; only one can have it."""
    spec = new(chance) | {"name": name.upper()}
    await asyncio.gather(users.create(name, spec), users.create(f"{name}-rival", spec))


async def created_for_an_input(users: Users, name: str, _: random.Random, key: Input) -> None:
    """The input comes at the same time."""
    await asyncio.gather(users.create(name, imported(name)), users.make_secret(name, key.file))


async def created_against_a_stranger(users: Users, name: str, chance: random.Random, key: Input) -> None:
    """Somebody else's Secret may have our name first; then it goes away."""
    made = await asyncio.gather(
        users.create(name, new(chance)), users.make_secret(secret_of(name), key.file), return_exceptions=True
    )
    if not any(isinstance(one, AssertionError) for one in made):
        await users.delete_secret(secret_of(name))


async def created_suspended(users: Users, name: str, chance: random.Random, _: Input) -> None:
    """Nothing may be made until it is set free."""
    await users.create(name, new(chance) | {"suspend": True})
    await users.edit(name, {"suspend": False})


CREATE_RACES: Final[tuple[Race, ...]] = (
    created,
    created_and_edited,
    created_twice,
    created_with_one_name,
    created_for_an_input,
    created_against_a_stranger,
    created_suspended,
)


async def race_to_create(users: Users, names: Iterable[str], chance: random.Random, key: Input) -> None:
    """Run one race after the other for the names, as many at a time as there are connections."""
    waiting = list(enumerate(names))

    async def one_after_the_other() -> None:
        while waiting:
            number, name = waiting.pop()
            await CREATE_RACES[number % len(CREATE_RACES)](users, name, chance, key)

    await asyncio.gather(*(one_after_the_other() for _ in range(CONNECTIONS)))


def new(chance: random.Random) -> Object:
    """Return the spec of a new credential."""
    algorithm, bits = chance.choice(KINDS)
    return {"generate": {"algorithm": algorithm} | ({"bits": bits} if bits else {})}


# --- update races


async def race_to_update(
    users: Users, names: Iterable[str], chance: random.Random, keys: list[Input], rounds: int
) -> None:
    """Edit all credentials at the same time, so many times each; in the end let each have what it asks for."""

    async def edits(name: str) -> None:
        raised = 0
        for _ in range(rounds):
            edit = an_edit(chance, keys)
            if raised < MOST_RAISES and chance.random() < 0.4:
                raised += 1
                edit |= {"rotation": {"serial": raised}}
            await users.edit(name, edit)
        await users.edit(name, {"suspend": False, "rotation": {"serial": raised + 1}})

    await asyncio.gather(*map(edits, names))


def an_edit(chance: random.Random, keys: list[Input]) -> dict[str, Any]:
    """Return something that a user may change."""
    edits: list[Object] = [
        asked_for(chance.choice(KINDS)),
        asked_for(chance.choice(KINDS)),
        {"generate": None} | imported(chance.choice(keys).name),
        {"suspend": chance.random() < 0.5},
        {"description": str(chance.random())},
        {"deletionPolicy": chance.choice(("Delete", "Retain"))},
        {},
    ]
    return dict(chance.choice(edits))

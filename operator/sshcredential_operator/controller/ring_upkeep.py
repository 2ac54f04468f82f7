"""Looks after the key ring while the operator runs: roots that change, documents under old ones, what people ask.

Made by `operator.py`. Only the replica that leads looks. At rest it asks the API server for nothing: the ConfigMap is
watched, a file or a plugin is looked at directly, and all of it is looked at once when the replica begins to lead.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import ClientSession

from sshcredential_operator.api.names import KEY_RING_CONFIG_MAP
from sshcredential_operator.controller.metadata import WATCH_ERRORS, Metadata
from sshcredential_operator.controller.requests import ODD_ANSWERS
from sshcredential_operator.controller.rewrapping import Rewrapping
from sshcredential_operator.controller.ring_desk import ApiRingDesk, Sheet
from sshcredential_operator.controller.ring_problems import sentence_of
from sshcredential_operator.controller.ring_requests import RingRequests
from sshcredential_operator.controller.ring_state import RingState, kids_of
from sshcredential_operator.controller.store import is_later
from sshcredential_operator.encryption.keyring import Keyring, KeyringRefused
from sshcredential_operator.encryption.keyring_store import KeyringStore
from sshcredential_operator.encryption.ring_reread import drop_gone, held_by, learn_new
from sshcredential_operator.encryption.ring_rotation import move_all, users_of_roots
from sshcredential_operator.encryption.root_check import RootProblem
from sshcredential_operator.encryption.root_key import RootSource
from sshcredential_operator.encryption.roots import RootAway
from sshcredential_operator.reconcile.trouble import TroubleError

log = logging.getLogger(__name__)

SUBJECT: Final = "key ring"
LOOK_SECONDS: Final = 5.0
"""So often a file or a plugin is looked at, and progress is told."""
PLUGIN_SECONDS: Final = 15.0
MOVES_A_SECOND: Final = 20.0
RETRY: Final = 2.0


class RingUpkeep:
    """One for an operator. `remarks` is where a sentence about what is wrong is left for people."""

    def __init__(
        self,
        ring: Keyring,
        store: KeyringStore,
        desk: ApiRingDesk,
        requests: RingRequests,
        rewrapping: Rewrapping,
    ) -> None:
        self._ring, self._store, self._desk = ring, store, desk
        self._requests, self._rewrapping = requests, rewrapping
        self.remarks: dict[str, str] = {}
        self.on_problem: Callable[[str], Awaitable[None]] = _unheard
        """Awaited with a sentence once, when something is wrong with the root."""
        self.state = RingState()
        self._permitted: Callable[[], bool] = lambda: True
        self._wake = asyncio.Event()
        self._begun = False
        self._told: str | None = None
        """The revision that this operator wrote last."""
        self._heard: str | None = None
        """The revision that a watch has told of; None where there is no ConfigMap, as far as is known."""

    def begin_only_while(self, permitted: Callable[[], bool]) -> None:
        """Look at nothing while `permitted` says no. `resume` must follow each yes."""
        self._permitted = permitted

    def resume(self) -> None:
        """Look at everything now."""
        self._begun = False
        self._wake.set()

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            timer = loop.call_later(await self.look(), self._wake.set) if self._permitted() else None
            await self._wake.wait()
            if timer:
                timer.cancel()

    async def follow(self, session: ClientSession, server: str) -> None:
        """Watch the ConfigMap, and look when it changes; until cancelled."""
        watched = Metadata(session, server + self._desk.collection, fields=f"metadata.name={KEY_RING_CONFIG_MAP}")
        version = ""
        while True:
            pause = 0.1
            try:
                if not version:
                    listed, version = await watched.list()
                    self._heard = next((metadata["resourceVersion"] for metadata in listed), None)
                    if any(metadata["resourceVersion"] != self._told for metadata in listed):
                        self.resume()
                async for event, metadata in watched.events(version):
                    version = metadata["resourceVersion"]
                    if event != "BOOKMARK":
                        self._heard = version if event != "DELETED" else None
                        if version != self._told:
                            self.resume()
            except WATCH_ERRORS:
                version = ""
                pause = random.uniform(2.0, 5.0)  # noqa: S311 - jitter
            await asyncio.sleep(pause)

    async def look(self) -> float:
        """Look once, and return after how many seconds to look again."""
        begun, self._begun = self._begun, True
        try:
            changed = await self._refresh(again=begun)
            if not begun or changed or self.state.left:
                held = held_by(self._ring)
                moved = await move_all(self._store, self._ring.roots, _pace)
                self.state.left = moved.left
                self.state.count(self._ring, moved.users)
                drop_gone(self._ring, held, moved.keks)
                await learn_new(self._ring, self._store, moved.keks)
            roots = self._ring.roots
            await self._answer(again=begun)
            if self.remarks.pop(SUBJECT, None):
                log.info("the root key is there again")
            if self._ring.roots != roots:  # then everything is to be wrapped anew
                self.resume()
        except RootAway:
            self._begun = False  # what is wrong is over when a whole look has seen that it is
            await self._is_wrong(RootProblem.ROOT_AWAY)
            return RETRY
        except KeyringRefused as refused:
            self._begun = False
            await self._is_wrong(refused.problem)
            return LOOK_SECONDS
        except (TroubleError, *ODD_ANSWERS):  # nobody answers, or a right is missing, which others tell of
            self._begun = False
            return LOOK_SECONDS
        return PLUGIN_SECONDS if self._ring.places[0].source is RootSource.KMS and begun else LOOK_SECONDS

    async def _refresh(self, *, again: bool) -> bool:
        # The default root is changed by requests only, and looked at when there is one, or another replica led.
        if again and all(place.source is RootSource.SECRET for place in self._ring.places):
            return False
        changed = await self._ring.refresh()
        if changed:
            log.info("the root key is another one", extra={"root": " ".join(self._ring.roots.id)})
        return changed

    async def _answer(self, *, again: bool) -> None:
        """Answer requests, and say how far things are."""
        if again and not self._waits():
            return
        sheet = await self._desk.read()
        if self._heard and (sheet.resource_version is None or is_later(self._heard, sheet.resource_version)):
            self._begun = False  # something in between has answered with what was: what is asked is not in it
            return
        # Before any key is made: nobody may get a turn that does less than what was asked.
        self._rewrapping.re_encrypted = frozenset(
            asked.namespace for asked in sheet.asked if asked.re_encrypt and asked.namespace
        )
        answered = await self._answered(sheet)
        self.state.verified = self._requests.verified
        self.state.count(self._ring, await users_of_roots(self._store) if answered else None)
        text = self.state.text(self._ring, self._rewrapping.pending())
        self._told = await self._desk.write(sheet, text, answered)
        if self._told is None:
            self.resume()
        else:
            self._requests.told()

    async def _answered(self, sheet: Sheet) -> frozenset[str]:
        """Do what is asked, and return what needs no more to be done, with a refusal or without."""
        answered = set[str]()
        for asked in sheet.asked:
            refused = await self._requests.answer(asked)
            self.state.refused[asked.entry] = refused
            through = asked.namespace is None or not asked.re_encrypt or self._rewrapping.is_through(asked.namespace)
            if refused or through:
                answered.add(asked.entry)
        return frozenset(answered)

    def _waits(self) -> bool:
        """Whether there is anything to tell or to wait for, though nobody has asked anew."""
        under_way = self._rewrapping.re_encrypted or self._rewrapping.pending() or self.state.told_pending
        return bool(under_way) or self.state.told_keys != kids_of(self._ring)

    async def _is_wrong(self, problem: RootProblem) -> None:
        sentence = sentence_of(problem, self._ring.places[0])
        self._ring.problem = problem
        if self.remarks.get(SUBJECT) != sentence:
            self.remarks[SUBJECT] = sentence
            log.error(sentence)
            await self.on_problem(sentence)


async def _pace() -> None:
    await asyncio.sleep(1 / MOVES_A_SECOND)


async def _unheard(_: str) -> None:
    """Stand in until somebody listens."""

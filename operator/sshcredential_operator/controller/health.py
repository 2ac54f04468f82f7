"""The small HTTP server of `/healthz`, `/readyz` and `/metrics`. Started by `operator.py`."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from sshcredential_operator.controller.metrics import ProcessMetrics

LOOP_STALL_SECONDS: Final = 30.0
SILENCE_SECONDS: Final = 2.0
"""Requests that fail while others are answered are no silence, nor is a single one."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Health:
    """What the operator is waiting for, by subject; empty means ready. Every text is a sentence for a person."""

    waiting: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)
    """What a ready operator has to say beside that."""
    beat: float = field(default_factory=time.monotonic)

    def wait_for(self, subject: str, sentence: str) -> bool:
        """Note what is waited for; return whether that is new."""
        new = self.waiting.get(subject) != sentence
        self.waiting[subject] = sentence
        return new

    def has(self, subject: str) -> bool:
        """Note that it is there; return whether that is new."""
        return self.waiting.pop(subject, None) is not None

    def lists(self, what: str, lack: str | None) -> None:
        """Note what a list still lacks; None when it is complete and watched."""
        if lack is None:
            self.has(what)
        else:
            self.wait_for(what, f"The list of {what} {lack}.")

    async def keep_beating(self) -> None:
        """Show that the event loop turns."""
        while True:
            self.beat = time.monotonic()
            await asyncio.sleep(1)


class Contact:
    """Notes whether the API server answers. Told after every request, whoever made it."""

    def __init__(self, health: Health, server: str) -> None:
        self._health = health
        self._sentence = f"The API server at {server} does not answer; trying again."
        self._silent_since: float | None = None

    def answered(self) -> None:
        """Take an answer, whatever it was."""
        self._silent_since = None
        if self._health.has("contact"):
            log.info("the API server answers again")

    def unanswered(self) -> None:
        """Take the end of a request that nobody answered."""
        self._silent_since = self._silent_since or time.monotonic()
        silent = time.monotonic() - self._silent_since > SILENCE_SECONDS
        if silent and self._health.wait_for("contact", self._sentence):
            log.warning(self._sentence)


class HealthServer:
    """Serves the three paths on one address."""

    def __init__(self, health: Health, metrics: ProcessMetrics) -> None:
        self._health, self._metrics = health, metrics
        metrics.ready.set_function(lambda: not health.waiting)
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> str:
        """Listen; return `host:port` as it really is (port 0 takes a free one)."""
        app = web.Application()
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics_text)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        address = self._runner.addresses[0]
        return f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        stalled = time.monotonic() - self._health.beat > LOOP_STALL_SECONDS
        return web.Response(text="the event loop is stalled\n" if stalled else "ok\n", status=503 if stalled else 200)

    async def _readyz(self, _: web.Request) -> web.Response:
        waiting = self._health.waiting
        text = "".join(f"{sentence}\n" for sentence in (*waiting.values(), *self._health.remarks.values())) or "ok\n"
        return web.Response(text=text, status=503 if waiting else 200)

    async def _metrics_text(self, _: web.Request) -> web.Response:
        return web.Response(
            body=self._metrics.render(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

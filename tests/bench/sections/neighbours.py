"""One workspace asks for costly keys, another one for quick ones: how long the other one waits."""

from __future__ import annotations

import asyncio

from bench.load import Loaded, burst, credential_job, one_by_one
from bench.neighbours import RSA
from bench.section import Asked, Raw, Section, Shown
from bench.stage import Stage, percentile
from bench.tables import ms, table
from bench.writer import writer

PAUSE = 0.1


def measure(stage: Stage, wanted: Asked) -> Raw:
    """Return the waits of Ed25519 credentials, alone and as long as the other workspace's RSA keys are made."""
    flooded, quiet = stage.fresh("flooded"), stage.fresh("quiet")

    async def load() -> Raw:
        async with writer(stage.plane) as to:

            async def single(word: str, number: int) -> Loaded:
                return await one_by_one(to, credential_job(), quiet, 1, word=f"{word}-{number}")

            alone = [wait for n in range(wanted.sizes.singles) for wait in (await single("alone", n)).waits]
            flood = asyncio.create_task(burst(to, credential_job(RSA), flooded, wanted.sizes.rsa))
            beside: list[float] = []
            while not flood.done():
                beside += (await single("beside", len(beside))).waits
                await asyncio.sleep(PAUSE)
            return {"alone": alone, "beside": beside, "flood": flood.result().seconds}

    with stage.operator([flooded, quiet]):
        found = asyncio.run(load())
    print(f"  {wanted.sizes.rsa} RSA keys: {found['flood']:.0f} s", flush=True)
    return {"rsa": wanted.sizes.rsa, **found}


def shown(raw: Raw) -> Shown:
    """Return the table."""
    head = ["Ed25519 credentials, one after the other", "number", "p50 ms", "p99 ms", "worst ms"]
    names = {"alone": "alone", "beside": f"beside {raw['rsa']} RSA-4096 of another workspace ({raw['flood']:.0f} s)"}
    rows = []
    for what, words in names.items():
        waits = raw[what]
        rows.append([words, len(waits), *(ms([percentile(waits, p)]) for p in (50, 99)), ms([max(waits)])])
    return Shown(table(head, rows))


SECTION = Section("Costly neighbours", "4 minutes", measure, shown)

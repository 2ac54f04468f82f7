"""One build of the image. Called by `make image` and by the tests that need an image."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from image import bases, engines, machine, places

NAME: Final = "localhost/sshcredential-operator"
"""No registry: whoever pushes the image gives it another name."""


class Wish(NamedTuple):
    """What was asked for; everything may be left empty."""

    base: str = ""
    name: str = ""
    archive: Path | None = None
    sbom: Path | None = None
    source: str = ""
    engine: str = ""
    kms: bool = False
    """Whether it holds what a root key in a KMS takes."""


class Built(NamedTuple):
    """What came of it."""

    name: str
    base: str
    engine: str
    archive: Path | None


def build(wish: Wish) -> Built:
    """Build the image, and write its archive and its list of parts where they were asked for."""
    with places.one_builder(), tempfile.TemporaryDirectory() as folder:
        engine = engines.find_engine(wish.engine)
        chosen = bases.choose(engine, wish.base)
        name = wish.name or f"{NAME}:{places.version()}"
        arguments = {
            "BASE": chosen,
            "KMS": "1" if wish.kms else "",
            "VERSION": places.version(),
            "REVISION": places.revision(),
            "SOURCE": wish.source,
        }
        secrets = machine.write_secrets(Path(folder))
        engine.build_image(arguments, secrets, "--tag", name)
        if wish.sbom is not None:
            wish.sbom.mkdir(parents=True, exist_ok=True)
            engine.build_image(arguments, secrets, "--target", "sbom", "--output", f"type=local,dest={wish.sbom}")
        if wish.archive is not None:
            engine.save(name, wish.archive)
        return Built(name, chosen, engine.name, wish.archive)

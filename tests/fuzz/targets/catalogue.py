"""All targets, by their names. A new one is a line in its module's `TARGETS`."""

from __future__ import annotations

from typing import Final

from fuzz.target import Target
from fuzz.targets import connections, keys, lines, options, specs, stored, streams

TARGETS: Final[dict[str, Target]] = {
    target.name: target
    for module in (keys, lines, stored, specs, streams, connections, options)
    for target in module.TARGETS
}

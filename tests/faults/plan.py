"""One plan of faults as data, with an id that says all of it: whoever has the id can run the plan again.

rotate~one~PATCH:secrets::workspace:hpc-sshcredential:1/crash-applied
generate~two~POST:secrets::own:root:1/reset-after*3~clock=wall+600
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from faults.signatures import Signature

CASTS: Final = ("one", "two", "elected")
"""One operator; two at once that know nothing of each other; two of which a Lease lets one work."""

_STRIKE: Final = re.compile(r"(?P<signature>.+)/(?P<phase>[a-z0-9-]+)(?:\*(?P<times>\d+))?")


class Strike(NamedTuple):
    """What happens to a request of this signature, and to how many from it on."""

    signature: Signature
    phase: str
    times: int = 1

    def __str__(self) -> str:
        return f"{self.signature}/{self.phase}" + (f"*{self.times}" if self.times > 1 else "")

    @classmethod
    def of(cls, text: str) -> Strike:
        """Read what `str` has written."""
        match = _STRIKE.fullmatch(text)
        if match is None:
            raise ValueError(f"this is no strike: {text}")
        return cls(Signature.of(match["signature"]), match["phase"], int(match["times"] or 1))


class Plan(NamedTuple):
    """An operation, who works on it, and what goes wrong meanwhile."""

    operation: str
    cast: str = "one"
    strikes: tuple[Strike, ...] = ()
    wall: int = 0
    """So many seconds the first operator's clock on the wall is ahead."""

    @property
    def id(self) -> str:
        """The id."""
        clock = [f"clock=wall{self.wall:+d}"] if self.wall else []
        return "~".join([self.operation, self.cast, *map(str, self.strikes), *clock])

    @classmethod
    def of(cls, text: str) -> Plan:
        """Return the plan of an id."""
        operation, cast, *rest = text.split("~")
        wall = 0
        if rest and rest[-1].startswith("clock=wall"):
            wall = int(rest.pop().removeprefix("clock=wall"))
        if cast not in CASTS:
            raise ValueError(f"this is no cast: {cast}")
        return cls(operation, cast, tuple(map(Strike.of, rest)), wall)

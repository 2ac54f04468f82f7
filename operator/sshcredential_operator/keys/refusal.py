"""How a reader of this package says no: one exception, turned into a value by `judge`. Never carries input text."""

from __future__ import annotations

from typing import Final, NamedTuple

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.keys.keypair import PublicKey

LARGEST_FACT: Final = 2**63 - 1


class Fact(NamedTuple):
    """A number, or a word from our own tables, that a message may repeat."""

    name: str
    value: int | str


class Refusal(Exception):
    """Raised where a file turns out to be unacceptable; only `judge` and `stored` catch it."""

    def __init__(self, reason: KeyRefusal, **facts: int | str) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.detail = tuple(Fact(name, _bounded(value)) for name, value in facts.items())
        self.public: PublicKey | None = None

    def about(self, public: PublicKey | None) -> Refusal:
        """Return this refusal, which now also tells which key it is about."""
        self.public = public
        return self


def corrupt() -> Refusal:
    """Return the refusal of a damaged file."""
    return Refusal(KeyRefusal.CORRUPT)


def _bounded(value: int | str) -> int | str:
    """Cap a number from a file: one of thousands of digits cannot even be printed."""
    return min(value, LARGEST_FACT) if isinstance(value, int) else value

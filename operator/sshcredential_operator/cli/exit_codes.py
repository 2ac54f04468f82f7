"""How every command of `sshcred` ends, as a number for scripts. Used by all of them."""

from __future__ import annotations

from typing import Final, NoReturn

import click

DONE: Final = 0
REFUSED: Final = 1
"""It is not so, or was refused; stderr says why and what to do."""
WRONG_USE: Final = 2
TIMED_OUT: Final = 3
"""The time to wait is over, and it may still become so."""
NO_ANSWER: Final = 4
"""No cluster answers."""

MEANINGS: Final = {
    DONE: "It is done, or it is so.",
    REFUSED: "It was refused or is not so; stderr says why, and what to do.",
    WRONG_USE: "Wrong use: an option or argument that cannot be, or a file that cannot be read.",
    TIMED_OUT: "The time to wait is over; it may still become so.",
    NO_ANSWER: "No cluster answers: no usable kubeconfig, or an API server that cannot be reached.",
}


class EndedError(click.ClickException):
    """Ends a command with a sentence and one of these codes."""

    def __init__(self, sentence: str, code: int) -> None:
        super().__init__(sentence)
        vars(self)["exit_code"] = code  # click has it in the class, and reads it from the object


def end(sentence: str, code: int = REFUSED) -> NoReturn:
    """End the command with this sentence on stderr."""
    raise EndedError(sentence, code)

"""The options before a key in `authorized_keys`, as sshd(8) has them. Used by `sshcred public-key`. Pure."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

FLAGS: Final = frozenset(
    {
        *("agent-forwarding", "no-agent-forwarding", "port-forwarding", "no-port-forwarding", "pty", "no-pty"),
        *("user-rc", "no-user-rc", "X11-forwarding", "no-X11-forwarding", "restrict", "cert-authority"),
        *("no-touch-required", "verify-required"),
    }
)
WITH_VALUE: Final = frozenset(
    {"command", "environment", "expiry-time", "from", "permitlisten", "permitopen", "principals", "tunnel"}
)
MAX_OPTIONS: Final = 4096
_OPTION: Final = re.compile(r'([A-Za-z0-9-]++)(="(?:[^"\\]|\\"|\\(?!"))*+")?+')
"""Within quotes `\\"` is a quote and any other backslash is itself, so that none can stand last."""
_BY_LOWER: Final = {name.lower(): name for name in FLAGS | WITH_VALUE}


class BadOptions(NamedTuple):
    """Why sshd would not take these options as they are meant."""

    sentence: str


def options_of_a_line(text: str) -> str | BadOptions:
    """Return the options as they stand before a key, or why not.

    One printable line, options separated by commas without blanks, values in double quotes. Names count whatever their
    case, as for sshd. What sshd does not know is refused: it would ignore the whole line.
    """
    if not text.isprintable() or not 0 < len(text) <= MAX_OPTIONS:
        return BadOptions("must be one line of printable characters, at most 4096")
    position = 0
    while position < len(text):
        match = _OPTION.match(text, position)
        if match is None:
            return BadOptions(
                f"cannot be read at character {position + 1}: options are separated by commas, without blanks between "
                'them, and values stand in double quotes, such as restrict,from="10.0.0.0/8"'
            )
        if bad := _bad(match[1], has_value=match[2] is not None):
            return bad
        position = match.end()
        if position < len(text) and (text[position] != "," or position + 1 == len(text)):
            return BadOptions(f"cannot be read at character {position + 1}: a comma and another option belong there")
        position += 1
    return text


def _bad(name: str, *, has_value: bool) -> BadOptions | None:
    known = _BY_LOWER.get(name.lower())
    if known is None:
        return BadOptions(f"has an option that sshd does not know; known are {', '.join(sorted(FLAGS | WITH_VALUE))}")
    if has_value != (known in WITH_VALUE):
        return BadOptions(f'must give {known} a value, as {known}="..."' if not has_value else f"gives {known} a value")
    return None

"""What the message of a target's Ready says beside its reason. Used by `targets/fold.py`; facts are of our own."""

from __future__ import annotations

from typing import Final

from sshcredential_operator.api.text import Text

LATEST_TRY_FAILED: Final = "The latest probe did not get through ({reason}); it is tried again by itself."
NEXT_KEY_REFUSED: Final = (
    "The next key {fingerprint} does not log in ({reason}); the credential goes on with the current one until it does."
)
TRUSTED_ON_FIRST_USE: Final = Text(
    "The host key {fingerprint} was taken without proof, being the first one that {host} showed.",
    "Compare it with what the server's owner says.",
)

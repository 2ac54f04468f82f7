"""The proof that a plain copy is ours, and unchanged: an annotation that only who has the workspace's KEK can make.

Labels and names can be written by anybody; without this proof a Secret is never overwritten or deleted as a copy. Used
by `exports`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final, NamedTuple

from sshcredential_operator.encryption import b64url, exact_json
from sshcredential_operator.encryption.envelope import KID, Kek
from sshcredential_operator.encryption.exact_json import Malformed

FORMAT: Final = "v1"
KEY_OF_COPIES: Final = b"sshcredentials.dev/v1 copy"
_MAC_SIZE: Final = 32
_LONGEST: Final = 512


class CopyPlace(NamedTuple):
    """Which Secret a copy is, and which export it belongs to. The uid ends with the export, and so does the proof."""

    namespace: str
    secret_name: str
    export_name: str
    export_uid: str


class CopyContent(NamedTuple):
    """All of a copy that matters: `made_of` says what it was made of, so that a newer wish is seen as well."""

    made_of: str
    type: str
    labels: Mapping[str, str]
    data: Mapping[str, bytes]


class Proof(NamedTuple):
    """The annotation, read."""

    kid: str
    of_place: bytes
    of_content: bytes


def prove(kek: Kek, place: CopyPlace, content: CopyContent) -> str:
    """Return the annotation's text: `v1:<kid>:<MAC of the place>:<MAC of place and content>`, HMAC-SHA256."""
    macs = (b64url.encode(mac) for mac in (_mac(kek, place), _mac(kek, place, content)))
    return ":".join((FORMAT, kek.kid, *macs))


def parse_proof(text: object) -> Proof | None:
    """Read the annotation, or None for any other text."""
    parts = text.split(":") if isinstance(text, str) and len(text) <= _LONGEST else []
    try:
        version, kid, of_place, of_content = parts
        macs = [b64url.decode(mac) or b"" for mac in (of_place, of_content)]
        if version != FORMAT or [len(mac) for mac in macs] != [_MAC_SIZE, _MAC_SIZE]:
            return None
        return Proof(exact_json.text(kid, KID), *macs)
    except (Malformed, ValueError):
        return None


def is_ours(proof: Proof, place: CopyPlace, kek: Kek) -> bool:
    """Whether the Secret at this place was made for this export by who has the key."""
    return kek.kid == proof.kid and hmac.compare_digest(proof.of_place, _mac(kek, place))


def is_unchanged(proof: Proof, place: CopyPlace, content: CopyContent, kek: Kek) -> bool:
    """Whether it is also still what was written, and made of what it would be made of now."""
    return is_ours(proof, place, kek) and hmac.compare_digest(proof.of_content, _mac(kek, place, content))


def _mac(kek: Kek, place: CopyPlace, content: CopyContent | None = None) -> bytes:
    said: list[object] = [FORMAT, *place]
    if content is not None:
        said += [content.made_of, content.type, dict(sorted(content.labels.items()))]
        said.append({name: hashlib.sha256(content.data[name]).hexdigest() for name in sorted(content.data)})
    # A key of its own: the KEK itself only ever wraps.
    key = hmac.digest(kek.key.reveal(), KEY_OF_COPIES, "sha256")
    return hmac.digest(key, exact_json.write(said), "sha256")

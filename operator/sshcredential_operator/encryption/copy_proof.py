"""The proof that a plain copy is ours, and unchanged: an annotation that only who has the workspace's KEK can make.

Labels and names can be written by anybody; without this proof a Secret is never overwritten or deleted as a copy. It
also says which export and credential the copy belongs to, so that one whose export is gone is known as well. Used by
`exports`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from sshcredential_operator.encryption import b64url, exact_json
from sshcredential_operator.encryption.envelope import KID, Kek
from sshcredential_operator.encryption.exact_json import Malformed

FORMAT: Final = "v1"
KEY_OF_COPIES: Final = b"sshcredentials.dev/v1 copy"
_MAC_SIZE: Final = 32
_LONGEST: Final = 1024
_NAME: Final = re.compile(r"[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?")
_UID: Final = re.compile(r"[-A-Za-z0-9]{1,64}")


class Source(NamedTuple):
    """Which export a copy was made for, and of which credential. The uid ends with the export, and so does the copy."""

    export_name: str
    export_uid: str
    credential: str


class CopyPlace(NamedTuple):
    """Which Secret a copy is."""

    namespace: str
    secret_name: str


class CopyContent(NamedTuple):
    """All of a copy that matters."""

    type: str
    labels: Mapping[str, str]
    data: Mapping[str, bytes]


class Proof(NamedTuple):
    """The annotation, read: what it claims, unproven."""

    kid: str
    source: Source
    of_place: bytes
    of_wish: bytes
    of_content: bytes


def prove(kek: Kek, place: CopyPlace, source: Source, wish: str, content: CopyContent) -> str:
    """Return the annotation's text, colons between its parts; the MACs are HMAC-SHA256 in base64url.

    `v1:<kid>:<export>:<uid>:<credential>:<MAC of the place>:<MAC of the wish>:<MAC of the content>`. The wish says what
    the copy was made of, so that a newer one is seen, and is told from a change by somebody else.
    """
    macs = (_of_place(kek, place, source), _of_wish(kek, place, source, wish), _of_content(kek, place, source, content))
    return ":".join((FORMAT, kek.kid, *source, *map(b64url.encode, macs)))


def parse_proof(text: object) -> Proof | None:
    """Read the annotation, or None for any other text."""
    parts = text.split(":") if isinstance(text, str) and len(text) <= _LONGEST else []
    try:
        version, kid, export, uid, credential, *macs = parts
        of_place, of_wish, of_content = [b64url.decode(mac) or b"" for mac in macs]
        if version != FORMAT or any(len(mac) != _MAC_SIZE for mac in (of_place, of_wish, of_content)):
            return None
        source = Source(exact_json.text(export, _NAME), exact_json.text(uid, _UID), exact_json.text(credential, _NAME))
        return Proof(exact_json.text(kid, KID), source, of_place, of_wish, of_content)
    except (Malformed, ValueError):
        return None


def is_ours(proof: Proof, place: CopyPlace, kek: Kek) -> bool:
    """Whether the Secret at this place was made for the export and of the credential that the proof names."""
    return kek.kid == proof.kid and hmac.compare_digest(proof.of_place, _of_place(kek, place, proof.source))


def is_untouched(proof: Proof, place: CopyPlace, content: CopyContent, kek: Kek) -> bool:
    """Whether it is also still what was written."""
    return is_ours(proof, place, kek) and hmac.compare_digest(
        proof.of_content, _of_content(kek, place, proof.source, content)
    )


def is_made_of(proof: Proof, place: CopyPlace, wish: str, kek: Kek) -> bool:
    """Whether it was made of what it would be made of now."""
    return is_ours(proof, place, kek) and hmac.compare_digest(proof.of_wish, _of_wish(kek, place, proof.source, wish))


def _of_place(kek: Kek, place: CopyPlace, source: Source) -> bytes:
    return _mac(kek, ["place", *place, *source])


def _of_wish(kek: Kek, place: CopyPlace, source: Source, wish: str) -> bytes:
    return _mac(kek, ["wish", *place, *source, wish])


def _of_content(kek: Kek, place: CopyPlace, source: Source, content: CopyContent) -> bytes:
    values = {name: hashlib.sha256(content.data[name]).hexdigest() for name in sorted(content.data)}
    return _mac(kek, ["content", *place, *source, content.type, dict(sorted(content.labels.items())), values])


def _mac(kek: Kek, said: list[object]) -> bytes:
    # A key of its own: the KEK itself only ever wraps.
    key = hmac.digest(kek.key.reveal(), KEY_OF_COPIES, "sha256")
    return hmac.digest(key, exact_json.write([FORMAT, *said]), "sha256")

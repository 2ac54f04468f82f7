"""Reading back a key that we stored ourselves. Called on every pass over a credential, so it must be cheap.

It does not repeat the costly checks that were made once, when the key was taken or generated.
"""

from __future__ import annotations

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.keypair import PublicKey
from sshcredential_operator.keys.openssh import canonical_body, canonical_file, container, section, shown_comment
from sshcredential_operator.keys.private import proven_blob
from sshcredential_operator.keys.public import public_key
from sshcredential_operator.keys.refusal import Refusal


def stored_public_key(private: Sensitive) -> PublicKey | None:
    """Return the public half of a file that we wrote, or None for any other file and for halves that do not match."""
    file = private.reveal()
    body = canonical_body(file)
    if body is None:
        return None
    try:
        outer = container(body)
        inner = section(outer.section)
        blob = proven_blob(inner.private, (outer.public_blob, *inner.claims))
        public = public_key(blob, shown_comment(inner.comment))
    except Refusal:
        return None
    return public if canonical_file(inner.private, blob, public.comment) == file else None

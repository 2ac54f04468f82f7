"""jwcrypto, another JOSE library, opening and making what is stored: proof that no reader of our own is needed."""

from __future__ import annotations

import base64
import json

from jwcrypto import jwe, jwk  # type: ignore[import-untyped]  # it ships no types

from sshcredential_operator.encryption.envelope import Kek


def jwk_of(kek: Kek) -> jwk.JWK:
    return jwk.JWK(kty="oct", k=base64.urlsafe_b64encode(kek.key.reveal()).decode().rstrip("="))


def opened_elsewhere(sealed: bytes, kek: Kek) -> tuple[bytes, bytes]:
    """Return plaintext and aad; whatever does not fit raises."""
    token = jwe.JWE(algs=["A256GCMKW", "A256GCM"])
    token.deserialize(sealed.decode(), jwk_of(kek))
    return token.payload, token.objects["aad"]


def sealed_elsewhere(plaintext: bytes, kek: Kek, aad: bytes) -> bytes:
    """Return the same shape as jwcrypto writes it: its members in another order."""
    token = jwe.JWE(plaintext, protected='{"enc":"A256GCM"}', aad=aad)
    token.add_recipient(jwk_of(kek), header=json.dumps({"alg": "A256GCMKW", "kid": kek.kid}))
    serialized: str = token.serialize()
    return serialized.encode()

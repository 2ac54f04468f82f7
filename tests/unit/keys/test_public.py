"""`keys/public.py`: a public half in wire form is read strictly, since an encrypted file's is shown unproven."""

from __future__ import annotations

import pytest

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.keys.public import public_key
from sshcredential_operator.keys.refusal import Refusal
from sshcredential_operator.keys.wire import mpint, string

MODULUS = mpint((1 << 2048) - 1)
POINT = b"\x04" + bytes(64)


@pytest.mark.parametrize(
    ("blob", "algorithm", "bits"),
    [
        pytest.param(string(b"ssh-ed25519") + string(bytes(32)), Algorithm.ED25519, 256, id="Ed25519"),
        pytest.param(
            string(b"ecdsa-sha2-nistp256") + string(b"nistp256") + string(POINT), Algorithm.ECDSA, 256, id="ECDSA 256"
        ),
        pytest.param(
            string(b"ecdsa-sha2-nistp521") + string(b"nistp521") + string(b"\x04" + bytes(132)),
            Algorithm.ECDSA,
            521,
            id="ECDSA 521",
        ),
        pytest.param(string(b"ssh-rsa") + mpint(3) + MODULUS, Algorithm.RSA, 2048, id="RSA"),
    ],
)
def test_a_public_half_is_read(blob: bytes, algorithm: Algorithm, bits: int) -> None:
    key = public_key(blob, "me")
    assert (key.algorithm, key.bits, key.blob, key.comment) == (algorithm, bits, blob, "me")


@pytest.mark.parametrize(
    ("blob", "reason"),
    [
        pytest.param(b"", KeyRefusal.CORRUPT, id="nothing"),
        pytest.param(string(b"ssh-ed25519"), KeyRefusal.CORRUPT, id="a type alone"),
        pytest.param(string(b"ssh-ed25519") + string(bytes(31)), KeyRefusal.CORRUPT, id="a short Ed25519 key"),
        pytest.param(string(b"ssh-ed25519") + string(bytes(32)) + b"x", KeyRefusal.CORRUPT, id="something after it"),
        pytest.param(
            string(b"ecdsa-sha2-nistp256") + string(b"nistp384") + string(POINT), KeyRefusal.CORRUPT, id="two curves"
        ),
        pytest.param(
            string(b"ecdsa-sha2-nistp256") + string(b"nistp256") + string(POINT[:-1]),
            KeyRefusal.CORRUPT,
            id="a short point",
        ),
        pytest.param(
            string(b"ecdsa-sha2-nistp256") + string(b"nistp256") + string(b"\x02" + bytes(64)),
            KeyRefusal.CORRUPT,
            id="a compressed point",
        ),
        pytest.param(
            string(b"nistp256") + string(b"nistp256") + string(POINT),
            KeyRefusal.UNSUPPORTED_KEY_TYPE,
            id="a curve for a type",
        ),
        pytest.param(string(b"ssh-rsa") + mpint(1) + MODULUS, KeyRefusal.CORRUPT, id="RSA with e = 1"),
        pytest.param(string(b"ssh-rsa") + mpint(4) + MODULUS, KeyRefusal.CORRUPT, id="RSA with an even e"),
        pytest.param(string(b"ssh-rsa") + mpint(3) + string(b"\x80"), KeyRefusal.CORRUPT, id="RSA with a negative n"),
        pytest.param(string(b"ssh-dss"), KeyRefusal.DSA_KEY, id="DSA"),
        pytest.param(string(b"sk-ssh-ed25519@openssh.com"), KeyRefusal.HARDWARE_KEY, id="a hardware key"),
        pytest.param(string(b"ssh-ed25519-cert-v01@openssh.com"), KeyRefusal.CERTIFICATE, id="a certificate"),
        pytest.param(string(b"ecdsa-sha2-nistp192"), KeyRefusal.UNSUPPORTED_CURVE, id="another curve"),
        pytest.param(string(b"ssh-ed448"), KeyRefusal.UNSUPPORTED_KEY_TYPE, id="another type"),
    ],
)
def test_anything_else_is_refused(blob: bytes, reason: KeyRefusal) -> None:
    with pytest.raises(Refusal) as refused:
        public_key(blob)
    assert refused.value.reason is reason

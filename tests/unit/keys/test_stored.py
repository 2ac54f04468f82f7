"""`keys/stored.py`: a file of our own gives its public half, and no other file does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.judge import Accepted, judge
from sshcredential_operator.keys.stored import stored_public_key
from sshcredential_operator.keys.wire import mpint
from unit.keys.key_files import (
    KINDS,
    ONE_OF_EACH,
    P256,
    PASSPHRASE,
    KeyFiles,
    Kind,
    openssh_file,
    openssh_section,
    pem,
    pem_body,
)


def canonical(files: KeyFiles, kind: Kind) -> bytes:
    verdict = judge(Sensitive(files.file(kind)), None)
    assert isinstance(verdict, Accepted)
    return verdict.pair.private.reveal()


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_file_of_our_own_gives_its_public_half(key_files: KeyFiles, kind: Kind) -> None:
    public = stored_public_key(Sensitive(canonical(key_files, kind)))
    assert public is not None
    assert public.line == key_files.line(kind)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda _: b"", id="nothing"),
        pytest.param(lambda file: file[:-1], id="no last newline"),
        pytest.param(lambda file: file + b"\n", id="one newline more"),
        pytest.param(lambda file: file.replace(b"\n", b"\r\n"), id="other line ends"),
        pytest.param(lambda file: b"\xef\xbb\xbf" + file, id="a byte order mark"),
        pytest.param(lambda file: pem("OPENSSH PRIVATE KEY", pem_body(file)), id="lines of another length"),
        pytest.param(lambda file: file.replace(b"OPENSSH ", b""), id="another label"),
        pytest.param(lambda file: file.replace(b"b3BlbnNza", b"b3Bl!bnNza"), id="a stray letter"),
        pytest.param(lambda file: file[: len(file) // 2], id="half of it"),
        pytest.param(lambda file: file + file, id="twice"),
    ],
)
@pytest.mark.parametrize("kind", ONE_OF_EACH, ids=str)
def test_a_file_that_differs_in_its_text_is_not_ours(
    key_files: KeyFiles, kind: Kind, change: Callable[[bytes], bytes]
) -> None:
    assert stored_public_key(Sensitive(change(canonical(key_files, kind)))) is None


@pytest.mark.parametrize("kind", ONE_OF_EACH, ids=str)
def test_a_file_with_any_octet_changed_is_not_ours(key_files: KeyFiles, kind: Kind) -> None:
    """But for the comment, which is a text of its own."""
    public = stored_public_key(Sensitive(canonical(key_files, kind)))
    assert public is not None
    body = pem_body(canonical(key_files, kind))
    step = 1 if len(body) < 500 else 7
    for at in range(0, len(body), step):
        changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        found = stored_public_key(Sensitive(rewritten(changed)))
        assert found is None or (found.blob == public.blob and found.comment != public.comment), at


@pytest.mark.parametrize("scalar", [0, ec.SECP256R1.group_order, 2**300], ids=["zero", "the order", "a huge one"])
def test_a_scalar_that_cannot_be_is_not_ours(key_files: KeyFiles, scalar: int) -> None:
    public = stored_public_key(Sensitive(canonical(key_files, P256)))
    assert public is not None
    file = openssh_file(public.blob, openssh_section(public.blob + mpint(scalar)))
    assert stored_public_key(Sensitive(rewritten(pem_body(file)))) is None


def rewritten(body: bytes) -> bytes:
    """Return a file whose text is as we write it, whatever its body."""
    lines = pem("X", body).splitlines()[1:-1]
    text = b"".join(lines)
    wrapped = b"".join(text[start : start + 70] + b"\n" for start in range(0, len(text), 70))
    return b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + wrapped + b"-----END OPENSSH PRIVATE KEY-----\n"


@pytest.mark.parametrize("kind", ONE_OF_EACH, ids=str)
def test_the_way_the_test_rewrites_is_the_way_we_write(key_files: KeyFiles, kind: Kind) -> None:
    assert rewritten(pem_body(canonical(key_files, kind))) == canonical(key_files, kind)


@pytest.mark.parametrize("kind", ONE_OF_EACH, ids=str)
def test_a_file_by_ssh_keygen_is_not_ours(key_files: KeyFiles, kind: Kind) -> None:
    assert stored_public_key(Sensitive(key_files.file(kind))) is None
    assert stored_public_key(Sensitive(key_files.file(kind, "OpenSSH", PASSPHRASE))) is None

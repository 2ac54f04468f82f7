"""Private keys in the clear: every form that ssh-keygen, openssl and puttygen write, wrapped as people do it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest

from sshcredential_operator.manifests.plaintext import private_keys
from unit.keys.key_files import ED25519, EVERY_FORM, PASSPHRASE, PPK, RSA2048, KeyFiles, Kind

FORMS = [*EVERY_FORM, (ED25519, PPK), (RSA2048, PPK)]


def indented(file: bytes) -> bytes:
    return b"kind: Secret\nstringData:\n  key: |\n" + b"".join(b"    " + line + b"\n" for line in file.splitlines())


def in_json(file: bytes) -> bytes:
    return json.dumps({"key": file.decode()}).encode()


def in_json_in_json(file: bytes) -> bytes:
    return json.dumps({"inner": in_json(file).decode()}).encode()


def in_base64(file: bytes) -> bytes:
    return b"kind: Secret\ndata:\n  key: " + base64.b64encode(file) + b"\n  other: eA==\n"


def in_wrapped_base64(file: bytes) -> bytes:
    return base64.encodebytes(file)


def in_base64_twice(file: bytes) -> bytes:
    return b"a: b\nkey: " + base64.b64encode(base64.b64encode(file)) + b"\n"


def in_wrapped_base64_twice(file: bytes) -> bytes:
    return base64.encodebytes(base64.encodebytes(file))


def in_a_program(file: bytes) -> bytes:
    return b"KEY = (\n" + b"".join(b'    "' + line + b'\\n"\n' for line in file.splitlines()) + b")\n"


def folded(file: bytes) -> bytes:
    return b"key: >-\n" + b"".join(b"  " + line + b"\n\n" for line in file.splitlines())


def as_windows_writes_it(file: bytes) -> bytes:
    return file.replace(b"\n", b"\r\n").decode().encode("utf-16")


def after_a_page(file: bytes) -> bytes:
    return b"text \0\xff\n" * 1000 + file


WRAPPED: list[tuple[Callable[[bytes], bytes], int]] = [
    (bytes, 1),
    (indented, 4),
    (in_json, 1),
    (in_json_in_json, 1),
    (in_base64, 3),
    (in_wrapped_base64, 1),
    (in_base64_twice, 2),
    (in_wrapped_base64_twice, 1),
    (in_a_program, 2),
    (folded, 2),
    (as_windows_writes_it, 1),
    (after_a_page, 1001),
]


@pytest.mark.parametrize("passphrase", [b"", PASSPHRASE], ids=["plain", "encrypted"])
@pytest.mark.parametrize(("wrap", "line"), WRAPPED, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize(("kind", "form"), FORMS, ids=str)
def test_a_private_key_is_found(
    key_files: KeyFiles, kind: Kind, form: str, wrap: Callable[[bytes], bytes], line: int, passphrase: bytes
) -> None:
    found = private_keys(wrap(key_files.file(kind, form, passphrase)))

    assert [(key.line, key.encrypted) for key in found] == [(line, bool(passphrase))]


def test_every_key_of_a_file_is_found_with_its_line(key_files: KeyFiles) -> None:
    plain, encrypted = key_files.file(ED25519), key_files.file(ED25519, passphrase=PASSPHRASE)
    content = b"a:\n" + plain + b"b:\n" + encrypted

    assert [key.line for key in private_keys(content)] == [2, plain.count(b"\n") + 3]


def test_a_key_without_its_begin_line_is_found(key_files: KeyFiles) -> None:
    body = b"".join(key_files.file(ED25519).splitlines()[1:-1])

    assert private_keys(b"key: " + body)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"-----BEGIN OPENSSH PRIVATE KEY-----\n...\n-----END OPENSSH PRIVATE KEY-----\n", id="a page"),
        pytest.param(
            b"BEGIN = b'-----BEGIN OPENSSH PRIVATE KEY-----'\nEND = 1\n" + b"words = more\n" * 50, id="a program"
        ),
        pytest.param(b"-----BEGIN RSA PRIVATE KEY----- " + b"and many words follow " * 20, id="words after it"),
        pytest.param(b"grep -r 'BEGIN OPENSSH PRIVATE KEY' .\n", id="a search for one"),
        pytest.param(b"eyJhbGciOiJFQ0RILUVTK0EyNTZLVyJ9." + b"QUJD" * 200, id="a sealed value"),
        pytest.param(b"x" * 100_000, id="one long word"),
        pytest.param(bytes(range(256)) * 400, id="a binary file"),
    ],
)
def test_what_is_no_private_key_is_left_alone(content: bytes) -> None:
    assert private_keys(content) == []


def test_public_keys_are_left_alone(key_files: KeyFiles) -> None:
    assert private_keys("\n".join(key_files.line(kind) for kind in (ED25519, RSA2048)).encode()) == []

"""`keys/repair.py`: what editors, terminals and YAML do to a key file is undone, and said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sshcredential_operator.api.keyreasons import Note
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.judge import Accepted, judge
from unit.keys.key_files import ED25519, OPENSSH, P256, PASSPHRASE, PKCS8, RSA2048, TRADITIONAL, KeyFiles, Kind

LINES = Note.LINE_ENDINGS_REPAIRED
SPACE = Note.WHITESPACE_REPAIRED

DAMAGES: list[tuple[str, Callable[[bytes], bytes], tuple[Note, ...]]] = [
    ("nothing at all", lambda file: file, ()),
    ("Windows line ends", lambda file: file.replace(b"\n", b"\r\n"), (LINES,)),
    ("Windows line ends twice over", lambda file: file.replace(b"\n", b"\r\r\n"), (LINES,)),
    ("old Macintosh line ends", lambda file: file.replace(b"\n", b"\r"), (LINES,)),
    ("mixed line ends", lambda file: file.replace(b"\n", b"\r\n", 2), (LINES,)),
    ("no last newline", lambda file: file.rstrip(b"\n"), (SPACE,)),
    ("many last newlines", lambda file: file + b"\n\n\n", (SPACE,)),
    ("blanks after the last line", lambda file: file + b"   \t", (SPACE,)),
    ("a byte order mark", lambda file: b"\xef\xbb\xbf" + file, (SPACE,)),
    ("leading blank lines", lambda file: b"\n \n\n" + file, (SPACE,)),
    ("indentation, as in YAML", lambda file: b"".join(b"    " + line for line in file.splitlines(True)), (SPACE,)),
    ("indentation but for the first line", lambda file: file.rstrip(b"\n").replace(b"\n", b"\n  "), (SPACE,)),
    ("indentation with tabs", lambda file: b"".join(b"\t" + line for line in file.splitlines(True)), (SPACE,)),
    ("trailing blanks", lambda file: file.replace(b"\n", b" \t\n"), (SPACE,)),
    (
        "all of these",
        lambda file: b"\xef\xbb\xbf\r\n" + file.rstrip(b"\n").replace(b"\n", b" \r\n  "),
        (LINES, SPACE),
    ),
]


@pytest.mark.parametrize(("damage", "notes"), [pytest.param(*rest, id=name) for name, *rest in DAMAGES])
@pytest.mark.parametrize(
    ("kind", "form", "passphrase"),
    [
        pytest.param(ED25519, OPENSSH, b"", id="OpenSSH"),
        pytest.param(ED25519, OPENSSH, PASSPHRASE, id="OpenSSH, encrypted"),
        pytest.param(RSA2048, TRADITIONAL, b"", id="PKCS#1"),
        pytest.param(RSA2048, TRADITIONAL, PASSPHRASE, id="PKCS#1, encrypted"),
        pytest.param(P256, TRADITIONAL, b"", id="SEC1"),
        pytest.param(P256, TRADITIONAL, PASSPHRASE, id="SEC1, encrypted"),
        pytest.param(P256, PKCS8, b"", id="PKCS#8"),
        pytest.param(P256, PKCS8, PASSPHRASE, id="PKCS#8, encrypted"),
    ],
)
def test_white_space_is_repaired_and_noted(
    key_files: KeyFiles,
    kind: Kind,
    form: str,
    passphrase: bytes,
    damage: Callable[[bytes], bytes],
    notes: tuple[Note, ...],
) -> None:
    whole = key_files.file(kind, form, passphrase)
    undamaged = judge(Sensitive(whole), Sensitive(passphrase))
    damaged = judge(Sensitive(damage(whole)), Sensitive(passphrase))
    assert isinstance(undamaged, Accepted)
    assert isinstance(damaged, Accepted)
    assert damaged.pair == undamaged.pair
    assert damaged.passphrase == undamaged.passphrase
    assert damaged.notes == notes + undamaged.notes

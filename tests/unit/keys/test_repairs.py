"""`keys/repair.py`: what editors, terminals, mail programs and YAML do to a key file is undone, and said."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable

import pytest

from sshcredential_operator.api.keyreasons import KeyRefusal, Note
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.judge import Accepted, Refused, judge
from sshcredential_operator.keys.pool import KeyPool
from sshcredential_operator.keys.repair import REPAIRS, Repair, repaired
from unit.keys.key_files import ED25519, OPENSSH, P256, PASSPHRASE, PKCS8, PPK, RSA2048, TRADITIONAL, KeyFiles, Kind

LINES = Note.LINE_ENDINGS_REPAIRED
SPACE = Note.WHITESPACE_REPAIRED

LAYOUT = Note.NEWLINES_RESTORED
QUOTES = Note.QUOTES_REMOVED
HEADER = Note.HEADER_REPAIRED
ENCODING = Note.ENCODING_REPAIRED
BASE64 = Note.BASE64_REMOVED
TEXT = Note.TEXT_REMOVED
TWICE = Note.DUPLICATE_REMOVED

DAMAGES: list[tuple[str, Callable[[bytes], bytes], tuple[Note, ...]]] = [
    ("nothing at all", lambda file: file, ()),
    ("Windows line ends", lambda file: file.replace(b"\n", b"\r\n"), (LINES,)),
    ("Windows line ends twice over", lambda file: file.replace(b"\n", b"\r\r\n"), (LINES,)),
    ("old Macintosh line ends", lambda file: file.replace(b"\n", b"\r"), (LINES,)),
    ("mixed line ends", lambda file: file.replace(b"\n", b"\r\n", 2), (LINES,)),
    ("no last newline", lambda file: file.rstrip(b"\n"), (SPACE,)),
    ("many last newlines", lambda file: file + b"\n\n\n", (SPACE,)),
    ("blanks after the last line", lambda file: file + b"   \t", (SPACE,)),
    ("NULs after the last line", lambda file: file + bytes(7), (SPACE,)),
    ("leading blank lines", lambda file: b"\n \n\n" + file, (SPACE,)),
    ("indentation, as in YAML", lambda file: b"".join(b"    " + line for line in file.splitlines(True)), (SPACE,)),
    ("indentation but for the first line", lambda file: file.rstrip(b"\n").replace(b"\n", b"\n  "), (SPACE,)),
    ("indentation with tabs", lambda file: b"".join(b"\t" + line for line in file.splitlines(True)), (SPACE,)),
    ("trailing blanks", lambda file: file.replace(b"\n", b" \t\n"), (SPACE,)),
    ("trailing no-break spaces", lambda file: file.replace(b"\n", b"\xc2\xa0\n"), (SPACE,)),
    ("no-break spaces in the header", lambda file: file.replace(b"PRIVATE KEY", b"PRIVATE\xc2\xa0KEY"), (SPACE,)),
    ("zero-width spaces", lambda file: file.replace(b"-----\n", b"-----\xe2\x80\x8b\n"), (SPACE,)),
    ("line separators of Unicode", lambda file: file.replace(b"\n", b"\xe2\x80\xa8"), (SPACE,)),
    ("every line end doubled", lambda file: file.replace(b"\n", b"\n\n"), (SPACE,)),
    ("a byte order mark", lambda file: b"\xef\xbb\xbf" + file, (ENCODING,)),
    ("UTF-16 of Windows", lambda file: b"\xff\xfe" + file.decode().encode("utf-16-le"), (ENCODING,)),
    ("UTF-16, big-endian", lambda file: b"\xfe\xff" + file.decode().encode("utf-16-be"), (ENCODING,)),
    ("UTF-16 without mark", lambda file: file.decode().encode("utf-16-le"), (ENCODING,)),
    ("UTF-16, big-endian, without mark", lambda file: file.decode().encode("utf-16-be"), (ENCODING,)),
    (
        "what PowerShell makes of a file",
        lambda file: b"\xff\xfe" + file.decode().replace("\n", "\r\n").encode("utf-16-le"),
        (ENCODING, LINES),
    ),
    ("double quotes", lambda file: b'"' + file.rstrip(b"\n") + b'"\n', (SPACE, QUOTES)),
    ("single quotes", lambda file: b"'" + file + b"'", (QUOTES,)),
    ("typographic quotes", lambda file: b"\xe2\x80\x9c" + file + b"\xe2\x80\x9d\n", (QUOTES,)),
    ("a code block of Markdown", lambda file: b"```\n" + file + b"```", (SPACE, QUOTES)),
    ("a JSON string", lambda file: json.dumps(file.decode()).encode(), (QUOTES,)),
    ("a JSON string in a JSON string", lambda file: json.dumps(json.dumps(file.decode())).encode(), (QUOTES,)),
    ("mail quoting", lambda file: b"".join(b"> " + line for line in file.splitlines(True)), (QUOTES,)),
    ("mail quoting, thrice", lambda file: b"".join(b">> > " + line for line in file.splitlines(True)), (QUOTES,)),
    ("a literal backslash and n", lambda file: file.replace(b"\n", rb"\n"), (LAYOUT,)),
    ("a literal backslash and r, n", lambda file: file.replace(b"\n", rb"\r\n") + b"\n", (SPACE, LAYOUT)),
    ("a literal backslash before line ends", lambda file: file.replace(b"\n", b"\\n\\\n"), (SPACE, LAYOUT)),
    ("newlines turned into blanks", lambda file: file.replace(b"\n", b" "), (SPACE, LAYOUT)),
    ("newlines turned into tabs", lambda file: file.replace(b"\n", b"\t") + b"\n", (SPACE, LAYOUT)),
    ("newlines taken out", lambda file: file.replace(b"\n", b""), (SPACE, LAYOUT)),
    ("newlines taken out, and no-break spaces", lambda file: file.replace(b"\n", b"\xc2\xa0"), (SPACE, LAYOUT)),
    ("typographic dashes", lambda file: file.replace(b"--", "\u2014".encode()), (HEADER,)),
    ("short dashes", lambda file: file.replace(b"-----", "\u2013\u2013\u2013\u2013\u2013".encode()), (HEADER,)),
    ("dashes of Windows-1252", lambda file: file.replace(b"-----", b"\x96\x96\x96\x96\x96"), (HEADER,)),
    ("four dashes", lambda file: file.replace(b"-----", b"----"), (HEADER,)),
    ("six dashes", lambda file: file.replace(b"-----", b"------"), (HEADER,)),
    ("small letters", lambda file: re.sub(rb"-----.*?-----", lambda line: line[0].lower(), file), (HEADER,)),
    ("base64", base64.b64encode, (BASE64, SPACE)),
    ("base64 in lines", base64.encodebytes, (BASE64,)),
    ("base64 twice", lambda file: base64.b64encode(base64.b64encode(file)) + b"\n", (BASE64, SPACE)),
    ("base64 in quotes", lambda file: b'"' + base64.b64encode(file) + b'"', (BASE64, SPACE, QUOTES)),
    (
        "base64 of what PowerShell makes of a file",
        lambda file: base64.encodebytes(b"\xff\xfe" + file.decode().replace("\n", "\r\n").encode("utf-16-le")),
        (ENCODING, BASE64, LINES),
    ),
    ("the same key twice", lambda file: file + file, (TWICE,)),
    ("the same key thrice, in other lines", lambda file: file + file.replace(b"\n", b"\r\n") * 2, (LINES, TWICE)),
    ("text before", lambda file: b"# the key of the login node\n\n" + file, (TEXT,)),
    ("text after", lambda file: file + b"\nthanks, Ada\n", (TEXT,)),
    ("text and NULs after", lambda file: file + b"\0\0junk\0", (SPACE, TEXT)),
    ("a YAML block", lambda file: b"key: |\n  " + file.rstrip(b"\n").replace(b"\n", b"\n  "), (SPACE, TEXT)),
    (
        "an answered mail",
        lambda file: b"On Monday Ada wrote:\n" + b"".join(b"> " + line for line in file.splitlines(True)) + b"thanks",
        (SPACE, QUOTES, TEXT),
    ),
    (
        "all of these",
        lambda file: b"\xef\xbb\xbf\r\n" + file.rstrip(b"\n").replace(b"\n", b" \r\n  "),
        (ENCODING, LINES, SPACE),
    ),
]


OF_BEGIN_LINES = {HEADER}
"""The notes of damages that a PuTTY file, which has no BEGIN line, cannot take."""

SAMPLES: list[tuple[str, Kind, str, bytes]] = [
    ("OpenSSH", ED25519, OPENSSH, b""),
    ("OpenSSH, encrypted", ED25519, OPENSSH, PASSPHRASE),
    ("PKCS#1", RSA2048, TRADITIONAL, b""),
    ("SEC1", P256, TRADITIONAL, b""),
    ("SEC1, encrypted", P256, TRADITIONAL, PASSPHRASE),
    ("PKCS#8", P256, PKCS8, b""),
    ("PKCS#8, encrypted", P256, PKCS8, PASSPHRASE),
    ("PPK", ED25519, PPK, b""),
    ("PPK, encrypted", P256, PPK, PASSPHRASE),
]


@pytest.mark.parametrize(
    ("kind", "form", "passphrase", "damage", "notes"),
    [
        pytest.param(*sample, damage, notes, id=f"{name}: {what}")
        for name, *sample in SAMPLES
        for what, damage, notes in DAMAGES
        if sample[1] != PPK or not ({*notes} == OF_BEGIN_LINES or "header" in what or "zero-width" in what)
    ],
)
def test_what_happens_to_a_file_on_its_way_is_undone_and_noted(
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


@pytest.mark.parametrize("repair", [pytest.param(repair, id=repair.damage) for repair in REPAIRS])
@pytest.mark.parametrize(("kind", "form", "passphrase"), [pytest.param(*rest, id=name) for name, *rest in SAMPLES])
def test_a_repair_leaves_a_good_file_as_it_is(
    key_files: KeyFiles, kind: Kind, form: str, passphrase: bytes, repair: Repair
) -> None:
    text = key_files.file(kind, form, passphrase).decode()
    assert repair.mend(text) == text


@pytest.mark.parametrize(("what", "damage", "notes"), [pytest.param(*case, id=case[0]) for case in DAMAGES])
def test_what_was_repaired_needs_no_further_repair(
    key_files: KeyFiles, what: str, damage: Callable[[bytes], bytes], notes: tuple[Note, ...]
) -> None:
    once = repaired(damage(key_files.file(P256, TRADITIONAL, PASSPHRASE)))
    assert {*notes} - {TWICE, TEXT} == once.notes
    assert repaired(once.text) == (once.text, frozenset())


@pytest.mark.parametrize(
    ("kind", "form", "passphrase"),
    [
        pytest.param(ED25519, OPENSSH, b"", id="OpenSSH"),
        pytest.param(ED25519, OPENSSH, PASSPHRASE, id="OpenSSH, encrypted"),
        pytest.param(RSA2048, TRADITIONAL, b"", id="PKCS#1"),
        pytest.param(P256, TRADITIONAL, b"", id="SEC1"),
        pytest.param(P256, PKCS8, b"", id="PKCS#8"),
    ],
)
@pytest.mark.parametrize(
    ("damage", "notes"),
    [
        pytest.param(lambda body: body, (), id="in lines"),
        pytest.param(lambda body: body.replace(b"\n", b""), (SPACE,), id="in one line"),
        pytest.param(lambda body: body.replace(b"\n", b"\r\n"), (LINES,), id="in lines of Windows"),
        pytest.param(base64.encodebytes, (BASE64,), id="in base64 once more"),
    ],
)
def test_an_obvious_body_gets_its_begin_and_end_back(
    key_files: KeyFiles,
    kind: Kind,
    form: str,
    passphrase: bytes,
    damage: Callable[[bytes], bytes],
    notes: tuple[Note, ...],
) -> None:
    whole = key_files.file(kind, form, passphrase)
    undamaged = judge(Sensitive(whole), Sensitive(passphrase))
    body = b"\n".join(whole.splitlines()[1:-1]) + b"\n"
    found = judge(Sensitive(damage(body)), Sensitive(passphrase))
    assert isinstance(undamaged, Accepted)
    assert isinstance(found, Accepted), found
    assert found.pair == undamaged.pair
    assert found.notes == (*sorted({*notes, Note.ARMOUR_RESTORED}, key=[*Note].index), *undamaged.notes)


def test_base64_is_undone_twice_at_most(key_files: KeyFiles) -> None:
    file = base64.b64encode(base64.b64encode(base64.b64encode(key_files.file(ED25519))))
    assert judge(Sensitive(file), None) == Refused(KeyRefusal.NOT_A_KEY)


LARGE_AND_SENSELESS: dict[str, bytes] = {
    "BEGIN lines": b"-----BEGIN A PRIVATE KEY-----\n" * 2184,
    "BEGIN lines without line ends": b"-----BEGIN A PRIVATE KEY-----" * 2200,
    "dashes": b"-" * 65536,
    "pairs of dashes": b"-- " * 21845,
    "a BEGIN and blanks": b"--BEGIN A" + b" " * 65000,
    "halves of BEGIN lines": b"--BEGIN A " * 6500,
    "carriage returns": b"\r" * 65536,
    "mail quoting": b"> " * 32768,
    "quotes": b'"' * 65536,
    "backslashes in a JSON string": b'"' + b"\\" * 65000 + b'"',
    "first lines of PuTTY files": b"PuTTY-User-Key-File-3: a" * 2700,
    "PEM headers": b"Proc-Type: 4,ENCRYPTED DEK-Info: " * 1900,
    "a header and blanks": b"-----BEGIN A-----\nProc-Type: 4," + b" " * 65000,
    "no-break spaces": b"\xc2\xa0" * 32768,
    "brackets": b"[" * 65536,
    "base64 of base64 of nothing": base64.b64encode(base64.b64encode(b"A" * 36000)),
    "empty sequences": b"\x30\x00" * 32768,
}


async def test_large_files_of_little_sense_are_judged_within_the_limits() -> None:
    pool = KeyPool(1)
    reasons = {name: await pool.judge(Sensitive(text), None) for name, text in LARGE_AND_SENSELESS.items()}
    await pool.close()
    too_much = {KeyRefusal.TIMED_OUT, KeyRefusal.KDF_TOO_EXPENSIVE}
    assert [name for name, found in reasons.items() if isinstance(found, Accepted) or found.reason in too_much] == []

"""Lines are read as sshd reads them."""

from __future__ import annotations

import base64

import pytest

from sshcredential_operator.ssh.authorized_keys import MAX_BYTES, parse_key, parse_line, split_lines
from unit.ssh.authorized_lines import MARK, RSA, A, fingerprint

TYPE, BASE64 = A.split()
BLOB = base64.b64decode(BASE64)


@pytest.mark.parametrize(
    ("line", "options"),
    [
        pytest.param(A, "", id="bare"),
        pytest.param(f"{A} alice@desk", "", id="with a comment"),
        pytest.param(f"  \t{A}", "", id="indented"),
        pytest.param(f"{TYPE}\t \t{BASE64}\tx", "", id="with tabs"),
        pytest.param(f"{A}\r", "", id="with a CR at the end"),
        pytest.param(f"{A} a \r", "", id="with a CR after the comment"),
        pytest.param(f"{A} a\0b", "", id="with NUL in the comment"),
        pytest.param(f"restrict {A}", "restrict", id="with an option"),
        pytest.param(f"restrict,pty {A}", "restrict,pty", id="with two options"),
        pytest.param(f'command="echo a b",pty {A}', 'command="echo a b",pty', id="with blanks in quotes"),
        pytest.param(rf'command="a \"b c\" d" {A}', r'command="a \"b c\" d"', id="with escaped quotes"),
        pytest.param(rf'command="a\b" {A}', r'command="a\b"', id="with a backslash that escapes nothing"),
        pytest.param(rf'command="a\\" b" {A}', r'command="a\\" b"', id="where a second backslash still escapes"),
        pytest.param(f'from="10.0.0.0/8,!10.1.1.1" \t {A} x', 'from="10.0.0.0/8,!10.1.1.1"', id="with addresses"),
        pytest.param(f'command="{A}" {A}', f'command="{A}"', id="with a key in the options"),
    ],
)
def test_key_is_seen(line: str, options: str) -> None:
    parsed = parse_line(line.encode() + b"\n")
    assert (parsed.blob, parsed.options.decode()) == (BLOB, options)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("", id="empty"),
        pytest.param("# " + A, id="a comment"),
        pytest.param("  #" + A, id="an indented comment"),
        pytest.param("\0" + A, id="NUL before the key"),
        pytest.param("\ufeff" + A, id="a BOM before the type"),
        pytest.param("\ufeffrestrict " + A, id="a BOM before options"),
        pytest.param(TYPE, id="a type alone"),
        pytest.param(f"{TYPE} {BASE64[:-4]}=", id="cut off"),
        pytest.param(f"{TYPE} {BASE64[:21]}\0{BASE64[21:]}", id="NUL in the key"),
        pytest.param(f"{TYPE} !{BASE64}", id="not in base64"),
        pytest.param(f"ssh-rsa {BASE64}", id="of another type than it says"),
        pytest.param(f"restrict, {A}", id="options that end with a comma"),
        pytest.param(f"restrict, pty {A}", id="options with a blank"),
        pytest.param(f'command="a {A}', id="an open quote"),
        pytest.param(rf'command="a\" {A}', id="a quote that is escaped, so open"),
        pytest.param(f"cert-authority {A}", id="a CA"),
        pytest.param(f"pty,Cert-Authority {A}", id="a CA in capitals"),
        pytest.param(f"{A[:30]}\n{A[30:]}".split("\n")[1], id="the second half of a line"),
    ],
)
def test_no_key_is_seen(line: str) -> None:
    assert parse_line(line.encode() + b"\n").blob is None


def test_name_of_a_signature_is_taken_for_the_type_of_an_rsa_key() -> None:
    key = parse_key(f"rsa-sha2-512 {RSA.split()[1]} x".encode())
    assert key is not None
    assert key.comment == b"x"
    assert fingerprint(RSA)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        pytest.param(f"{A} {MARK}\n", MARK, id="after the key"),
        pytest.param(f"{A} alice {MARK} \t\r\n", MARK, id="before blanks and a CR"),
        pytest.param(f"ssh-ed25519 AAAA {MARK}", MARK, id="in a torn line"),
        pytest.param(f"{A} ä {MARK}\n", MARK, id="after a letter that is not ASCII"),
        pytest.param(f"# {A} {MARK}\n", "", id="not in a comment"),
        pytest.param(f"{A} alice\rssh-rsa x {MARK}\n", "", id="not after a CR, which may hide a whole file"),
        pytest.param(f"{A} alice\0 {MARK}\n", "", id="not after NUL"),
    ],
)
def test_last_word_is_found(line: str, word: str) -> None:
    assert parse_line(line.encode()).last_word == word.encode()


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        pytest.param(b"", [], id="nothing"),
        pytest.param(b"\n\n", [b"\n", b"\n"], id="empty lines"),
        pytest.param(b"a\r\nb", [b"a\r\n", b"b"], id="no LF at the end"),
        pytest.param(b"a\rb\x0bc\x85d\n", [b"a\rb\x0bc\x85d\n"], id="other breaks"),
    ],
)
def test_file_falls_into_lines(content: bytes, lines: list[bytes]) -> None:
    assert split_lines(content) == lines


@pytest.mark.parametrize(
    "unit",
    [
        pytest.param(b'a="', id="open quotes"),
        pytest.param(b"\\", id="backslashes"),
        pytest.param(b"a,", id="flags"),
        pytest.param(b" ", id="blanks"),
        pytest.param(b"A", id="base64"),
        pytest.param(b"x \t", id="words"),
    ],
)
def test_longest_line_is_read_in_one_go(unit: bytes) -> None:
    """A pattern that goes back and forth would take hours here, and the run's time limit shows it."""
    for start in (b"", b'command="', b"ssh-ed25519 "):
        line = start + unit * ((MAX_BYTES - len(start)) // len(unit))
        assert parse_line(line).blob is None

"""What stays, comes and goes in an authorized_keys file."""

from __future__ import annotations

import pytest

from sshcredential_operator.ssh.authorized_edit import Edited, edit, with_lost_lines
from sshcredential_operator.ssh.authorized_keys import MAX_BYTES
from sshcredential_operator.ssh.install_causes import InstallCause, NotInstalled
from sshcredential_operator.ssh.visit import Arrangement
from unit.ssh.authorized_lines import MARK, OTHER_MARK, A, B, C, arrangement, fingerprints

OURS = f"{A} {MARK}\n"


def edited(before: str, asked: Arrangement) -> Edited:
    return edit(before.encode(), asked)


CASES = [
    pytest.param("", arrangement(A), OURS, id="a key comes into an empty file"),
    pytest.param("x", arrangement(A), f"x\n{OURS}", id="a missing end is added before an own line"),
    pytest.param("x\r\n", arrangement(A), f"x\r\n{OURS}", id="CRLF of others stays"),
    pytest.param("\ufeff", arrangement(A), f"\ufeff\n{OURS}", id="a BOM alone is a line of its own"),
    pytest.param("x", arrangement(), "x", id="nothing is added for nothing"),
    pytest.param(f"{OURS}x", arrangement(A), f"{OURS}x", id="what is right stays, without an end too"),
    pytest.param(f"{A} {MARK}\r\n", arrangement(A), f"{A} {MARK}\r\n", id="what is right stays, with CR too"),
    pytest.param(f"x\n{OURS}y\n", arrangement(B), f"x\ny\n{B} {MARK}\n", id="another key of ours goes"),
    pytest.param(f"x\n{OURS}y", arrangement(), "x\ny", id="the last key of ours goes"),
    pytest.param(f"{OURS}y", arrangement(B, kept=(A,)), f"{OURS}y\n{B} {MARK}\n", id="a kept key stays"),
    pytest.param("", arrangement(B, kept=(A,)), f"{B} {MARK}\n", id="a kept key does not come"),
    pytest.param(OURS * 2, arrangement(A), OURS, id="a second line of the same key goes"),
    pytest.param(f"ssh-ed25519 AAAA {MARK}\n", arrangement(A), OURS, id="a torn line of ours goes"),
    pytest.param(f"{A} alice\n", arrangement(A), f"{A} alice\n", id="somebody else's line of the key is enough"),
    pytest.param(f"{A} alice\n{OURS}", arrangement(A), f"{A} alice\n{OURS}", id="both lines stay"),
    pytest.param(f"{A} alice\n{OURS}", arrangement(), f"{A} alice\n", id="only our line goes"),
    pytest.param(f"{A} {OTHER_MARK}\n", arrangement(B), f"{A} {OTHER_MARK}\n{B} {MARK}\n", id="others' marks stay"),
    pytest.param(f"#{OURS}", arrangement(A), f"#{OURS}{OURS}", id="a comment is no line of ours"),
    pytest.param(f"cert-authority {A}\n", arrangement(A), f"cert-authority {A}\n{OURS}", id="a CA's key is no login"),
    pytest.param(f"{A} x\r{B} {MARK}\n", arrangement(B), f"{A} x\r{B} {MARK}\n{B} {MARK}\n", id="CR inside stays"),
    pytest.param(OURS, arrangement(A, options="restrict,pty"), f"restrict,pty {OURS}", id="options are mended"),
    pytest.param(f"x\nrestrict {OURS}y", arrangement(A), f"x\n{OURS}y", id="options are mended in their place"),
    pytest.param(f"restrict {OURS}", arrangement(kept=(A,)), f"restrict {OURS}", id="a kept line keeps its options"),
    pytest.param(f"restrict {A} x\n", arrangement(A), f"restrict {A} x\n", id="others' options are theirs"),
    pytest.param("", arrangement(f"{A} bob@desk"), f"{A} bob@desk {MARK}\n", id="the comment is kept"),
    pytest.param(
        "",
        arrangement(f"{A} b\u2028c\r\nd", options=" pty "),
        f"pty {A} b???c??d {MARK}\n",
        id="comments are made harmless",
    ),
    pytest.param(OURS, arrangement(f"{A} bob@desk"), OURS, id="another comment is no reason to write"),
]


@pytest.mark.parametrize(("before", "asked", "after"), CASES)
def test_file_is_edited(before: str, asked: Arrangement, after: str) -> None:
    assert edited(before, asked).content.decode() == after


@pytest.mark.parametrize(("before", "asked", "after"), CASES)
def test_second_time_changes_nothing(before: str, asked: Arrangement, after: str) -> None:
    assert edited(after, asked).content.decode() == after


def test_result_tells_what_lies_where() -> None:
    before = f"{A} alice\n{B} {MARK}\n{C} {MARK}\n"
    told = edited(before, arrangement(A, B))
    assert (told.ours, told.by_hand, told.removed) == (fingerprints(B), fingerprints(A), fingerprints(C))


def test_mended_line_is_not_told_as_removed() -> None:
    told = edited(OURS, arrangement(A, options="pty"))
    assert (told.ours, told.removed) == (fingerprints(A), frozenset())


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(B, id="another key"),
        pytest.param('command="x', id="an open quote"),
        pytest.param(r'command="x\\"', id="a quote that is escaped"),
        pytest.param("restrict, pty", id="a blank"),
        pytest.param("# x", id="a comment"),
        pytest.param("cert-authority", id="what makes the key a CA"),
        pytest.param("a\nb", id="an LF"),
        pytest.param("ü", id="a letter that is not ASCII"),
    ],
)
def test_options_that_would_change_the_meaning_are_refused(options: str) -> None:
    with pytest.raises(NotInstalled) as refused:
        edited("", arrangement(A, options=options))
    assert refused.value.cause is InstallCause.BAD_OPTIONS


@pytest.mark.parametrize(
    ("content", "asked"),
    [
        pytest.param(b"#" * (MAX_BYTES + 1), arrangement(), id="already"),
        pytest.param(b"#" * MAX_BYTES, arrangement(A), id="by one more line"),
    ],
)
def test_too_large_file_is_refused(content: bytes, asked: Arrangement) -> None:
    with pytest.raises(NotInstalled) as refused:
        edit(content, asked)
    assert refused.value.cause is InstallCause.TOO_LARGE


def test_largest_file_can_still_lose_a_line() -> None:
    rest = b"#" * (MAX_BYTES - len(OURS))
    assert edit(OURS.encode() + rest, arrangement()).content == rest


@pytest.mark.parametrize(
    ("base", "late", "current", "after"),
    [
        pytest.param(b"a\n", b"a\n", b"a\nours\n", b"a\nours\n", id="nothing was lost"),
        pytest.param(b"a\n", b"a\nb\n", b"a\nours\n", b"a\nours\nb\n", id="a line was appended"),
        pytest.param(b"a", b"a\nb", b"a\nours\n", b"a\nours\nb", id="a line without an end"),
        pytest.param(b"a\n", b"a\nb\n", b"a\nb\n", b"a\nb\n", id="the line is there again"),
        pytest.param(b"a\ngone\n", b"a\ngone\nb\n", b"a", b"a\nb\n", id="what we removed does not come back"),
        pytest.param(b"a\nb\n", b"", b"a\nours\n", b"a\nours\n", id="the old file was emptied"),
    ],
)
def test_lines_added_to_the_replaced_file_are_found_again(
    base: bytes, late: bytes, current: bytes, after: bytes
) -> None:
    assert with_lost_lines(current, base, late) == after

"""Whatever stands in a file: others' bytes stay, a second edit changes nothing, two writers come to rest.

And the keys that are seen are those that OpenSSH's own reader sees.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sshcredential_operator.encryption.public_line import fingerprint_of
from sshcredential_operator.ssh.authorized_edit import edit
from sshcredential_operator.ssh.authorized_keys import parse_line, split_lines
from sshcredential_operator.ssh.visit import Arrangement
from unit.ssh.authorized_lines import KEYS, MARK, OTHER_MARK, fingerprints

OPTIONS = ("", "restrict", "restrict,pty", 'command="echo \\"a b\\"",no-pty', 'from="10.0.0.0/8"', 'command="a\\\\b c"')
BLANKS = st.sampled_from([" ", "  ", "\t", " \t "])


def key_lines(blanks: st.SearchStrategy[str], options: tuple[str, ...] = OPTIONS) -> st.SearchStrategy[str]:
    return st.builds(
        lambda indent, options, blank, key, comment: f"{indent}{options}{blank if options else ''}{key}{comment}",
        st.sampled_from(["", " ", "\t"]),
        st.sampled_from(options),
        blanks,
        st.sampled_from(KEYS),
        st.sampled_from(["", " a", "\tä b", f" {MARK}", f" x {MARK} ", f" {OTHER_MARK}", f" {MARK} y"]),
    )


def broken(lines: st.SearchStrategy[str], what: str, first: int = 0) -> st.SearchStrategy[str]:
    return st.builds(
        lambda line, cut, what: f"{line[:cut]}{what}{line[cut:]}", lines, st.integers(first, 400), st.sampled_from(what)
    )


KEY_LINES = key_lines(BLANKS)
BROKEN = broken(KEY_LINES, '\r#"= \\A')
LINES = st.one_of(
    KEY_LINES, BROKEN, st.sampled_from(["", "# x", f"# {MARK}", "junk", MARK, "\x00", "\ufeff"]), st.text()
)
ENDS = st.sampled_from(["\n", "\r\n", "\n\n"])
CONTENTS = st.builds(
    lambda parts, cut: "".join(line + end for line, end in parts).removesuffix(cut).encode("utf-8", "surrogatepass"),
    st.lists(st.tuples(LINES, ENDS), max_size=8),
    st.sampled_from(["", "\n"]),
) | st.binary(max_size=200)


@st.composite
def arrangements(draw: st.DrawFn, mark: str = MARK) -> Arrangement:
    keys = st.lists(st.sampled_from(KEYS), max_size=3, unique=True).map(tuple)
    return Arrangement(mark, draw(st.sampled_from(OPTIONS)), draw(keys), draw(keys))


def others(content: bytes) -> bytes:
    """Return what lies in lines that are not ours."""
    return b"".join(raw for raw in split_lines(content) if parse_line(raw).last_word != MARK.encode())


@given(CONTENTS, arrangements())
def test_lines_of_others_stay_byte_for_byte(content: bytes, asked: Arrangement) -> None:
    before, after = others(content), others(edit(content, asked).content)
    assert after in (before, before + b"\n")
    assert after == before or not before.endswith(b"\n")


@given(CONTENTS, arrangements())
def test_second_edit_changes_nothing(content: bytes, asked: Arrangement) -> None:
    once = edit(content, asked)
    twice = edit(once.content, asked)
    assert twice.content == once.content
    assert (twice.ours, twice.by_hand, twice.removed) == (once.ours, once.by_hand, frozenset())


@given(CONTENTS, arrangements())
def test_wanted_keys_are_there_and_ours_are_wanted(content: bytes, asked: Arrangement) -> None:
    told = edit(content, asked)
    seen = {fingerprint_of(line.blob) for raw in split_lines(told.content) if (line := parse_line(raw)).blob}
    assert fingerprints(*asked.wanted) <= told.ours | told.by_hand <= seen
    assert told.ours <= fingerprints(*asked.wanted, *asked.kept)


@given(CONTENTS, arrangements(), arrangements(OTHER_MARK))
def test_two_writers_come_to_rest(content: bytes, one: Arrangement, other: Arrangement) -> None:
    for _ in range(2):
        content = edit(edit(content, one).content, other).content
    assert edit(content, one).content == content == edit(content, other).content


@given(CONTENTS, arrangements())
def test_file_grows_by_the_wanted_lines_at_most(content: bytes, asked: Arrangement) -> None:
    assert len(edit(content, asked).content) <= len(content) + 1 + 2048 * len(asked.wanted)


# ssh-keygen does not read the options, and takes one blank only after them; sshd takes more.
SHOWN = key_lines(st.sampled_from([" ", "\t"]))
BARE = key_lines(st.just(" "), ("",))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("seen")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lines=st.lists(SHOWN | broken(BARE, "=A!", first=20), max_size=8), asked=arrangements())
def test_openssh_sees_the_same_keys(folder: Path, lines: list[str], asked: Arrangement) -> None:
    content = edit("".join(f"{line}\n" for line in ["# first", *lines]).encode(), asked).content
    path = folder / "authorized_keys"
    path.write_bytes(content)
    told = subprocess.run(["ssh-keygen", "-lf", path], capture_output=True, check=False).stdout.decode()
    ours = [fingerprint_of(line.blob) for raw in split_lines(content) if (line := parse_line(raw)).blob]
    theirs = [line.split()[1] for line in told.splitlines()]
    assert ours == theirs
    assert fingerprints(*asked.wanted) <= set(theirs)

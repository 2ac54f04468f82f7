"""No merge was left half done: such marks break code at once, and prose only when somebody reads it."""

from __future__ import annotations

import re

import pytest

from contract.tree import ROOT, project_files

MARK = re.compile(rb"^(?:<{7}|>{7})(?: |$)", re.MULTILINE)


def test_no_file_holds_a_mark_of_a_merge() -> None:
    assert [str(path) for path in project_files() if MARK.search((ROOT / path).read_bytes())] == []


@pytest.mark.parametrize("text", [b"a\n" + b"<" * 7 + b" HEAD\nb\n", b">" * 7 + b" main"], ids=["begin", "end"])
def test_such_a_mark_is_seen(text: bytes) -> None:
    assert MARK.search(text)

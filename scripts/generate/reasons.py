"""Writes docs/reference/reasons.md from the catalogue of messages. Called by `make generate`, and by `make check`.

With `--check` nothing is written: the exit status says whether the page is what it should be.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sshcredential_operator.api.messages import CATALOGUE
from sshcredential_operator.api.reasons import COURSE, Course, Reason
from sshcredential_operator.api.staged import STAGED_TEXTS

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "reference" / "reasons.md"

HEAD: Final = """\
<!-- Generated from operator/sshcredential_operator/api/messages.py by `make generate`. Do not edit. -->

# Reasons

Every condition of an SSHCredential or SSHCredentialExport carries one of these reasons, and `Ready` always says why it
is as it is:

```
kubectl get sshcredentials,sshcredentialexports -o wide
```

The set is closed: a program may rely on the words in the first column. The messages are for people and may change.
Words in braces stand for names and numbers of your credential; no message ever holds key material or another program's
text.
"""

STAGED: Final = """\
## A next key is announced

The condition `RotationStaged` of an SSHCredential has reasons of its own, since `Ready` goes on to speak of the key in
use. It is True as long as it is there.

| Reason | Message | What to do |
|---|---|---|
"""

HEADINGS: Final[dict[Course, str]] = {
    Course.READY: "Nothing is left to do",
    Course.WORK: "The operator is at work",
    Course.WAIT: "Something has to come",
    Course.RETRY: "It is tried again",
    Course.STOP: "Only you can help",
}
"""The courses in the order of the page."""

MEANINGS: Final[dict[Course, str]] = {
    Course.READY: """\
`Ready` is True; a suspended credential keeps its last word. `Reconciling` and `Stalled` are absent.
""",
    Course.WORK: """\
`Ready` is False and `Reconciling` is True. You need not do anything.
""",
    Course.WAIT: """\
`Ready` is False and `Reconciling` is True. The operator goes on by itself as soon as it has come.
""",
    Course.RETRY: """\
`Ready` is False and `Reconciling` is True. The operator tries again with growing pauses of at most five seconds, for
ever. It speaks of a server that is away or busy only after a few tries.
""",
    Course.STOP: """\
`Ready` is False and `Stalled` is True. The operator goes on when the spec, the Secret or the input changes.
""",
}
"""What follows from each course."""


def page() -> str:
    """Return the whole page."""
    lines = [HEAD, *(line for course in HEADINGS for line in section(course))]
    staged = (f"| `{reason}` | {cell(text.says)} | {cell(text.do)} |\n" for reason, text in STAGED_TEXTS.items())
    return "\n".join(lines) + STAGED + "".join(staged)


def section(course: Course) -> Iterator[str]:
    """Yield the lines of one course's section."""
    yield from (f"## {HEADINGS[course]}", "", MEANINGS[course], "| Reason | Message | What to do |", "|---|---|---|")
    for reason in (reason for reason in Reason if COURSE[reason] is course):
        text = CATALOGUE[reason]
        yield f"| `{reason}` | {cell(text.says)} | {cell(text.do)} |"
    yield ""


def cell(text: str) -> str:
    """Return a text as the cell of a table."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def main() -> int:
    """Write the page, or compare it."""
    wanted = page()
    if "--check" not in sys.argv[1:]:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == wanted:
        return 0
    print(f"{PAGE.relative_to(PAGE.parents[2])} is not what the catalogue says: run `make generate`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

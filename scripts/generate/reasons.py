"""Writes docs/reference/reasons.md from the catalogues of messages. Called by `make generate`, and by `make check`.

With `--check` nothing is written: the exit status says whether the page is what it should be.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from sshcredential_operator.api.messages import CATALOGUE
from sshcredential_operator.api.reasons import COURSE, Course, Reason
from sshcredential_operator.api.staged import STAGED_TEXTS
from sshcredential_operator.api.target_causes import CAUSES
from sshcredential_operator.api.target_messages import TARGET_TEXTS
from sshcredential_operator.api.target_reasons import PASSING, TARGET_COURSE, TargetReason
from sshcredential_operator.api.text import Text

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "reference" / "reasons.md"

HEAD: Final = """\
<!-- Generated from the catalogues in operator/sshcredential_operator/api/ by `make generate`. Do not edit. -->

# Reasons

Every condition of an SSHCredential or SSHCredentialExport carries one of these reasons, and `Ready` always says why it
is as it is. Those of an [SSHTarget](#reasons-of-an-sshtarget) stand at the end.

```
kubectl get sshcredentials,sshcredentialexports,sshtargets -o wide
```

The set is closed: a program may rely on the words in the first column. The messages are for people and may change.
Words in braces stand for names and numbers of your credential; no message ever holds key material or another program's
text.
"""

HEAD_OF_TARGETS: Final = """\
## Reasons of an SSHTarget

`HostKeyTrusted`, `Authenticated` and `Installed` carry these reasons, too, and `Ready` sums them up. Every failed probe
is tried again, after about five minutes and never less often than `spec.probe.every`.
"""

STAGED: Final = """\
## A next key is announced

The condition `RotationStaged` of an SSHCredential has reasons of its own, since `Ready` goes on to speak of the key in
use. It is True as long as it is there.

| Reason | Message | What to do |
|---|---|---|"""

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


MEANINGS_OF_TARGETS: Final[dict[Course, str]] = {
    Course.READY: """\
The condition is True. `Reconciling` and `Stalled` are absent.
""",
    Course.WORK: """\
`Ready` is False or Unknown and `Reconciling` is True. You need not do anything.
""",
    Course.WAIT: """\
`Ready` is False and `Reconciling` is True. The target is probed as soon as it has come.
""",
    Course.RETRY: f"""\
It may pass by itself. {", ".join(f"`{reason}`" for reason in TargetReason if reason in PASSING)}
do not turn a good state bad at once: only after two failures in a row `Ready` is Unknown. It is False at once where the
state was never good.
""",
    Course.STOP: """\
`Ready` is False and `Stalled` is True, at once.
""",
}
"""What follows from each course for a target."""


def page() -> str:
    """Return the whole page."""
    staged = (f"| `{reason}` | {cell(text.says)} | {cell(text.do)} |" for reason, text in STAGED_TEXTS.items())
    lines = [
        *(HEAD, *(line for course in HEADINGS for line in section(course))),
        *(STAGED, *staged, ""),
        *(HEAD_OF_TARGETS, *(line for course in HEADINGS for line in section_of_targets(course))),
        *causes(),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def section(course: Course) -> Iterator[str]:
    """Yield the lines of one course's section."""
    yield from (f"## {HEADINGS[course]}", "", MEANINGS[course])
    yield from table({reason: CATALOGUE[reason] for reason in Reason if COURSE[reason] is course})


def section_of_targets(course: Course) -> Iterator[str]:
    """Yield the lines of one course's section of targets."""
    yield from (f"### Targets: {HEADINGS[course][0].lower()}{HEADINGS[course][1:]}", "", MEANINGS_OF_TARGETS[course])
    yield from table({reason: TARGET_TEXTS[reason] for reason in TargetReason if TARGET_COURSE[reason] is course})


def table(texts: Mapping[Reason, Text] | Mapping[TargetReason, Text]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield from ("| Reason | Message | What to do |", "|---|---|---|")
    yield from (f"| `{reason}` | {cell(text.says)} | {cell(text.do)} |" for reason, text in texts.items())
    yield ""


def causes() -> Iterator[str]:
    """Yield the lines about the words that stand for {cause}."""
    yield from (
        "### Targets: causes",
        "",
        "What can stand for {cause} with `InstallFailed`:",
        "",
    )
    yield from (f"- {cell(text)}" for text in CAUSES.values())


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

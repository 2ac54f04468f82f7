"""What tests ask of a page: its code blocks, the commands in them, tables, links and words in code style. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

SHELL: Final = "sh"
"""Blocks to copy: commands only."""
TRANSCRIPT: Final = "console"
"""Blocks to look at: commands after a `$`, and what they said."""

_FENCE: Final = re.compile(r"^```(\w*)$")


class Block(NamedTuple):
    """A fenced block, and the heading above it."""

    section: str
    language: str
    text: str


class Shown(NamedTuple):
    """A command of a transcript and its output."""

    command: str
    output: str


def blocks(page: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    section, language, lines = "", None, list[str]()
    for line in page.splitlines():
        fence = _FENCE.match(line)
        if fence and language is None:
            language, lines = fence[1], []
        elif fence and language is not None:
            yield Block(section, language, "\n".join(lines))
            language = None
        elif language is not None:
            lines.append(line)
        elif line.startswith("#"):
            section = line.lstrip("# ")


def commands(text: str) -> list[str]:
    """Return the commands of a shell block as they stand there; a backslash at the end of a line goes on."""
    joined = re.split(r"(?<!\\)\n", text)
    return [line for line in joined if line.strip() and not line.startswith("#")]


def without_comment(command: str) -> str:
    """Return a command without the remark behind it."""
    return re.sub(r"\s+# .*$", "", command)


def transcript(text: str) -> list[Shown]:
    """Return what a transcript shows, in its order."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    found = [re.fullmatch(r"(?s)((?:[^\n]*\\\n)*[^\n]*)\n?(.*)", part) for part in parts]
    return [Shown(match[1], match[2].rstrip("\n")) for match in found if match]


def prose(page: str) -> str:
    """Return a page without its fenced blocks."""
    return re.sub(r"(?ms)^```.*?^```$", "", page)


def code_words(page: str) -> list[str]:
    """Return what stands in code style within the text."""
    return re.findall(r"`([^`\n]+)`", prose(page))


def links(page: str) -> list[str]:
    """Return the targets of links into the project, without their anchors."""
    found = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    return [target.partition("#")[0] for target in found if not re.match(r"[a-z]+:|#", target)]


def table(page: str, first_head: str) -> list[list[str]]:
    """Return the cells of every row of the tables whose first column has this head."""
    rows, wanted = [], False
    for line in prose(page).splitlines():
        if not line.startswith("|"):
            wanted = False
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == first_head:
            wanted = True
        elif wanted and not set(line) <= set("|-: "):
            rows.append(cells)
    return rows

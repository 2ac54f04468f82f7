"""Tells the story: shows each command, runs it, shows what it said. Used by `__main__`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from demo.shell import DemoFailed, Shell
from demo.story import FOLDER, Chapter, Export, Run, RunOperator, Say

BOLD: Final = "\x1b[1m"
COMMAND: Final = "\x1b[1;36m"
PLAIN: Final = "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Page:
    """Where the demo is shown: coloured on a terminal, unless NO_COLOR asks for none; plain text elsewhere."""

    stream: TextIO

    def heading(self, number: int, title: str) -> None:
        """Begin a chapter."""
        self._write("\n" + self._coloured(BOLD, f"=== {number}. {title} ==="))

    def say(self, text: str) -> None:
        """Write a sentence, apart from what stands before it."""
        self._write(f"\n{text}")

    def command(self, command: str) -> None:
        """Show a command as it is typed, with the prompts of a shell."""
        self._write("$ " + self._coloured(COMMAND, command))

    def output(self, text: str) -> None:
        """Show what a command said."""
        self._write(text.removesuffix("\n")) if text else None

    def _coloured(self, colour: str, text: str) -> str:
        wanted = self.stream.isatty() and not os.environ.get("NO_COLOR")
        return f"{colour}{text}{PLAIN}" if wanted else text

    def _write(self, text: str) -> None:
        print(text, file=self.stream, flush=True)


StartOperator = Callable[[str, Path], None]
"""Starts the operator's command with its output in a log, and returns when it is ready."""


class Telling:
    """One performance. `folder` is how the demo's folder is written in commands."""

    def __init__(self, page: Page, shell: Shell, start_operator: StartOperator, folder: str) -> None:
        self._page, self._shell, self._start, self._folder = page, shell, start_operator, folder

    def tell(self, story: Iterable[Chapter]) -> None:
        """Show and do it all. Raises `DemoFailed` at the first thing that is not as it should be."""
        for number, chapter in enumerate(story, 1):
            self._page.heading(number, chapter.title)
            for step in chapter.steps:
                match step:
                    case Say(text):
                        self._page.say(text)
                    case Export(name, value):
                        self._export(name, self._here(value))
                    case Run(command, shows):
                        self._run(self._here(command), shows)
                    case RunOperator(command, log):
                        self._start_operator(self._here(command), self._here(log))

    def _export(self, name: str, value: str) -> None:
        self._page.command(f"export {name}={value}")
        self._shell.export(name, value)

    def _run(self, command: str, shows: tuple[str, ...]) -> None:
        self._page.command(command)
        code, output = self._shell.run(command)
        self._page.output(output)
        if code != 0:
            raise DemoFailed(f"This command ended with exit code {code}; what it said stands above: {command}")
        if missing := [text for text in shows if text not in output]:
            raise DemoFailed(f"The output of this command lacks {', '.join(missing)}: {command}")

    def _start_operator(self, command: str, log: str) -> None:
        self._page.command(f"{command} > {log} 2>&1 &")
        self._start(command, Path(log))

    def _here(self, text: str) -> str:
        return text.replace(f"{FOLDER}/", f"{self._folder}/")

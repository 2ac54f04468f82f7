"""`sshcred` as a whole: it starts quickly because it imports little, and its help is complete and readable."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from sshcredential_operator.cli.sshcred import COMMANDS, main
from unit.cli.command import sshcred

SLOW = ("kubernetes", "kopf", "cryptography", "joserfc", "rich", "yaml", "aiohttp", "badkeys")
CONTEXT = click.Context(main, info_name="sshcred")


def test_help_names_every_command_and_says_what_it_is_for(tmp_path: Path) -> None:
    said = sshcred(tmp_path, "--help")
    text = " ".join("\n".join(said.lines).split())

    assert said.code == 0
    for name, (_, purpose) in COMMANDS.items():
        assert f"{name} {purpose}" in text


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["completion", "--help"]], ids=" ".join)
def test_nothing_slow_is_imported_to_answer(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from sshcredential_operator.cli.sshcred import main\n"
        f"try:\n    main({arguments!r}, prog_name='sshcred')\n"
        "except SystemExit:\n    pass\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert set(done.stdout.splitlines()[-1].split()).isdisjoint(SLOW)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_says_how_it_ends_and_gives_examples(name: str) -> None:
    command = main.get_command(CONTEXT, name)
    assert command

    for one in command.commands.values() if isinstance(command, click.Group) else [command]:
        help_text = one.get_help(click.Context(one, parent=CONTEXT, info_name=name))
        assert "\n  Exit status: 0 " in help_text
        assert "\n  Example" in help_text
        assert "\\b" not in help_text


def test_an_unknown_command_is_wrong_use(tmp_path: Path) -> None:
    said = sshcred(tmp_path, "lst")

    assert said.code == 2
    assert "No such command 'lst'" in said.error


def test_kubectls_plugin_calls_itself_as_kubectl_does(tmp_path: Path) -> None:
    program = (
        "import sys\nsys.argv[0] = '/usr/bin/kubectl-sshcred'\n"
        "from sshcredential_operator.cli.sshcred import run\nrun()"
    )
    done = subprocess.run([sys.executable, "-c", program, "--help"], capture_output=True, text=True, check=True)

    assert done.stdout.startswith("Usage: kubectl sshcred ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_of_a_shell_asks_sshcred(shell: str, tmp_path: Path) -> None:
    said = sshcred(tmp_path, "completion", shell)

    assert said.code == 0
    assert "_SSHCRED_COMPLETE" in "\n".join(said.lines)


def test_bash_takes_the_completion_script(tmp_path: Path) -> None:
    script = tmp_path / "completion.bash"
    script.write_text("\n".join(sshcred(tmp_path, "completion", "bash").lines))

    subprocess.run(["bash", "-n", script], check=True)

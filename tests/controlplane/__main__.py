"""`python -m controlplane up|down|build`: what `make cluster` and `make cluster-down` call.

`up` prints one line on standard output, for a shell to evaluate; everything else goes to standard error.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
from pathlib import Path

from controlplane import standing
from controlplane.binaries import NoBinaries, find_binaries
from controlplane.gobuild import BuildFailed
from controlplane.gotoolchain import NoGo
from controlplane.progress import say
from controlplane.readiness import NotReady


def main() -> int:
    """Run one command and return the exit code."""
    arguments = _parser().parse_args()
    try:
        _run(arguments)
    except (BuildFailed, NoBinaries, NoGo, NotReady) as problem:
        say(str(problem))
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="controlplane", description="A Kubernetes control plane on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, purpose in (
        ("up", "start it, and print the line that points kubectl at it"),
        ("down", "end it, and remove its data"),
    ):
        command = commands.add_parser(name, help=purpose)
        command.add_argument(
            "--folder", type=Path, default=standing.FOLDER, help="where it keeps everything (default: %(default)s)"
        )
    commands.add_parser("build", help="only build it, unless it is built already")
    return parser


def _run(arguments: argparse.Namespace) -> None:
    match arguments.command:
        case "up":
            kubeconfig = standing.up(arguments.folder.absolute())
            if shutil.which("kubectl") is None:
                say(f"no kubectl on this machine? alias kubectl={shlex.quote(shlex.join(find_binaries().kubectl))}")
            print(f"export KUBECONFIG={shlex.quote(str(kubeconfig))}")
        case "down":
            standing.down(arguments.folder.absolute())
        case _:
            say(f"built: {find_binaries().apiserver[0]}")


if __name__ == "__main__":
    sys.exit(main())

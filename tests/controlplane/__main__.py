"""`python -m controlplane up|down|build`: what `make cluster` and `make cluster-down` call.

`up` prints one line on standard output, for a shell to evaluate; everything else goes to standard error.
"""

from __future__ import annotations

import argparse
import shlex
import sys

from controlplane import standing
from controlplane.binaries import NoBinaries, find_binaries
from controlplane.build import BuildFailed
from controlplane.gotoolchain import NoGo
from controlplane.progress import say
from controlplane.readiness import NotReady


def main() -> int:
    """Run one command and return the exit code."""
    parser = argparse.ArgumentParser(prog="controlplane", description="A Kubernetes control plane on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start it, and print the line that points kubectl at it")
    commands.add_parser("down", help="end it, and remove its data")
    commands.add_parser("build", help="only build it, or find out that it is built")
    command = parser.parse_args().command
    try:
        _run(command)
    except (BuildFailed, NoBinaries, NoGo, NotReady) as problem:
        say(str(problem))
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    return 0


def _run(command: str) -> None:
    match command:
        case "up":
            print(f"export KUBECONFIG={shlex.quote(str(standing.up()))}")
        case "down":
            standing.down()
        case _:
            say(f"kubectl: {shlex.join(find_binaries().kubectl)}")


if __name__ == "__main__":
    sys.exit(main())

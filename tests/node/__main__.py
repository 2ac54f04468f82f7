"""`python -m node up|load|down`: what `make node`, `make node-load` and `make node-down` call.

`up` prints one line on standard output, for a shell to evaluate; everything else goes to standard error.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from controlplane.gobuild import BuildFailed
from controlplane.gotoolchain import NoGo
from controlplane.progress import say
from controlplane.readiness import NotReady
from node import standing
from node.preflight import NoNode


def main() -> int:
    """Run one command and return the exit code."""
    parser = argparse.ArgumentParser(prog="node", description="A Kubernetes node on this machine.")
    parser.add_argument("command", choices=("up", "load", "down"), help="start it, give it an image, or end it")
    parser.add_argument(
        "archive", type=Path, nargs="?", help="the image to load, as `make image ARCHIVE=...` writes it"
    )
    parser.add_argument(
        "--folder", type=Path, default=standing.FOLDER, help="where its files and logs lie (default: %(default)s)"
    )
    arguments = parser.parse_args()
    try:
        _run(arguments.command, arguments.folder.absolute(), arguments.archive)
    except (BuildFailed, NoGo, NoNode, NotReady, standing.NoImage) as problem:
        say(str(problem))
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    return 0


def _run(command: str, folder: Path, archive: Path | None) -> None:
    if command == "up":
        print(f"export KUBECONFIG={shlex.quote(str(standing.up(folder)))}")
    elif command == "down":
        standing.down(folder)
    elif archive is None or not archive.is_file():
        raise standing.NoImage(
            f"there is no image in {archive or 'no file'}: make image ARCHIVE=dist/image.tar writes one"
        )
    else:
        standing.load(folder, archive.absolute())


if __name__ == "__main__":
    sys.exit(main())

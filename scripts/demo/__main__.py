"""`python -m demo`, what `make demo` and `make demo-down` call.

KEEP=1 in the environment leaves everything running. The exit code is 0 only if all went as the story says.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from controlplane.binaries import NoBinaries
from controlplane.gobuild import BuildFailed
from controlplane.gotoolchain import NoGo
from controlplane.once import locked
from controlplane.readiness import NotReady
from demo.shell import ROOT, DemoFailed, Shell, require
from demo.stage import LOCK, LOG, Stage, end_what_was_kept
from demo.story import FOLDER, STORY, THINGS_TO_TRY
from demo.telling import Page, Telling

WELCOME: Final = """sshcredential-operator on a real Kubernetes control plane, in about 15 seconds.
Starting etcd, API server and controller manager on this machine's loopback ..."""
INTERRUPTED: Final = 130
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PROBLEMS: Final = (BuildFailed, DemoFailed, NoBinaries, NoGo, NotReady)


def main() -> int:
    """Run the demo, or end one that was left running, and return the exit code."""
    arguments = _parser().parse_args()
    os.chdir(ROOT)
    # SIGINT, too: a shell that starts this in the background has it ignored.
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    folder: Path = arguments.folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with locked(folder / LOCK, f"another demo runs in {folder}"):
            _run(folder, only_end=arguments.down)
    except PROBLEMS as problem:
        log = folder / LOG
        _say(f"failed. {problem}" + (f"\nThe operator's log: {log}" if log.exists() else ""))
        return 1
    except KeyboardInterrupt:
        _say("interrupted; everything is ended")
        return INTERRUPTED
    except BrokenPipeError:  # whoever read this has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="demo", description="Shows sshcredential-operator on a real control plane.")
    parser.add_argument(
        "--folder", type=Path, default=Path(FOLDER), help="where it keeps its files (default: %(default)s)"
    )
    parser.add_argument("--down", action="store_true", help="end what KEEP=1 left running")
    return parser


def _run(folder: Path, *, only_end: bool) -> None:
    was_kept = end_what_was_kept(folder)
    if was_kept or only_end:
        _say("ended what was left running" if was_kept else "nothing was left running")
    if not only_end:
        require("ssh-keygen", "Install OpenSSH's client (Debian: openssh-client).")
        _perform(folder, keep=os.environ.get("KEEP", "") not in {"", "0"})


def _perform(folder: Path, *, keep: bool) -> None:
    page, shell, began = Page(sys.stdout), Shell(), time.monotonic()
    page.say(WELCOME)
    # Nothing of the person's own kubectl settings has a say here.
    shell.export("KUBECTL_KUBERC", "false")
    shell.export("KUBECACHEDIR", str(folder / "kubectl-cache"))
    stage = Stage(folder, keep=keep)
    try:
        stage.start_control_plane()
        if programs := stage.provide_kubectl():
            shell.export("PATH", f"{programs.absolute()}{os.pathsep}{os.environ['PATH']}")
        Telling(page, shell, stage.start_operator, str(folder)).tell(STORY)
        page.say(f"That was all, after {time.monotonic() - began:.0f} seconds.")
    except BaseException as reason:
        _close(stage, keep_log=isinstance(reason, PROBLEMS))
        raise
    if keep:
        _say_how_to_go_on(page, folder, stage.address, programs)
    else:
        _close(stage, keep_log=False)
        page.say("Everything is ended and removed. KEEP=1 make demo leaves it running.")


def _close(stage: Stage, *, keep_log: bool) -> None:
    # A second Ctrl-C must not keep the first from ending everything.
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    stage.close(keep_log=keep_log)


def _say_how_to_go_on(page: Page, folder: Path, address: str, programs: Path | None) -> None:
    exports = [f"export KUBECONFIG={shlex.quote(str((folder / 'kubeconfig').absolute()))}"]
    if programs:
        exports.append(f"export PATH={shlex.quote(str(programs.absolute()))}:$PATH   # there is no other kubectl here")
    width = max(len(command) for command, _ in THINGS_TO_TRY)
    page.say("Everything is left running. To go on:\n")
    for line in (*exports, *(f"{command:{width}}   # {why}" for command, why in THINGS_TO_TRY)):
        page.output(f"  {line}")
    page.say(f"The operator's log is {folder / LOG}, its metrics are at http://{address}/metrics.")
    page.say("To end it: make demo-down")


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    print(f"demo: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""The control plane of a checkout: started by one command, ended by another. Used by `python -m controlplane`.

What runs is remembered in a file; a process is ended only if it is still the same one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from controlplane import processes
from controlplane.access import ADMIN
from controlplane.once import locked
from controlplane.places import CHECKOUT
from controlplane.plane import ControlPlane
from controlplane.processes import Daemon
from controlplane.progress import say

FOLDER: Final = CHECKOUT / ".cluster"
BUSY: Final = "another command is starting or ending the control plane of this checkout"


def up(folder: Path = FOLDER) -> Path:
    """Start a control plane that outlives this process, unless one runs. Return the administrator's kubeconfig."""
    folder.mkdir(mode=0o700, exist_ok=True)
    with locked(folder / "lock", BUSY):
        known = recorded(folder)
        if known and all(daemon.is_running() for daemon in known.values()):
            say(f"already up; its logs are in {_data(folder)}")
        else:
            if known:
                say("parts of an earlier control plane are gone: starting a new one, without its data")
            _end(folder, known)
            _start(folder)
    return kubeconfig_link(folder)


def down(folder: Path = FOLDER) -> None:
    """End the control plane and remove its data. Return when all of it is gone."""
    folder.mkdir(mode=0o700, exist_ok=True)
    with locked(folder / "lock", BUSY):
        known = recorded(folder)
        _end(folder, known)
        say("ended" if known else "not up")


def _start(folder: Path) -> None:
    plane = ControlPlane(_data(folder), guarded=False)
    say("starting")
    plane.start()
    try:
        record(folder, plane.daemons)
        kubeconfig_link(folder).symlink_to(plane.kubeconfig_for(ADMIN))
    except BaseException:
        plane.stop()
        raise
    say(f"up at {plane.server}; kubeconfigs of other users are in {plane.kubeconfig_for(ADMIN).parent}")


def _end(folder: Path, known: Mapping[str, Daemon]) -> None:
    for daemon in reversed(list(known.values())):
        processes.stop(daemon)
    kubeconfig_link(folder).unlink(missing_ok=True)
    if _data(folder).exists():
        shutil.rmtree(_data(folder))
    _record_file(folder).unlink(missing_ok=True)


def record(folder: Path, daemons: Mapping[str, Daemon]) -> None:
    """Remember what was started here."""
    content = {part: {"pid": at.pid, "born": at.born, "log": str(at.log)} for part, at in daemons.items()}
    _record_file(folder).write_text(json.dumps(content, indent=2))


def recorded(folder: Path) -> dict[str, Daemon]:
    """Return what was started here, in the order in which it was started."""
    try:
        content = json.loads(_record_file(folder).read_text())
    except FileNotFoundError:
        return {}
    return {part: Daemon(of["pid"], of["born"], Path(of["log"])) for part, of in content.items()}


def _record_file(folder: Path) -> Path:
    return folder / "processes.json"


def kubeconfig_link(folder: Path) -> Path:
    """Return the path of the administrator's kubeconfig, as people are told it."""
    return folder / "kubeconfig"


def _data(folder: Path) -> Path:
    return folder / "data"

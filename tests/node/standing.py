"""The node of a checkout: started by one command, ended by another. Used by `python -m node`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from controlplane.access import ADMIN
from controlplane.once import locked
from controlplane.places import CHECKOUT
from controlplane.progress import say
from controlplane.readiness import NotReady
from controlplane.standing import kubeconfig_link, record, recorded
from node.enclosure import Enclosure
from node.node import FIRST, KEEPER, LOAD, Node, end

FOLDER: Final = CHECKOUT / ".node"
BUSY: Final = "another command is starting or ending the node of this checkout"


class NoImage(Exception):
    """There is nothing to load. The text says why."""


def up(folder: Path = FOLDER) -> Path:
    """Start a node that outlives this process, unless one runs. Return the administrator's kubeconfig."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(folder / "lock", BUSY):
        known = recorded(folder)
        if known and all(daemon.is_running() for daemon in known.values()):
            say(f"already up; its logs are in {folder / 'data'}")
        else:
            if known:
                say("parts of an earlier node are gone: starting a new one")
            _end(folder)
            _start(folder)
    return kubeconfig_link(folder)


def load(folder: Path, archive: Path) -> None:
    """Give the node an image from an archive. Raises `NotReady` if no node is up, `NoImage` if it is none."""
    known = recorded(folder)
    if not known or not all(daemon.is_running() for daemon in known.values()):
        raise NotReady("no node is up: start one with `make node`")
    inside = Enclosure(known[KEEPER], known[FIRST]).whole
    loaded = subprocess.run([*inside, *LOAD, str(archive)], capture_output=True, text=True, check=False)
    if loaded.returncode:
        raise NoImage(f"containerd does not take {archive}:\n{loaded.stderr}")
    say(f"loaded {archive}")


def down(folder: Path = FOLDER) -> None:
    """End the node and remove its folder's content. Return when all of it is gone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(folder / "lock", BUSY):
        say("ended" if _end(folder) else "not up")


def _start(folder: Path) -> None:
    node = Node(folder / "data", guarded=False)
    say("starting a node")
    node.start()
    try:
        record(folder, node.daemons)
        kubeconfig_link(folder).symlink_to(node.kubeconfig_for(ADMIN))
    except BaseException:
        node.stop()
        raise
    say(f"up at {node.server}; kubeconfigs of other users are in {node.kubeconfig_for(ADMIN).parent}")


def _end(folder: Path) -> bool:
    known = recorded(folder)
    end(known)
    kubeconfig_link(folder).unlink(missing_ok=True)
    shutil.rmtree(folder / "data", ignore_errors=True)
    record(folder, {})
    return bool(known)

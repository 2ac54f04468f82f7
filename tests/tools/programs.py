"""Programs of others that the tests drive, each pinned by a go.mod of its own and built once on a machine.

The tests of the chart run Helm, helm-unittest and kubeconform, those of the alerts promtool, and the node
CoreDNS. `python -m tools.programs NAME` prints the path of one, for use by hand.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

from controlplane.gobuild import GoProgram, stripped

FOLDER: Final = Path(__file__).resolve().parent


def program(folder: str) -> Path:
    """Return the path of a program of tests/tools, building it if this version of it was never built before.

    Raises `BuildFailed`, or `NoGo` where there is no Go and none can be installed.
    """
    return _PROGRAMS[folder].built()


def _pinned(folder: str, package: str, *linker: str) -> GoProgram:
    go_mod = (FOLDER / folder / "go.mod").read_text()
    module = max(
        (
            found
            for found in re.findall(r"^\s*(?:require )?(\S+) (v\S+)", go_mod, re.MULTILINE)
            if package.startswith(found[0])
        ),
        key=lambda found: len(found[0]),
    )
    flags = stripped(*(line.format(version=module[1]) for line in linker))
    announcement = f"building {folder} from source, once on this machine (a minute or two on two cores)"
    return GoProgram(package.rsplit("/", 1)[-1], FOLDER / folder, flags, announcement, package)


_PROGRAMS: Final = {
    "coredns": _pinned("coredns", "github.com/coredns/coredns"),
    "helm3": _pinned("helm3", "helm.sh/helm/v3/cmd/helm", "-X helm.sh/helm/v3/internal/version.version={version}"),
    "helm4": _pinned("helm4", "helm.sh/helm/v4/cmd/helm", "-X helm.sh/helm/v4/internal/version.version={version}"),
    "helm-unittest": _pinned("helm-unittest", "github.com/helm-unittest/helm-unittest/cmd/helm-unittest"),
    "kubeconform": _pinned("kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform"),
    "promtool": _pinned("promtool", "github.com/prometheus/prometheus/cmd/promtool"),
}


if __name__ == "__main__":
    print(program(sys.argv[1]))

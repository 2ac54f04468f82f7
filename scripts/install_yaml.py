"""Renders dist/install.yaml, for those who install with kubectl or kustomize. `make install.yaml` calls it.

The arguments are the namespaces to serve; none means all. One `kubectl apply -f` does it, the first time and again: the
namespace comes first, and nothing in the file is of a kind that the file itself defines.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tools.programs import program

ROOT: Final = Path(__file__).resolve().parents[1]
CHART: Final = ROOT / "charts" / "sshcredential-operator"
TARGET: Final = ROOT / "dist" / "install.yaml"
NAMESPACE: Final = "sshcredential-system"
HEAD: Final = f"""\
# sshcredential-operator, rendered from its Helm chart. It serves {{served}}.
#
#   kubectl apply -f install.yaml
#
# Afterwards back up the Secrets of namespace {NAMESPACE}: who loses them has lost every stored private key.
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels:
    app.kubernetes.io/name: sshcredential-operator
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/audit: restricted
    pod-security.kubernetes.io/warn: restricted
"""
OF_HELM: Final = re.compile(
    r"^(?:# Source: .*| *helm\.sh/chart: .*| *app\.kubernetes\.io/managed-by: Helm)\n", re.MULTILINE
)
"""What would be untrue in a file that Helm does not manage."""


def rendered(workspaces: Sequence[str]) -> str:
    """Return the file for these workspaces."""
    settings = ["crds.keep=false", "tests.enabled=false", f"workspaces={{{','.join(workspaces) or '*'}}}"]
    command: list[str | Path] = [
        program("helm4"),
        "template",
        "sshcredential-operator",
        CHART,
        "--namespace",
        NAMESPACE,
    ]
    made = subprocess.run(
        [*command, *(part for setting in settings for part in ("--set", setting))],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    served = f"the namespaces {', '.join(workspaces)}, which must exist" if workspaces else "every namespace"
    return HEAD.format(served=served) + OF_HELM.sub("", made.stdout)


def main() -> int:
    """Write the file; Helm says what is wrong with an argument."""
    try:
        text = rendered(sys.argv[1:])
    except subprocess.CalledProcessError as failed:
        return failed.returncode
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text, encoding="utf-8")
    print(TARGET.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())

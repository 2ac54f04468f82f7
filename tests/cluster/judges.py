"""Asks the Go program of tests/judges, which holds the code by which Flux and Argo CD judge and apply objects."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from controlplane.gobuild import GoProgram, stripped

PROGRAM: Final = GoProgram(
    "judges",
    Path(__file__).resolve().parents[1] / "judges",
    stripped(),
    "building the judges of Flux and Argo CD from source, once on this machine (two minutes on two cores)",
)


class Judges:
    """The program, built."""

    def __init__(self, program: Path) -> None:
        self._program = program

    def kstatus(self, objects: Sequence[Any]) -> list[str]:
        """Return what the library kstatus says of each object."""
        return [said["Status"] for said in self._ask("kstatus", objects=objects)]

    def health_checks(self, expressions: Path, objects: Sequence[Any]) -> list[str]:
        """Return what Flux makes of each object with `spec.healthCheckExprs`, which is what the file holds."""
        return [said["Status"] for said in self._ask("health-checks", str(expressions), objects=objects)]

    def lua(self, script: Path, objects: Sequence[Any]) -> list[Any]:
        """Return what a script of Argo CD's customizations returns for each object."""
        return self._ask("lua", str(script), objects=objects)

    def argo_diff(self, pairs: Sequence[tuple[Any, Any]]) -> list[Any]:
        """Return the patch by which Argo CD would sync each pair of a manifest and the live object."""
        return self._ask("argo-diff", objects=[{"target": target, "live": live} for target, live in pairs])

    def flux_apply(self, kubeconfig: Path, manifests: Path) -> dict[str, str]:
        """Apply manifests as Flux does and wait for them; return what was done to each object."""
        done = self._run("flux-apply", str(kubeconfig), str(manifests))
        return dict(line.split() for line in done.splitlines())

    def _ask(self, *arguments: str, objects: Sequence[Any]) -> list[Any]:
        done = self._run(*arguments, given="".join(f"{json.dumps(one)}\n" for one in objects))
        answers = [json.loads(line) for line in done.splitlines()]
        assert len(answers) == len(objects)
        return answers

    def _run(self, *arguments: str, given: str = "") -> str:
        command = [str(self._program), *arguments]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

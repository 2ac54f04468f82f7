"""`sshcred keyring rotate-workspace` over many credentials: how long it takes and what it writes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from bench.asked import asked, without_leases, write_seconds
from bench.filled import filled
from bench.measuring import costs_between, settled, until_through
from bench.section import Asked, Raw, Section, Shown
from bench.stage import OPERATOR_NAMESPACE, USER, Stage
from bench.tables import each, per_thousand, table

SSHCRED: Final = Path(sys.executable).with_name("sshcred")
RATE: Final = 1000
"""As many a second as the option takes: what is measured is how fast it can be, not how gentle."""


def measure(stage: Stage, wanted: Asked) -> Raw:
    """Return what each took, by how many credentials there are."""
    return {"rotations": {count: one_rotation(stage, count) for count in wanted.sizes.rotation}}


def one_rotation(stage: Stage, count: int) -> Raw:
    """Return the time until the command says that it is done, and what the operator asked for."""
    namespace = filled(stage, count)
    with stage.operator([namespace], ["--rewrap-rate", str(RATE)]) as operator:
        until_through(operator, count)
        settled(operator.pid)
        mark, before, begun = stage.plane.audit_mark(), stage.costs(operator.pid), time.monotonic()
        subprocess.run(
            [SSHCRED, "keyring", "rotate-workspace", namespace, "--operator-namespace", OPERATOR_NAMESPACE],
            env={**os.environ, "KUBECONFIG": str(stage.plane.kubeconfig_for("admin"))},
            check=True,
            capture_output=True,
        )
        seconds = time.monotonic() - begun
        settled(operator.pid)
        cpu = costs_between(before, stage.costs(operator.pid))
        requests = without_leases(asked(stage.plane, mark, USER))
        writing = write_seconds(stage.plane, mark, USER, namespace)
    return {"seconds": seconds, "writing": writing, "cpu": cpu, "requests": requests}


def shown(raw: Raw) -> Shown:
    """Return the table."""
    columns = [_column(int(count), one) for count, one in raw["rotations"].items()]
    rows = [[what, *(column[what] for column in columns)] for what in columns[0]]
    head = ["rotate-workspace over so many credentials", *(f"{int(count):,}" for count in raw["rotations"])]
    return Shown(f"`--rewrap-rate {RATE}`:\n\n{table(head, rows)}")


def _column(count: int, raw: Raw) -> dict[str, str]:
    return {
        "s until the command says that all are under the new key": f"{raw['seconds']:.1f}",
        "s from the first write to the last": f"{raw['writing']:.1f}",
        **{f"{part} CPU s per 1,000": per_thousand([raw], part, count) for part in ("operator", "apiserver", "etcd")},
        "requests for each credential": each(raw["requests"], count),
    }


SECTION = Section("Another workspace key", "2 to 4 minutes, and 3 more to make 10,000 credentials", measure, shown)

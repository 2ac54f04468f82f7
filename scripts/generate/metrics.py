"""Writes docs/reference/metrics.md from the catalogue of metrics. Called by `make generate`, and by `make check`.

With `--check` nothing is written: the exit status says whether the page is what it should be.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sshcredential_operator.controller.metric_catalogue import CATALOGUE, PREFIX, VALUES

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "reference" / "metrics.md"

HEAD: Final = """\
<!-- Generated from operator/sshcredential_operator/controller/metric_catalogue.py by `make generate`. Do not edit. -->

# Metrics

Every replica serves them at `/metrics`, beside `/healthz` and `/readyz`, on port 8080 of its pod. No label holds a name
of an object, so that their number does not grow with the credentials, and nothing of them is secret. Being asked for
them costs no request to the API server.

The alerts that use them are in [alerts.yaml](../../charts/sshcredential-operator/files/monitoring/alerts.yaml), with a
runbook for each in [Operations](../operations.md).

Gauges of credentials, exports and Secrets are the same on a standby as on the leader, since its lists are warm: take
the largest, not the sum.
"""

TAIL: Final = """\
The process itself is described by the usual `process_*`, `python_info` and `python_gc_*` of
the Python client library.
"""


def page() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *metrics(), *labels(), TAIL]).rstrip("\n") + "\n"


def metrics() -> Iterator[str]:
    """Yield the table of metrics."""
    yield from ("| Metric | Type | Labels | Meaning |", "|---|---|---|---|")
    for name, meaning in CATALOGUE.items():
        labels = ", ".join(f"`{label}`" for label in meaning.labels)
        yield f"| `{PREFIX}_{name}` | {meaning.type} | {labels} | {meaning.help} |"
    yield ""


def labels() -> Iterator[str]:
    """Yield the table of labels."""
    yield from ("## Labels", "", "| Label | Values |", "|---|---|")
    yield from (f"| `{label}` | {values} |" for label, values in VALUES.items())
    yield ""


def main() -> int:
    """Write the page, or compare it."""
    wanted = page()
    if "--check" not in sys.argv[1:]:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == wanted:
        return 0
    print(f"{PAGE.relative_to(PAGE.parents[2])} is not what the catalogue says: run `make generate`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""The operator's command line with a bug in it: `python tests/faults/planted_operator.py BUG run ...`.

For a look at one bug by hand, and for `OperatorProcess(program=...)`; plans plant theirs in a fork.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from faults.planted import PLANTED
    from sshcredential_operator.cli.operator import main

    PLANTED[sys.argv.pop(1)].plant()
    main()

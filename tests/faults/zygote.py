"""Has imported all of the operator once, and forks real operator processes: a start costs a tenth of what it does else.

`python -m faults.zygote` reads one line of JSON for each process on its standard input and answers with the process id.
Everything in a fork is the operator's own, from its command line on. All of them end with this process.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import signal
import sys
from typing import Any, Final, NoReturn

from faults import clock
from sshcredential_operator.cli.operator import main

LAZY: Final = ("kopf", "sshcredential_operator.keys.pool")
BUG: Final = "FAULTS_BUG"
_END_WITH_PARENT: Final = 1


def serve() -> None:
    """Fork until nobody asks any more."""
    for module in LAZY:
        importlib.import_module(module)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody has to be buried
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # a fork that is told of its clock too early reads it all the same
    for line in sys.stdin:
        asked: dict[str, Any] = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(asked)
        print(pid, flush=True)


def _become(asked: dict[str, Any]) -> NoReturn:
    code = 1
    try:
        ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGKILL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        os.environ.update(asked["environment"])
        clock.install()
        if bug := os.environ.get(BUG):
            importlib.import_module("faults.planted").PLANTED[bug].plant()
        sys.argv = ["sshcredential-operator", *asked["arguments"]]
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()

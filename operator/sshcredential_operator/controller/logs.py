"""Logging: one JSON object or one line per record, and never a text that this program did not write itself.

The libraries' messages and tracebacks may quote bodies and key material (Kopf logs whole objects at DEBUG,
`cryptography` quotes a line of a private key in an error). Their records are cut down to where they came from, at every
level and whatever flags say.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from sshcredential_operator.controller.during import current

OURS: Final = "sshcredential_operator"
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def set_up(*, json: bool, debug: bool) -> None:
    """Send everything to standard error. `debug` reaches our own records only."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if json else ConsoleFormatter())
    handler.addFilter(only_what_is_safe)
    handler.addFilter(of_which_pass)
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.getLogger(OURS).setLevel(logging.DEBUG if debug else logging.INFO)
    # Whoever loads the configuration says in our words what is wrong with it.
    logging.getLogger("kubernetes.aio.config").setLevel(logging.CRITICAL)
    # Each of Kopf's tries to reach an API server that is away is a record; the stream's end is told by us, once.
    logging.getLogger("kopf._cogs.clients.api").setLevel(logging.CRITICAL)
    logging.raiseExceptions = False
    logging.captureWarnings(capture=True)


def only_what_is_safe(record: logging.LogRecord) -> bool:
    """Filter of the handler: libraries' records below WARNING go, the others lose their text."""
    if record.name.split(".")[0] == OURS:
        record.exc_info = record.exc_text = record.stack_info = None
        return True
    if record.levelno < logging.WARNING:
        return False
    error = record.exc_info[1] if record.exc_info else None
    record.msg, record.args = f"{record.name} has something to say at {record.filename}:{record.lineno}", ()
    if error is not None:
        record.msg += f" ({type(error).__name__})"
    record.exc_info = record.exc_text = record.stack_info = None
    for name in set(vars(record)) - _STANDARD:
        delattr(record, name)
    return True


def of_which_pass(record: logging.LogRecord) -> bool:
    """Filter of the handler: every record of a pass carries its fields, whoever wrote it."""
    record.during = current()
    return True


def where(error: BaseException) -> str:
    """Return file and line of an error's origin: all of a traceback that is safe to log."""
    frame = error.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    if frame is None:
        return "?"
    return f"{frame.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{frame.tb_lineno}"


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    facts = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    of_pass = facts.pop("during", None)
    return facts if of_pass is None else {**of_pass._asdict(), **facts}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the record's facts."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_facts(record),
        }
        return orjson.dumps(entry, default=str).decode()


class ConsoleFormatter(logging.Formatter):
    """One line for a person."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        time = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        facts = " ".join(f"{name}={value}" for name, value in _facts(record).items())
        return f"{time} {record.levelname.lower():7} {record.getMessage()} {facts}".rstrip()

"""How commands print: objects as kubectl prints them, and tables. Used by the commands that list and show.

On a terminal with colours and cells that fold; into a pipe the same columns, each as wide as it has to be, and nothing
that is cut, folded or coloured. `rich` is imported only for a terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click

from sshcredential_operator.api.names import GROUP, KIND

STYLES: Final = {"True": "green", "False": "red", "Unknown": "yellow"}
"""Of what begins with these words."""
_GAP: Final = "   "


def show_objects(found: Sequence[Mapping[str, Any]], output: str, *, as_list: bool) -> None:
    """Print objects as json, yaml or name; several ones as a List, as kubectl does."""
    if output == "name":
        for one in found:
            kind = str(one.get("kind", KIND)).lower()
            group = "" if kind == "secret" else f".{GROUP}"
            click.echo(f"{kind}{group}/{one['metadata']['name']}")
        return
    shown: Any = {"apiVersion": "v1", "items": list(found), "kind": "List", "metadata": {"resourceVersion": ""}}
    if not as_list:
        [shown] = found
    if output == "json":
        click.echo(json.dumps(shown, indent=4))
        return
    import yaml  # noqa: PLC0415 - only who asks for YAML pays for it

    click.echo(yaml.safe_dump(shown), nl=False)


def show_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: coloured on a terminal, plain elsewhere."""
    if sys.stdout.isatty():
        _show_on_terminal(heads, rows)
        return
    for line in aligned([heads, *rows]):
        click.echo(line)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows as lines, each column as wide as it has to be."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [_GAP.join(map(str.ljust, row, widths)).rstrip() for row in rows]


def show_lines(lines: Sequence[str]) -> None:
    """Print lines; on a terminal those that do not begin with a blank are headings."""
    for line in lines:
        heading = sys.stdout.isatty() and bool(line) and not line.startswith(" ")
        click.echo(click.style(line, bold=True) if heading else line)


def age_of(moment: datetime | None, now: datetime | None = None) -> str:
    """Return how long ago a moment is, as kubectl says it: 45s, 5m, 3h, 12d, 2y; nothing for no moment."""
    if moment is None:
        return ""
    passed = max((now or datetime.now(UTC)) - moment, timedelta(0))
    seconds = int(passed.total_seconds())
    for unit, size, most in (("s", 1, 120), ("m", 60, 180), ("h", 3600, 48), ("d", 86_400, 730)):
        if seconds // size < most:
            return f"{seconds // size}{unit}"
    return f"{seconds // 86_400 // 365}y"


def _show_on_terminal(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console  # noqa: PLC0415 - as the module says
    from rich.table import Table  # noqa: PLC0415 - the same
    from rich.text import Text  # noqa: PLC0415 - the same

    table = Table(*heads, box=None, pad_edge=False, header_style="bold")
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*(Text(cell, style=STYLES.get(cell.partition(" ")[0], "")) for cell in row))
    Console(highlight=False).print(table)

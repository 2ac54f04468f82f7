"""Plots as SVG texts: bars, and lines over a logarithmic axis or over time. Pure, too small to need a library."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from typing import Final

WIDTH: Final = 720
COLOURS: Final = ("#2f6fb3", "#c2571a", "#4a8f3c", "#7a4fa3", "#8a8a8a")
_LEFT, _RIGHT, _TOP, _BOTTOM, _BAR = 170, 90, 40, 44, 26
_STYLE: Final = "text{font:13px sans-serif;fill:#333}.t{font-size:15px;font-weight:bold}line,path{fill:none}"

Points = Sequence[tuple[float, float]]
Place = Callable[[float, float], tuple[float, float]]


def bars(title: str, unit: str, values: Mapping[str, float]) -> str:
    """Return horizontal bars, each with its value."""
    most = max(values.values(), default=1) or 1
    scale = (WIDTH - _LEFT - _RIGHT) / most
    parts = []
    for number, (name, value) in enumerate(values.items()):
        y = _TOP + number * _BAR
        parts.append(_text(_LEFT - 8, y + 14, name, "end"))
        size = f'width="{max(1, value * scale):.1f}" height="{_BAR - 8}"'
        parts.append(f'<rect x="{_LEFT}" y="{y}" {size} fill="{COLOURS[number % len(COLOURS)]}"/>')
        parts.append(_text(_LEFT + value * scale + 6, y + 14, f"{value:.3g} {unit}"))
    return _picture(title, _TOP + len(values) * _BAR + 10, parts)


def lines(title: str, x_label: str, y_label: str, series: Mapping[str, Points], height: int = 340) -> str:
    """Return lines over a logarithmic horizontal axis, with zero, if it is there, at its left end."""
    everything = [point for points in series.values() for point in points]
    xs = sorted({x for x, _ in everything})
    positive = [x for x in xs if x > 0] or [1.0]
    low, high = math.log10(positive[0]), math.log10(positive[-1])
    start = low - (high - low or 1) / 4 if xs and xs[0] <= 0 else low

    def across(x: float) -> float:
        return ((math.log10(x) if x > 0 else start) - start) / ((high - start) or 1)

    return _lines(title, (x_label, y_label), series, height, (xs, across))


def over_time(title: str, x_label: str, y_label: str, series: Mapping[str, Points], height: int = 340) -> str:
    """Return lines over a horizontal axis that begins with zero."""
    last = max((x for points in series.values() for x, _ in points), default=1) or 1
    step = next(size for size in _round_sizes(last) if size >= last / 6)
    ticks = [step * number for number in range(int(last / step) + 1)]
    return _lines(title, (x_label, y_label), series, height, (ticks, lambda x: x / last))


def _round_sizes(last: float) -> Iterator[float]:
    power = math.floor(math.log10(last)) - 1
    yield from (digit * 10.0**exponent for exponent in (power, power + 1) for digit in (1, 2, 5))


def _lines(
    title: str,
    labels: tuple[str, str],
    series: Mapping[str, Points],
    height: int,
    axis: tuple[Sequence[float], Callable[[float], float]],
) -> str:
    ticks, across = axis
    most = max((y for points in series.values() for _, y in points), default=1) or 1

    def place(x: float, y: float) -> tuple[float, float]:
        return 70 + across(x) * (WIDTH - 70 - _RIGHT), height - _BOTTOM - y / most * (height - _TOP - _BOTTOM)

    parts = list(_axes(ticks, most, place, *labels))
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<rect x="84" y="{_TOP + 6 + 18 * number}" width="14" height="4" fill="{colour}"/>')
        parts.append(_text(104, _TOP + 13 + 18 * number, name))
    return _picture(title, height, parts)


def _axes(xs: Sequence[float], most: float, place: Place, x_label: str, y_label: str) -> Iterator[str]:
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = place(xs[-1], most * share)[1]
        yield f'<line x1="70" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
        yield _text(62, y + 4, f"{most * share:.3g}", "end")
    bottom = place(xs[-1], 0)[1]
    for x in xs:
        yield _text(place(x, 0)[0], bottom + 18, f"{x:,g}", "middle")
    yield _text(WIDTH - _RIGHT, bottom + 36, x_label, "end")
    yield _text(8, _TOP - 6, y_label)


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _picture(title: str, height: float, parts: Sequence[str]) -> str:
    box = f'viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {box}><style>{_STYLE}</style><rect width="100%" height="100%" '
    name = f'fill="#fff"/><text class="t" x="10" y="20">{escape(title)}</text>'
    return "\n".join([head + name, *parts, "</svg>"]) + "\n"

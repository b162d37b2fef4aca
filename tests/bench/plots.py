"""A small writer of SVG line plots: axes, lines, a legend, on a ground of its own for light and dark pages."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

Points = list[tuple[float, float]]
WIDTH, HEIGHT = 860, 340
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 40, 78
COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#57606a", "#bf3989", "#0a7ea4")
PER_ROW = 4


@dataclass(frozen=True)
class Plot:
    """`logarithmic` for figures that differ by more than their picture would show."""

    title: str
    x_label: str
    y_label: str
    lines: Mapping[str, Points]
    logarithmic: bool = False

    def svg(self) -> str:
        points = [point for line in self.lines.values() for point in line]
        most_x = max((x for x, _ in points), default=1.0) or 1.0
        ticks = self._ticks(max((y for _, y in points), default=1.0), min((y for _, y in points), default=1.0))
        rows = math.ceil(len(self.lines) / PER_ROW)
        height = HEIGHT + (rows - 1) * 18
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            'font-family="system-ui, sans-serif" font-size="12" fill="#24292f">',
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            f'<text x="{LEFT}" y="22" font-size="14" font-weight="600">{escape(self.title)}</text>',
            *self._grid(ticks, most_x),
            *(
                self._line(line, colour, ticks, most_x)
                for line, colour in zip(self.lines.values(), COLOURS, strict=False)
            ),
            *self._legend(),
            "</svg>",
        ]
        return "\n".join(parts) + "\n"

    def _ticks(self, most: float, least: float) -> list[float]:
        if self.logarithmic:
            low, high = math.floor(math.log10(max(least, 0.1))), math.ceil(math.log10(max(most, 1.0)))
            return [10.0**power for power in range(low, max(high, low + 1) + 1)]
        step = _round_step(most / 5)
        return [step * n for n in range(math.ceil(most / step) + 1)]

    def _y(self, value: float, ticks: list[float]) -> float:
        low, high = ticks[0], ticks[-1]
        if self.logarithmic:
            share = (math.log10(max(value, low)) - math.log10(low)) / (math.log10(high) - math.log10(low))
        else:
            share = (value - low) / ((high - low) or 1.0)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def _grid(self, ticks: list[float], most_x: float) -> Iterable[str]:
        for tick in ticks:
            y = self._y(tick, ticks)
            yield f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#d8dee4"/>'
            yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:,g}</text>'
        for n in range(7):
            x = LEFT + n / 6 * (WIDTH - LEFT - RIGHT)
            yield f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{most_x * n / 6:.0f}</text>'
        yield f'<text x="{WIDTH - RIGHT}" y="22" text-anchor="end">{escape(self.y_label)}</text>'
        yield f'<text x="{WIDTH / 2}" y="{HEIGHT - BOTTOM + 36}" text-anchor="middle">{escape(self.x_label)}</text>'

    def _line(self, line: Points, colour: str, ticks: list[float], most_x: float) -> str:
        places = " ".join(
            f"{LEFT + x / most_x * (WIDTH - LEFT - RIGHT):.1f},{self._y(y, ticks):.1f}" for x, y in line
        )  # fmt: skip
        return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="1.6"/>'

    def _legend(self) -> Iterable[str]:
        for n, (name, colour) in enumerate(zip(self.lines, COLOURS, strict=False)):
            x = LEFT + n % PER_ROW * (WIDTH - LEFT - RIGHT) / PER_ROW
            y = HEIGHT - BOTTOM + 58 + n // PER_ROW * 18
            yield f'<rect x="{x:.0f}" y="{y - 9}" width="12" height="4" fill="{colour}"/>'
            yield f'<text x="{x + 18:.0f}" y="{y - 3}">{escape(name)}</text>'


def _round_step(rough: float) -> float:
    """1, 2 or 5 times a power of ten, not below what is asked."""
    if rough <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= rough)

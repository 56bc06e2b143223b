"""Growth as a picture: milliseconds over the number of chunks, both logarithmic, as SVG that needs no library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

WIDTH, HEIGHT = 460, 320
LEFT, TOP, RIGHT, BOTTOM = 60, 44, 36, 46
COLOURS = ("#7a4fbf", "#1f77b4", "#2a8f5b", "#c27a0e", "#b3261e")  # one a share, the smallest first
STYLE = "text{font:12px system-ui,sans-serif;fill:#333}.axis{stroke:#bbb}.grid{stroke:#eee}polyline{fill:none}"


@dataclass(frozen=True)
class Scale:
    """A logarithmic scale: values from `low` to `high` to places from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        span = math.log(self.high / self.low) or 1.0
        return round(self.start + (self.end - self.start) * math.log(max(value, self.low) / self.low) / span, 1)

    def powers(self) -> list[float]:
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        return [10.0**n for n in range(first, last + 1) if self.low <= 10.0**n <= self.high]


def growth(cells: Sequence[dict[str, Any]]) -> str:
    """p95 of our SQL (full lines) and of the reference (dashed), a panel a layout, a colour a share of allowed rows."""
    layouts = list(dict.fromkeys(cell["layout"] for cell in cells))
    panels = [
        f'<g transform="translate({place * WIDTH} 0)">{panel(layout, cells)}</g>'
        for place, layout in enumerate(layouts)
    ]
    width = WIDTH * len(layouts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT + 30}" width="{width}">'
        f"<title>Milliseconds of retrieval's SQL as the corpus grows</title><style>{STYLE}</style>"
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(panels)}{legend(cells)}</svg>\n'
    )


def panel(layout: str, cells: Sequence[dict[str, Any]]) -> str:
    across, up = scales(cells)
    shown = [cell for cell in cells if cell["layout"] == layout]
    lines = []
    for colour, share in zip(COLOURS, shares(cells), strict=False):
        own = sorted((cell for cell in shown if cell["allowed"] == share), key=lambda cell: cell["chunks"])
        for figure, dash in (("sql_ms", ""), ("reference", ' stroke-dasharray="5 4"')):
            points = [(across(cell["chunks"]), up(cell[figure]["p95"])) for cell in own]
            lines.append(curve(points, f'stroke="{colour}" stroke-width="2"{dash}'))
    title = f'<text x="{LEFT}" y="24" font-weight="600">{escape(layout)}: p95 of the SQL, milliseconds</text>'
    return title + axes(across, up) + "".join(lines)


def scales(cells: Sequence[dict[str, Any]]) -> tuple[Scale, Scale]:
    sizes = [cell["chunks"] for cell in cells]
    times = [cell[figure]["p95"] for cell in cells for figure in ("sql_ms", "reference")]
    low, high = 10 ** math.floor(math.log10(min(times))), 10 ** math.ceil(math.log10(max(times)))
    across = Scale(min(sizes), max(max(sizes), min(sizes) * 2), LEFT, WIDTH - RIGHT)
    return across, Scale(low, high, HEIGHT - BOTTOM, TOP)


def shares(cells: Sequence[dict[str, Any]]) -> list[float]:
    return sorted({cell["allowed"] for cell in cells})


def curve(points: Sequence[tuple[float, float]], style: str) -> str:
    dots = "".join(
        f'<circle cx="{x}" cy="{y}" r="2" fill="#fff" {style.partition(" stroke-d")[0]}/>' for x, y in points
    )
    return f'<polyline points="{" ".join(f"{x},{y}" for x, y in points)}" {style}/>{dots}'


def axes(across: Scale, up: Scale) -> str:
    rows = [
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up(ms)}" y2="{up(ms)}"/>'
        f'<text x="{LEFT - 8}" y="{up(ms) + 4}" text-anchor="end">{ms:g}</text>'
        for ms in up.powers()
    ]
    columns = [
        f'<line class="grid" y1="{TOP}" y2="{HEIGHT - BOTTOM}" x1="{across(size)}" x2="{across(size)}"/>'
        f'<text x="{across(size)}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{size:,.0f}</text>'
        for size in across.powers()
    ]
    base = f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM}"/>'
    unit = f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">chunks</text>'
    return "".join([*rows, *columns, base, unit])


def legend(cells: Sequence[dict[str, Any]]) -> str:
    """Below the panels: which colour is which share, and what a dashed line is."""
    made, x = [], LEFT
    for colour, share in zip(COLOURS, shares(cells), strict=False):
        made.append(
            f'<line x1="{x}" x2="{x + 18}" y1="{HEIGHT + 12}" y2="{HEIGHT + 12}" stroke="{colour}" stroke-width="2"/>'
            f'<text x="{x + 24}" y="{HEIGHT + 16}">{share:.1%}</text>'
        )
        x += 80
    made.append(f'<text x="{x}" y="{HEIGHT + 16}">share of rows allowed; dashed: hand-written SQL</text>')
    return "".join(made)

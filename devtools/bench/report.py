"""The results: a table, JSON, and a plot."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict
from pathlib import Path

from .rows import Row
from .tools import Sample

Results = dict[str, dict[str, list[Sample]]]
"""Title of a row, name of a tool, its samples."""

MEMORY = 1.5
"""The target of every row: peak memory of one process, ours to the peer's."""

_BAR = 18  # pixels
_WIDTH = 420


def median(samples: list[Sample], what: str) -> float:
    """The median of "wall", "cpu" or "memory"."""
    return float(statistics.median(getattr(sample, what) for sample in samples))


def ratio(samples: dict[str, list[Sample]], what: str) -> float:
    """Ours to the peer's."""
    ours, peer = samples.values()
    return median(ours, what) / max(median(peer, what), 1e-9)


def _whole(row: Row, samples: list[Sample]) -> float:
    """Milliseconds of a row's whole work."""
    return median(samples, "wall") * 1000 * row.parts


def table(rows: list[Row], results: Results) -> str:
    """A line per row: medians, and ratios with the target of the first."""
    columns = f"{'ratio':>6} {'target':>6} {'cpu':>6} {'memory':>6}"
    lines = [f"{'work':42} {'rundlet':>9} {'peer':>9} {columns}"]
    for row in rows:
        samples = results[row.title]
        ours, peer = (_whole(row, of) for of in samples.values())
        numbers = [ratio(samples, what) for what in ("wall", "cpu", "memory")]
        mark = "" if numbers[0] <= row.target and numbers[2] <= MEMORY else " *"
        lines.append(
            f"{row.title:42} {ours:7.1f}ms {peer:7.1f}ms {numbers[0]:6.2f} {row.target:6.2f}"
            f" {numbers[1]:6.2f} {numbers[2]:6.2f}{mark}"
        )
    return "\n".join(lines)


def write_page(path: Path, rows: list[Row], results: Results) -> None:
    """The table as Markdown, in the place of the one that a page has."""
    lines = [_PAGE_HEAD]
    for row in rows:
        samples = results[row.title]
        ours, peer = samples.values()
        numbers = [ratio(samples, what) for what in ("wall", "cpu", "memory")]
        mark = "" if numbers[0] <= row.target and numbers[2] <= MEMORY else " missed"
        times = " | ".join(f"{_whole(row, of):.0f} ms" for of in (ours, peer))
        memory = " / ".join(f"{median(of, 'memory') / 1024:.0f}" for of in (ours, peer))
        lines.append(
            f"| {row.title} | {times} | {numbers[0]:.2f} | {row.target:.2f}{mark} |"
            f" {numbers[1]:.2f} | {numbers[2]:.2f} ({memory} MiB) | {len(ours)} |"
        )
    before, _, after = path.read_text().partition(_PAGE_HEAD.splitlines()[0])
    rest = after.partition("\n\n")[2]
    path.write_text(before + "\n".join(lines) + "\n\n" + rest)


_PAGE_HEAD = """\
| work | rundlet | peer | ratio | at most | CPU | memory | runs |
| --- | --- | --- | --- | --- | --- | --- | --- |"""


def write_json(path: Path, results: Results) -> None:
    """Every sample."""
    content = {
        title: {name: [asdict(sample) for sample in samples] for name, samples in row.items()}
        for title, row in results.items()
    }
    path.write_text(json.dumps(content, indent=1) + "\n")


def write_plot(path: Path, rows: list[Row], results: Results) -> None:
    """An SVG: for each row a bar of ours against the peer's (the line at 1) and the target."""
    scale = _WIDTH / 2  # pixels for a ratio of 1
    height = (len(rows) + 1) * (_BAR + 6)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH + 360}" height="{height + 20}"'
        ' font-family="sans-serif" font-size="12">'
    ]
    for number, row in enumerate(rows):
        value = ratio(results[row.title], "wall")
        top = number * (_BAR + 6) + 4
        color = "#2a7f4f" if value <= row.target else "#c0612b"
        parts += [
            f'<text x="300" y="{top + 13}" text-anchor="end">{row.title}</text>',
            f'<rect x="310" y="{top}" width="{min(value, 2) * scale:.0f}" height="{_BAR}"'
            f' fill="{color}"/>',
            f'<line x1="{310 + row.target * scale:.0f}" x2="{310 + row.target * scale:.0f}"'
            f' y1="{top}" y2="{top + _BAR}" stroke="black"/>',
            f'<text x="{316 + min(value, 2) * scale:.0f}" y="{top + 13}">{value:.2f}</text>',
        ]
    parts.append(
        f'<line x1="{310 + scale:.0f}" x2="{310 + scale:.0f}" y1="0" y2="{height}"'
        ' stroke="gray" stroke-dasharray="4"/></svg>'
    )
    path.write_text("\n".join(parts) + "\n")

"""Rows of `rundlet build`, beside podman's, which is buildah's code (see `buildah` too)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from .rows import row
from .tools import Bench, Tool, Work

_STEPS = 10


def containerfile(bench: Bench, tool: Tool, name: str, last: str = "") -> Path:
    """A context whose Containerfile has ten RUN steps; `last` is in the last one."""
    directory = bench.scratch / f"build-{tool.name}-{name}"
    directory.mkdir(exist_ok=True)
    steps = [f"RUN echo {number} > /file{number}" for number in range(_STEPS - 1)]
    lines = [f"FROM {tool.image}", *steps, f"RUN echo last {last} > /last"]
    (directory / "Containerfile").write_text("\n".join(lines) + "\n")
    return directory


def command(directory: Path, *words: str) -> list[str]:
    """The words of a build by steps."""
    return ["build", "--layers", "--network", "none", *words, str(directory)]


def builds(
    bench: Bench,
    tool: Tool,
    name: str,
    words: tuple[str, ...],
    last: Callable[[int], str],
    prune: tuple[str, ...] = ("image", "prune", "-f"),
) -> Iterator[Work]:
    """Build the same again and again; `last` says of each what is in the last step.

    prune: the tool's words for removing what a build has left.
    """
    directory = containerfile(bench, tool, name, last(0))
    tool.run(*command(directory))
    number = 0
    try:
        while True:
            number += 1
            containerfile(bench, tool, name, last(number))
            yield Work([tool.command(*command(directory, *words))])
    finally:
        tool.run(*prune)


@row("build of 10 RUN steps, cold", 0.7, 3)
def cold(bench: Bench, tool: Tool) -> Iterator[Work]:
    yield from builds(bench, tool, "cold", ("--no-cache",), lambda number: "")


@row("build of 10 RUN steps, cached", 0.5, 7)
def cached(bench: Bench, tool: Tool) -> Iterator[Work]:
    yield from builds(bench, tool, "cached", (), lambda number: "")


@row("build of 10 RUN steps, the last one changed", 0.7, 5)
def changed(bench: Bench, tool: Tool) -> Iterator[Work]:
    yield from builds(bench, tool, "changed", (), str)


@row("build that copies 12,000 files", 0.7, 3, warm=False)
def copies(bench: Bench, tool: Tool) -> Iterator[Work]:
    directory = bench.scratch / "build-copies"
    if not directory.exists():
        for number in range(12_000):
            path = directory / "tree" / f"d{number % 400}" / f"f{number}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"%d\n" % number * 200)
        (directory / "Containerfile").write_text(f"FROM {tool.image}\nCOPY tree /tree\n")
    while True:
        yield Work([tool.command(*command(directory, "--no-cache"))])

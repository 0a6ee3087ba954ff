"""What is measured: a generator per row, for each tool its own.

It prepares, yields what is timed as often as it is asked to, and clears up when it is closed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from devtools.registry import Registry, push

from .tools import Bench, Tool, Work

Steps = Callable[[Bench, Tool], Iterator[Work]]


@dataclass
class Row:
    """title: of the row. target: ours to the peer's, at most. repeat: samples of each tool.

    warm: whether one more run of each, before all others, is not counted. parts: in how many the
    work is cut, so that both tools take turns within it; each is a sample, a table has the whole.
    """

    title: str
    target: float
    repeat: int
    steps: Steps
    warm: bool = True
    parts: int = 1


ROWS: list[Row] = []


def row(
    title: str, target: float, repeat: int, *, warm: bool = True, parts: int = 1
) -> Callable[[Steps], Steps]:
    """Register a row."""

    def register(steps: Steps) -> Steps:
        ROWS.append(Row(title, target, repeat, steps, warm, parts))
        return steps

    return register


def again(tool: Tool, *words: str) -> Iterator[Work]:
    """The same command, over and over."""
    while True:
        yield Work([tool.command(*words)])


@row("run --rm --network none", 0.7, 15)
def run_none(bench: Bench, tool: Tool) -> Iterator[Work]:
    yield from again(tool, "run", "--rm", "--network", "none", tool.image, "true")


@row("run --rm --network host", 0.7, 15)
def run_host(bench: Bench, tool: Tool) -> Iterator[Work]:
    yield from again(tool, "run", "--rm", "--network", "host", tool.image, "true")


@row("run --rm (bridge)", 0.6, 11)
def run_bridge(bench: Bench, tool: Tool) -> Iterator[Work]:
    yield from again(tool, "run", "--rm", tool.image, "true")


@row("exec", 0.7, 15)
def execute(bench: Bench, tool: Tool) -> Iterator[Work]:
    name = "bench-exec"
    tool.run("run", "-d", "--name", name, "--network", "none", tool.image, "sleep", "1000")
    try:
        yield from again(tool, "exec", name, "true")
    finally:
        tool.run("rm", "-f", "-t", "0", name)


@row("ps -a with 100 containers", 1.0, 25)
def ps(bench: Bench, tool: Tool) -> Iterator[Work]:
    names = [f"bench-ps-{number}" for number in range(100)]
    for name in names:
        tool.run("create", "--name", name, "--network", "none", tool.image, "true")
    try:
        yield from again(tool, "ps", "-a")
    finally:
        tool.run("rm", "-f", *names)


@row("images with 50 images", 1.0, 25)
def list_images(bench: Bench, tool: Tool) -> Iterator[Work]:
    tool.run("create", "--name", "bench-images", "--network", "none", tool.image, "true")
    names = [f"localhost/bench-{number}:1" for number in range(49)]
    for name in names:
        tool.run("commit", "-q", "--change", f"LABEL number={name}", "bench-images", name)
    try:
        yield from again(tool, "images")
    finally:
        tool.run("rm", "-f", "bench-images")
        tool.run("rmi", "-f", *names)


@row("100 detached containers, one after another", 0.5, 15, warm=False, parts=5)
def detached(bench: Bench, tool: Tool) -> Iterator[Work]:
    yield from _detached(tool, 1, parts=5)


@row("100 detached containers by 8 processes", 0.5, 5, warm=False)
def detached_at_once(bench: Bench, tool: Tool) -> Iterator[Work]:
    yield from _detached(tool, 8)


def _detached(tool: Tool, at_once: int, parts: int = 1) -> Iterator[Work]:
    """Start 100, in so many parts, then remove them, again and again."""
    words = ("run", "-d", "--network", "none", tool.image, "sleep", "1000")
    while True:
        try:
            for _ in range(parts):
                yield Work([tool.command(*words)] * (100 // parts), at_once)
        finally:
            tool.run("rm", "-f", "-t", "0", *tool.run("ps", "-aq").split())


def made(bench: Bench, name: str) -> str:
    """The name in the registry of an image that `devtools.bench.large` makes."""
    target = f"{bench.registry}/{name}:latest"
    if name not in bench.kept:
        directory = bench.scratch / name
        # Not in this process: what a child is said to need begins with what its parent has.
        program = [sys.executable, "-m", "devtools.bench.large"]
        subprocess.run([*program, name, directory], check=True)
        push(directory, name, target)
        bench.kept[name] = target
    return target


def large(bench: Bench) -> str:
    """The name in the registry of an image with one layer of 340 MB and 12,000 files."""
    return made(bench, "large")


@row("pull of 340 MB, 12,000 files", 0.4, 3, warm=False)
def pull(bench: Bench, tool: Tool) -> Iterator[Work]:
    """Each time into a store that is new.

    Removing what was pulled before would be measured too: ext4 passes over inodes that were
    freed in the last seconds, one by one.
    """
    name = large(bench)
    number = 0
    while True:
        number += 1
        root = f"pull-{number}"
        yield Work([tool.command("pull", "--quiet", "--tls-verify=false", name, root=root)])


def _have_large(bench: Bench, tool: Tool) -> str:
    """Have the large image in a tool's own store, and a container of it that changed all."""
    name = large(bench)
    if tool.name not in bench.kept:
        tool.run("pull", "--quiet", "--tls-verify=false", name)
        bench.kept[tool.name] = "pulled"
    return name


@row("save of that image", 0.6, 3)
def save(bench: Bench, tool: Tool) -> Iterator[Work]:
    name = _have_large(bench, tool)
    archive = bench.scratch / f"save-{tool.name}.tar"
    while True:
        archive.unlink(missing_ok=True)
        yield Work([tool.command("save", "-q", "-o", str(archive), name)])


@row("load of that image", 0.6, 3, warm=False)
def load(bench: Bench, tool: Tool) -> Iterator[Work]:
    archive = bench.scratch / "load.tar"
    if not archive.exists():
        tool.run("save", "-q", "-o", str(archive), _have_large(bench, tool))
    number = 0
    while True:
        number += 1
        yield Work([tool.command("load", "-q", "-i", str(archive), root=f"load-{number}")])


def many_files(bench: Bench) -> Path:
    """A tree of 12,000 files, half of whose content can be compressed."""
    source = bench.scratch / "tree"
    if not source.exists():
        for number in range(12_000):
            directory = source / f"d{number % 400}"
            directory.mkdir(parents=True, exist_ok=True)
            (directory / f"f{number}").write_bytes(os.urandom(14_200) + bytes(14_200))
    return source


@row("commit of a container with 12,000 files", 0.6, 3, warm=False)
def commit(bench: Bench, tool: Tool) -> Iterator[Work]:
    name = "bench-commit"
    tool.run("create", "--name", name, "--network", "none", tool.image, "true")
    tool.run("cp", str(many_files(bench)), f"{name}:/tree")
    number = 0
    try:
        while True:
            number += 1
            yield Work([tool.command("commit", "-q", name, f"localhost/committed:{number}")])
    finally:
        tool.run("rm", "-f", name)


@row("push of that image", 0.6, 3, warm=False)
def push_large(bench: Bench, tool: Tool) -> Iterator[Work]:
    """Each time to a registry that is empty, so that all of it is sent."""
    name = _have_large(bench, tool)
    number = 0
    while True:
        number += 1
        with Registry(bench.scratch / f"registry-{tool.name}-{number}") as registry:
            target = f"docker://{registry.host}/pushed:1"
            yield Work([tool.command("push", "-q", "--tls-verify=false", name, target)])

"""Speed beside Debian's podman: both run the same work, interleaved, in one process.

Prints a table of medians with their ratio; `--json FILE` keeps every sample. Absolute times
on a shared machine are noise: the ratio within one run is what counts.

Each row is a function that gives two commands (ours, the peer's) and what to do
before and after each. A new row is a new `@row` function.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from . import images
from .registry import Registry, push


@dataclass
class Sample:
    """One run: wall and CPU seconds, peak memory in KiB (children included in CPU only)."""

    wall: float
    cpu: float
    memory: int


class Tool:
    """One of the two programs with its own stores."""

    def __init__(
        self, name: str, prefix: list[str], image: str, environment: dict[str, str] | None = None
    ) -> None:
        self.name = name
        self.prefix = prefix
        self.image = image
        self.environment = {**os.environ, **(environment or {})}

    def command(self, *words: str) -> list[str]:
        return [*self.prefix, *words]

    def run(self, *words: str) -> str:
        """Run untimed; raises with the tool's own words when it fails."""
        result = subprocess.run(
            self.command(*words), capture_output=True, text=True, check=False, env=self.environment
        )
        if result.returncode != 0:
            raise RuntimeError(f"{' '.join(self.command(*words))}: {result.stderr}")
        return result.stdout.strip()

    def time(self, *words: str) -> Sample:
        with open(os.devnull, "r+b") as null:
            start = time.perf_counter()
            process = subprocess.Popen(
                self.command(*words), stdin=null, stdout=null, stderr=null, env=self.environment
            )
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            self.run(*words)  # again, to show why
        return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)


@dataclass
class Bench:
    """What a row may use."""

    registry: str
    layout: Path


Row = Callable[[Bench, Tool], Iterator[list[str]]]
ROWS: dict[str, tuple[Row, int]] = {}


def row(title: str, repeat: int) -> Callable[[Row], Row]:
    """Register a row: a generator that prepares, yields the timed words, and cleans up."""

    def register(function: Row) -> Row:
        ROWS[title] = (function, repeat)
        return function

    return register


@row("run --rm --network none", 15)
def run_none(bench: Bench, tool: Tool) -> Iterator[list[str]]:
    yield ["run", "--rm", "--network", "none", tool.image, "true"]


@row("run --rm --network host", 15)
def run_host(bench: Bench, tool: Tool) -> Iterator[list[str]]:
    yield ["run", "--rm", "--network", "host", tool.image, "true"]


@row("run --rm (bridge)", 9)
def run_bridge(bench: Bench, tool: Tool) -> Iterator[list[str]]:
    yield ["run", "--rm", tool.image, "true"]


@row("exec", 15)
def execute(bench: Bench, tool: Tool) -> Iterator[list[str]]:
    name = "bench-exec"
    tool.run("run", "-d", "--name", name, "--network", "none", tool.image, "sleep", "1000")
    yield ["exec", name, "true"]
    tool.run("rm", "-f", "-t", "0", name)


@row("ps -a with 20 containers", 25)
def ps(bench: Bench, tool: Tool) -> Iterator[list[str]]:
    names = [f"bench-ps-{number}" for number in range(20)]
    for name in names:
        tool.run("create", "--name", name, "--network", "none", tool.image, "true")
    yield ["ps", "-a"]
    tool.run("rm", "-f", *names)


@row("images", 25)
def list_images(bench: Bench, tool: Tool) -> Iterator[list[str]]:
    yield ["images"]


@row("pull of one layer, 100 MB, 3000 files", 3)
def pull(bench: Bench, tool: Tool) -> Iterator[list[str]]:
    target = f"{bench.registry}/large:latest"
    if not (bench.layout / "large").exists():
        images.Layout(bench.layout / "large").add("large", large_image())
        push(bench.layout / "large", "large", target)
    yield ["pull", "--quiet", "--tls-verify=false", target]
    tool.run("rmi", "-f", target)


def large_image() -> images.ImageRecipe:
    """3000 files of 33 KB that compress about two to one."""
    members = [images.Member(f"d{number}") for number in range(100)]
    for number in range(3000):
        content = os.urandom(17_000) + bytes(17_000)
        members.append(images.Member(f"d{number % 100}/f{number}", content, 0o644))
    return images.ImageRecipe([images.layer(members)])


def measure(bench: Bench, tools: list[Tool], title: str) -> dict[str, list[Sample]]:
    """Run one row: both tools prepared, then timed in turn."""
    function, repeat = ROWS[title]
    samples: dict[str, list[Sample]] = {tool.name: [] for tool in tools}
    if function is pull:  # the work leaves a trace that must go between runs
        for _ in range(repeat):
            for tool in tools:
                steps = function(bench, tool)
                samples[tool.name].append(tool.time(*next(steps)))
                next(steps, None)
        return samples
    generators = [(tool, function(bench, tool)) for tool in tools]
    prepared = [(tool, steps, next(steps)) for tool, steps in generators]
    try:
        for tool, _, words in prepared:
            tool.time(*words)  # warm up
        for _ in range(repeat):
            for tool, _, words in prepared:
                samples[tool.name].append(tool.time(*words))
    finally:
        for _, steps, _ in prepared:
            next(steps, None)
    return samples


@contextmanager
def setting(scratch: Path) -> Iterator[tuple[Bench, list[Tool]]]:
    """A registry with the images, and both tools with stores of their own that hold busybox."""
    layout = scratch / "layout"
    images.Layout(layout).add("busybox", images.busybox())
    rundlet = str(Path(sys.executable).with_name("rundlet"))
    with Registry(scratch / "registry") as registry:
        image = f"{registry.host}/busybox:latest"
        push(layout, "busybox", image)
        ours = Tool("rundlet", [rundlet, *_places(scratch / "ours")], image)
        peer = Tool(
            "podman",
            [
                "podman",
                *_places(scratch / "peer"),
                "--cgroup-manager=cgroupfs",
                "--events-backend=file",
                "--runtime=runc",
            ],
            image,
            {"CONTAINERS_CONF": str(podman_configuration(scratch))},
        )
        for tool in (ours, peer):
            tool.run("pull", "--quiet", "--tls-verify=false", image)
        try:
            yield Bench(registry.host, scratch), [ours, peer]
        finally:
            for tool in (ours, peer):
                subprocess.run(tool.command("rm", "-a", "-f", "-t", "0"), capture_output=True)
            # podman keeps its overlay directory mounted on itself
            subprocess.run(
                ["umount", "-l", str(scratch / "peer/root/overlay")], capture_output=True
            )


def podman_configuration(scratch: Path) -> Path:
    """A containers.conf with limits that podman may set here.

    It fails where it cannot raise a hard limit, and lowers its own nproc to 32768 first.
    """
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limits = [f"nofile={files}:{files}", "nproc=30000:30000"]
    path = scratch / "containers.conf"
    path.write_text(f"[containers]\ndefault_ulimits = {json.dumps(limits)}\n")
    return path


def _places(directory: Path) -> list[str]:
    return [f"--root={directory}/root", f"--runroot={directory}/run"]


def table(results: dict[str, dict[str, list[Sample]]]) -> str:
    lines = [f"{'work':40} {'rundlet':>9} {'podman':>9} {'ratio':>6} {'cpu r/p':>8} {'mem r/p':>8}"]
    for title, samples in results.items():
        ours, peer = samples["rundlet"], samples["podman"]

        def median(of: list[Sample], what: str) -> float:
            return float(statistics.median(getattr(sample, what) for sample in of))

        ratios = [
            median(ours, what) / max(median(peer, what), 1e-9) for what in ("wall", "cpu", "memory")
        ]
        lines.append(
            f"{title:40} {median(ours, 'wall') * 1000:7.1f}ms {median(peer, 'wall') * 1000:7.1f}ms"
            f" {ratios[0]:6.2f} {ratios[1]:8.2f} {ratios[2]:8.2f}"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--json", type=Path, help="write every sample to this file")
    parser.add_argument("rows", nargs="*", help="only rows whose title contains one of these")
    options = parser.parse_args()
    titles = [t for t in ROWS if not options.rows or any(word in t for word in options.rows)]
    scratch = Path(tempfile.mkdtemp(prefix="rundlet-bench-", dir="/var/tmp"))
    results = {}
    try:
        with setting(scratch) as (bench, tools):
            for title in titles:
                print(f"measuring: {title}", file=sys.stderr, flush=True)
                results[title] = measure(bench, tools, title)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(table(results))
    if options.json:
        content = {
            title: {name: [asdict(s) for s in samples] for name, samples in row.items()}
            for title, row in results.items()
        }
        options.json.write_text(json.dumps(content, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())

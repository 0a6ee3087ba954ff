"""`python -m devtools.bench [ROW...]`: measure, print a table, write JSON and a plot."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from devtools import images
from devtools.registry import Registry, push

from . import buildah, disk, report
from . import builds as builds  # its rows
from . import moving as moving  # its rows
from .rows import ROWS, Row
from .tools import Bench, Sample, Tool, holding, podman_configuration

_SETTLING = 6.0
"""Seconds."""


def measure(bench: Bench, tools: list[Tool], row: Row) -> dict[str, list[Sample]]:
    """Run one row: all tools prepared, then timed in turn."""
    samples: dict[str, list[Sample]] = {tool.name: [] for tool in tools}
    with ExitStack() as stack:
        steps = []
        for tool in tools:
            made = row.steps(bench, tool)
            stack.callback(made.close)  # type: ignore[attr-defined]  # generators
            steps.append((tool, made))
        for number in range(row.repeat + row.warm):
            for tool, made in steps:
                work = next(made)
                os.sync()  # nobody waits for the disk because of what another has written
                sample = tool.time(work)
                if number >= row.warm:
                    samples[tool.name].append(sample)
    return samples


@contextmanager
def setting(scratch: Path) -> Iterator[tuple[Bench, list[Tool]]]:
    """A registry with the images, and both tools with stores of their own that hold busybox."""
    images.Layout(scratch / "layout").add("busybox", images.busybox())
    rundlet = str(Path(sys.executable).with_name("rundlet"))
    with Registry(scratch / "registry") as registry:
        image = f"{registry.host}/busybox:latest"
        push(scratch / "layout", "busybox", image)
        options = ("--cgroup-manager=cgroupfs", "--events-backend=file", "--runtime=runc")
        configuration = str(podman_configuration(scratch))
        tools = [
            Tool("rundlet", rundlet, scratch / "ours"),
            Tool("podman", "podman", scratch / "peer", *options, CONTAINERS_CONF=configuration),
        ]
        with holding(tools, image, scratch, "rm", "-a", "-f", "-t", "0"):
            yield Bench(registry.host, scratch), tools


def _tools() -> tuple[list[Row], Any]:
    return ROWS, setting


def _builders() -> tuple[list[Row], Any]:
    return buildah.ROWS, buildah.setting


def _servers() -> tuple[list[Row], Any]:
    """Imported last: a child's peak memory begins with that of its parent, which gRPC fattens."""
    from . import cri, servers

    return cri.ROWS, servers.setting


def _settle() -> None:
    """Commands keep nothing of packages that were installed a moment ago (plugins/index.py)."""
    installed = os.stat(sysconfig.get_path("purelib")).st_mtime
    time.sleep(max(0.0, min(_SETTLING, installed + _SETTLING - time.time())))


def _wanted(row: Row, words: list[str]) -> bool:
    return not words or any(word in row.title for word in words)


def _measured(bench: Bench, tools: list[Any], row: Row) -> dict[str, list[Sample]]:
    print(f"measuring: {row.title}", file=sys.stderr, flush=True)
    return measure(bench, tools, row)


def run(chosen: Callable[[Row], bool], scratch: Path) -> tuple[list[Row], report.Results]:
    """Measure the rows that are chosen, in a directory that is empty."""
    rows: list[Row] = []
    results: report.Results = {}
    for part in (_tools, _builders, _servers):
        known, enter = part()
        wanted = [row for row in known if chosen(row)]
        if wanted:
            rows += wanted
            with enter(scratch) as (bench, tools):
                results |= {row.title: _measured(bench, tools, row) for row in wanted}
    return rows, results


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--json", type=Path, help="write every sample to this file")
    parser.add_argument("--plot", type=Path, help="write an SVG to this file")
    parser.add_argument("--page", type=Path, help="put the table into this Markdown page")
    parser.add_argument(
        "--disk", type=Path, help="measure below this directory, not on a fresh file system"
    )
    parser.add_argument("rows", nargs="*", help="only rows whose title contains one of these")
    options = parser.parse_args()
    if options.disk and not options.disk.is_dir():
        parser.error(f"--disk {options.disk}: there is no such directory")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # and clear up
    with disk.scratch(options.disk or Path("/var/tmp"), fresh=options.disk is None) as scratch:
        os.environ["TMPDIR"] = str(scratch)  # podman's blobs on their way; else in /var/tmp
        _settle()
        rows, results = run(lambda row: _wanted(row, options.rows), scratch)
    print(report.table(rows, results))
    if options.json:
        report.write_json(options.json, results)
    if options.plot:
        report.write_plot(options.plot, rows, results)
    if options.page:
        report.write_page(options.page, rows, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Rows of `rundlet-build`, beside Debian's buildah."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from devtools import images
from devtools.registry import Registry, push

from .builds import builds
from .rows import Row, Steps, many_files
from .tools import Bench, Tool, Work, holding, podman_configuration


@contextmanager
def setting(scratch: Path) -> Iterator[tuple[Bench, list[Tool]]]:
    """Both tools with stores of their own that hold busybox."""
    images.Layout(scratch / "buildah-layout").add("busybox", images.busybox())
    configuration = str(podman_configuration(scratch))
    program = str(Path(sys.executable).with_name("rundlet-build"))
    peer = {"CONTAINERS_CONF": configuration, "BUILDAH_RUNTIME": "runc"}
    with Registry(scratch / "buildah-registry") as registry:
        image = f"{registry.host}/busybox:latest"
        push(scratch / "buildah-layout", "busybox", image)
        tools = [
            Tool("rundlet-build", program, scratch / "rundlet-build"),
            Tool("buildah", "buildah", scratch / "buildah", "--storage-driver=overlay", **peer),
        ]
        with holding(tools, image, scratch, "rm", "--all"):
            yield Bench(registry.host, scratch), tools


def _builds(name: str, words: tuple[str, ...], last: Callable[[int], str]) -> Steps:
    return lambda bench, tool: builds(bench, tool, name, words, last, ("rmi", "--prune"))


def _commit(bench: Bench, tool: Tool) -> Iterator[Work]:
    """Each time another layer: one that is there already would only be read."""
    name = "bench-commit"
    tool.run("from", "--name", name, tool.image)
    tool.run("copy", "-q", name, str(many_files(bench)), "/tree")
    number = 0
    try:
        while True:
            number += 1
            file = bench.scratch / f"number-{tool.name}"
            file.write_text(str(number))
            tool.run("copy", "-q", name, str(file), "/number")
            yield Work([tool.command("commit", "-q", name, f"localhost/committed:{number}")])
    finally:
        tool.run("rm", name)


def _session(bench: Bench, tool: Tool) -> Iterator[Work]:
    """from, run, config, commit, rm: what a script does for a small image."""
    number = 0
    while True:
        number += 1
        name = f"bench-{number}"
        yield Work(
            [
                tool.command("from", "-q", "--name", name, tool.image),
                tool.command("run", "--network", "none", name, "touch", "/made"),
                tool.command("config", "--label", f"number={number}", name),
                tool.command("commit", "-q", name, "localhost/session"),
                tool.command("rm", name),
            ]
        )


ROWS = [
    Row("buildah: build of 10 RUN steps, cold", 0.7, 3, _builds("b-cold", ("--no-cache",), str)),
    Row("buildah: build of 10 RUN steps, cached", 0.5, 9, _builds("b-hot", (), lambda _: "")),
    Row("buildah: the last of 10 steps changed", 0.7, 5, _builds("b-last", (), str)),
    Row("buildah: commit of 12,000 files", 0.7, 3, _commit),
    Row("buildah: from, run, config, commit, rm", 1.0, 5, _session),
]

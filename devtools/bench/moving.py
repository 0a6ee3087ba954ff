"""Rows of `rundlet-skopeo copy`, beside Debian's skopeo."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from devtools.registry import Registry

from .rows import large, made, row
from .tools import Bench, Tool, Work


def _several(bench: Bench) -> str:
    """The name in the registry of an image of six layers of 32 MB."""
    return made(bench, "several")


def _copy(tool: Tool, source: str, target: str) -> list[str]:
    """The whole command of a copy: ours, or the peer's, of the same flags."""
    ours = tool.name == "rundlet"
    program = str(Path(sys.executable).with_name("rundlet-skopeo")) if ours else "skopeo"
    words = ["--insecure-policy", "copy", "--quiet", "--src-tls-verify=false"]
    return [program, *words, "--dest-tls-verify=false", f"docker://{source}", target]


def _to_files(bench: Bench, tool: Tool, name: str, transport: str) -> Iterator[Work]:
    directory = bench.scratch / f"copy-{tool.name}"
    try:
        while True:
            shutil.rmtree(directory, ignore_errors=True)
            target = f"{transport}:{directory}" + (":one" if transport == "oci" else "")
            yield Work([_copy(tool, name, target)])
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _to_registry(bench: Bench, tool: Tool, name: str) -> Iterator[Work]:
    """Each time to a registry that is empty, so that all of it is sent."""
    directory = bench.scratch / f"copy-registry-{tool.name}"
    while True:
        with Registry(directory) as registry:
            yield Work([_copy(tool, name, f"docker://{registry.host}/copied:1")])
        subprocess.run(["rm", "-rf", str(directory)], check=True)


@row("skopeo copy, registry to dir, one layer", 1.0, 5)
def one_to_dir(bench: Bench, tool: Tool) -> Iterator[Work]:
    yield from _to_files(bench, tool, large(bench), "dir")


@row("skopeo copy, registry to oci, one layer", 1.0, 5)
def one_to_oci(bench: Bench, tool: Tool) -> Iterator[Work]:
    yield from _to_files(bench, tool, large(bench), "oci")


@row("skopeo copy, registry to registry, one layer", 1.0, 5)
def one_to_registry(bench: Bench, tool: Tool) -> Iterator[Work]:
    yield from _to_registry(bench, tool, large(bench))


@row("skopeo copy, registry to dir, six layers", 0.8, 7)
def several_to_dir(bench: Bench, tool: Tool) -> Iterator[Work]:
    yield from _to_files(bench, tool, _several(bench), "dir")


@row("skopeo copy, registry to oci, six layers", 0.8, 7)
def several_to_oci(bench: Bench, tool: Tool) -> Iterator[Work]:
    yield from _to_files(bench, tool, _several(bench), "oci")


@row("skopeo copy, registry to registry, six layers", 0.8, 7)
def several_to_registry(bench: Bench, tool: Tool) -> Iterator[Work]:
    yield from _to_registry(bench, tool, _several(bench))

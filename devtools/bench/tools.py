"""Programs to be measured, each with a store of its own, and what one run of them took."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Sample:
    """One run: wall and CPU seconds, and the largest memory of one process in KiB."""

    wall: float
    cpu: float
    memory: int


@dataclass
class Work:
    """What is timed as one: commands, each a list of words, so many of them at a time."""

    commands: list[list[str]]
    at_once: int = 1


class Tool:
    """A program over its own store. `words` go in front of every command's own."""

    def __init__(
        self, name: str, program: str, directory: Path, *options: str, **environment: str
    ) -> None:
        self.name = name
        self.directory = directory
        self.image = ""
        self._program = program
        self._options = options
        self.environment = {**os.environ, **environment}

    def command(self, *words: str, root: str = "root") -> list[str]:
        """The whole command. root: another store than usual, below the tool's directory."""
        places = [f"--root={self.directory}/{root}", f"--runroot={self.directory}/run"]
        if root != "root" and self.name == "podman":  # it keeps a database in the run root
            places[1] = f"--runroot={self.directory}/run-{root}"
            places.append(f"--tmpdir={self.directory}/tmp-{root}")
        return [self._program, *places, *self._options, *words]

    def run(self, *words: str, root: str = "root") -> str:
        """Run untimed; raises with the tool's own words when it fails."""
        command = self.command(*words, root=root)
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=self.environment
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
        return done.stdout.strip()

    def time(self, work: Work) -> Sample:
        """Run it all and measure. Raises RuntimeError when a command fails."""
        waiting = list(reversed(work.commands))
        running: dict[int, subprocess.Popen[bytes]] = {}
        cpu, memory = 0.0, 0
        start = time.perf_counter()
        with open(os.devnull, "r+b") as null:
            while waiting or running:
                while waiting and len(running) < work.at_once:
                    process = subprocess.Popen(
                        waiting.pop(), stdin=null, stdout=null, stderr=null, env=self.environment
                    )
                    running[process.pid] = process
                pid, status, usage = os.wait4(-1, 0)
                ended = running.pop(pid, None)
                if ended is None:
                    continue
                ended.returncode = os.waitstatus_to_exitcode(status)
                if ended.returncode != 0:
                    raise RuntimeError(f"exit code {ended.returncode}: {ended.args!r}")
                cpu += usage.ru_utime + usage.ru_stime
                memory = max(memory, usage.ru_maxrss)
        return Sample(time.perf_counter() - start, cpu, memory)


@dataclass
class Bench:
    """What rows may use: the registry, a scratch directory, and what they keep for each other."""

    registry: str
    scratch: Path
    kept: dict[str, str] = field(default_factory=dict)


def podman_configuration(scratch: Path) -> Path:
    """A containers.conf with limits that podman may set here.

    It fails where it cannot raise a hard limit, and lowers its own nproc to 32768 first.
    """
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limits = [f"nofile={files}:{files}", "nproc=30000:30000"]
    path = scratch / "containers.conf"
    path.write_text(f"[containers]\ndefault_ulimits = {json.dumps(limits)}\n")
    return path


def unmount_below(scratch: Path) -> None:
    """podman and buildah keep their overlay directories mounted on themselves."""
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    for line in reversed(mounts):
        if line.split()[1].startswith(f"{scratch}/"):
            subprocess.run(["umount", "-l", line.split()[1]], capture_output=True)


@contextmanager
def holding(tools: Iterable[Tool], image: str, scratch: Path, *remove: str) -> Iterator[None]:
    """Tools with an image in their stores, of which nothing is mounted after the block.

    remove: their words for removing all containers.
    """
    for tool in tools:
        tool.image = image
        tool.run("pull", "--quiet", "--tls-verify=false", image)
    try:
        yield
    finally:
        for tool in tools:
            subprocess.run(tool.command(*remove), capture_output=True)
        unmount_below(scratch)

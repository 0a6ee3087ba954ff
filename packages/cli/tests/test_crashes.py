"""kill -9 of commands at random moments, two hundred times: nothing committed is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from devtools.tool import Rundlet

KILLS = 200
LONGEST = 0.25  # seconds that a command lives: about as long as the slowest of them takes
SEED = int(os.environ.get("RUNDLET_TEST_SEED", "20261123"))


class Crashes:
    """Commands that are killed, and what those that ended have promised."""

    def __init__(self, rundlet: Rundlet, archive: Path) -> None:
        self.rundlet = rundlet
        self.archive = str(archive)
        self.random = random.Random(SEED)
        self.number = 0
        self.containers: set[str] = set()  # their `run` returned
        self.maybe_removed: set[str] = set()
        self.images: set[str] = set()  # their `commit` returned

    def command(self) -> tuple[str, list[str]]:
        """What to do next: its kind and words."""
        self.number += 1
        name = f"c{self.number}"
        kinds = ["run", "run", "load", "commit", "rm", "rmi"]
        kind = self.random.choice(kinds)
        victim = self.random.choice(sorted(self.containers)) if self.containers else "none"
        words = {
            "run": ["run", "-d", "--network", "none", "--name", name, "base", "sleep", "300"],
            "load": ["load", "-q", "-i", self.archive],
            "commit": ["commit", "-q", victim, f"localhost/i{self.number}:1"],
            "rm": ["rm", "-f", "-t", "0", victim],
            "rmi": ["rmi", "-f", "busybox"],
        }
        return kind, words[kind]

    def strike(self) -> None:
        """Run one command, kill it some time later, and note what it has said."""
        kind, words = self.command()
        if kind == "rm":
            self.maybe_removed.add(words[-1])
        process = subprocess.Popen(
            ["rundlet", *words],
            env=self.rundlet.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(self.random.uniform(0, LONGEST))
        process.send_signal(signal.SIGKILL)
        if process.wait() == 0:
            self.note(kind, words)

    def note(self, kind: str, words: list[str]) -> None:
        if kind == "run":
            self.containers.add(words[words.index("--name") + 1])
        elif kind == "commit":
            self.images.add(words[-1])
        elif kind == "rm":
            self.containers.discard(words[-1])


@pytest.mark.timeout(300)
def test_two_hundred_kills(rundlet: Rundlet, busybox_archive: Path) -> None:
    rundlet("load", "-q", "-i", str(busybox_archive))
    rundlet("tag", "busybox", "base")
    crashes = Crashes(rundlet, busybox_archive)
    for _ in range(KILLS):
        crashes.strike()
    there = set(rundlet("ps", "-a", "--format", "{{.Names}}").stdout.split())
    assert crashes.containers - crashes.maybe_removed <= there, f"seed {SEED}"
    running = set(rundlet("ps", "--format", "{{.Names}}").stdout.split())
    assert crashes.containers - crashes.maybe_removed <= running, f"seed {SEED}"
    images = set(rundlet("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split())
    assert crashes.images <= images, f"seed {SEED}"
    # What was half done is repaired, and then the store is whole and does everything.
    rundlet("system", "check", "--repair")
    assert rundlet("system", "check").stdout == "", f"seed {SEED}"
    rundlet("run", "--rm", "--network", "none", "base", "true")
    rundlet("rm", "-a", "-f", "-t", "0")
    rundlet("rmi", "-a", "-f")
    assert rundlet("system", "df", "--format", "{{.RawSize}}").stdout.split() == ["0", "0", "0"]
    assert rundlet("system", "check").stdout == "", f"seed {SEED}"

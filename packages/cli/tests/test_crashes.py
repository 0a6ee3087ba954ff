"""kill -9 of commands at random moments, two hundred times: nothing committed is lost.

pull (from a registry), load, run, commit, rm and rmi; the moments are spread over the time that
each takes here and now, so that a slow machine is not only killed while it starts.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devtools import images
from devtools.registry import Registry, push

if TYPE_CHECKING:
    from devtools.tool import Rundlet

KILLS = 200
SEED = int(os.environ.get("RUNDLET_TEST_SEED", "20261123"))
PULLED = "pulled"


def several_layers(registry: Registry, directory: Path) -> str:
    """The name of an image of five layers in the registry, so that a pull has many steps."""
    layers = [
        images.layer([images.Member(f"d{n}"), images.Member(f"d{n}/f", os.urandom(300_000))])
        for n in range(5)
    ]
    images.Layout(directory).add(PULLED, images.ImageRecipe(layers))
    name = f"{registry.host}/{PULLED}:1"
    push(directory, PULLED, name)
    return name


class Crashes:
    """Commands that are killed, and what those that ended have promised."""

    def __init__(self, rundlet: Rundlet, archive: Path, pulled: str) -> None:
        self.rundlet = rundlet
        self.archive = str(archive)
        self.pulled = pulled
        self.random = random.Random(SEED)
        self.number = 0
        self.containers: set[str] = set()  # their `run` returned
        self.maybe_removed: set[str] = set()
        self.images: set[str] = set()  # their `commit` returned
        self.took: dict[str, float] = {}  # seconds, by kind of command

    def words(self, kind: str, victim: str) -> list[str]:
        self.number += 1
        name = f"c{self.number}"
        words = {
            "run": ["run", "-d", "--network", "none", "--name", name, "base", "sleep", "1000"],
            "load": ["load", "-q", "-i", self.archive],
            "pull": ["pull", "-q", "--tls-verify=false", self.pulled],
            "commit": ["commit", "-q", victim, f"localhost/i{self.number}:1"],
            "rm": ["rm", "-f", "-t", "0", victim],
            "rmi": ["rmi", "-f", self.random.choice(("busybox", self.pulled))],
        }
        return words[kind]

    def measure(self) -> None:
        """One of each, to its end."""
        for kind in ("run", "load", "pull", "commit", "rm", "rmi"):
            words = self.words(kind, "c1")
            start = time.monotonic()
            self.rundlet(*words, check=False)
            self.took[kind] = time.monotonic() - start

    def strike(self) -> None:
        """Run one command, kill it some time later, and note what it has said."""
        kind = self.random.choice(("run", "run", "load", "pull", "pull", "commit", "rm", "rmi"))
        victim = self.random.choice(sorted(self.containers)) if self.containers else "none"
        words = self.words(kind, victim)
        if kind == "rm":
            self.maybe_removed.add(victim)
        process = subprocess.Popen(
            ["rundlet", *words],
            env=self.rundlet.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(self.random.uniform(0, self.took[kind] * 1.2))
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


@pytest.mark.timeout(900)
def test_two_hundred_kills(
    rundlet: Rundlet, busybox_archive: Path, registry: Registry, tmp_path: Path
) -> None:
    pulled = several_layers(registry, tmp_path / "layout")
    rundlet("load", "-q", "-i", str(busybox_archive))
    rundlet("tag", "busybox", "base")
    crashes = Crashes(rundlet, busybox_archive, pulled)
    crashes.measure()
    for _ in range(KILLS):
        crashes.strike()
    there = set(rundlet("ps", "-a", "--format", "{{.Names}}").stdout.split())
    assert crashes.containers - crashes.maybe_removed <= there, f"seed {SEED}"
    running = set(rundlet("ps", "--format", "{{.Names}}").stdout.split())
    assert crashes.containers - crashes.maybe_removed <= running, f"seed {SEED}"
    tagged = set(rundlet("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split())
    assert crashes.images <= tagged, f"seed {SEED}"
    # What was half done is repaired, and then the store is whole and does everything.
    rundlet("system", "check", "--repair")
    assert rundlet("system", "check").stdout == "", f"seed {SEED}"
    rundlet("run", "--rm", "--network", "none", "base", "true")
    rundlet("pull", "-q", "--tls-verify=false", pulled)
    rundlet("rm", "-a", "-f", "-t", "0")
    rundlet("rmi", "-a", "-f")
    assert rundlet("system", "df", "--format", "{{.RawSize}}").stdout.split() == ["0", "0", "0"]
    assert rundlet("system", "check").stdout == "", f"seed {SEED}"

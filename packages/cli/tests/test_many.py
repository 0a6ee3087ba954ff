"""Fifty containers at once, by eight processes, on the default bridge; then nothing is left."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rundlet.core.testing.network import isolated_host, links, rules

if TYPE_CHECKING:
    from devtools.tool import Rundlet

COUNT = 50
AT_ONCE = 8


@pytest.fixture
def host() -> Iterator[None]:
    """A network namespace in the host's place: bridge and rules are of this test alone."""
    with isolated_host():
        yield


def left(rundlet: Rundlet) -> dict[str, list[str]]:
    """All that containers make outside of the store's rows and layers."""
    run = rundlet.directory / "run"
    leases = run.parent / "leases"
    cgroups = Path("/sys/fs/cgroup").glob("**/rundlet/*")
    return {
        "mounts": rundlet.mounts(),
        "namespaces": sorted(os.listdir(run / "netns")) if (run / "netns").exists() else [],
        "links": [link["ifname"] for link in links(None) if link["ifname"] != "lo"],
        "rules": [rule for rule in rules() if "-A " in rule or "CNI" in rule],
        "leases": sorted(name for name in os.listdir(leases) if name[0].isdigit())
        if leases.exists()
        else [],
        "locks": sorted(os.listdir(run / "locks")),
        "containers": sorted(os.listdir(run / "containers")),
        "exits": sorted(os.listdir(run / "exits")),
        "cgroups": [str(path) for path in cgroups if str(rundlet.directory) in str(path)],
    }


@pytest.mark.timeout(300)
def test_fifty_containers_at_once(
    host: None, rundlet: Rundlet, busybox_archive: Path, tmp_path: Path
) -> None:
    settings = tmp_path / "rundlet.toml"
    settings.write_text(f'[plugins.cni]\ndata_dir = "{tmp_path}/leases"\n')
    rundlet.environment["RUNDLET_CONF"] = str(settings)
    rundlet("load", "-q", "-i", str(busybox_archive))

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return rundlet(*words, check=False)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        words = [
            ("run", "-d", "-p", f"{20000 + n}:80", "--name", f"c{n}", "busybox", "sleep", "300")
            for n in range(COUNT)
        ]
        started = list(pool.map(lambda one: run(*one), words))
        assert [done.stderr for done in started if done.returncode] == []
        listed = json.loads(run("ps", "--format", "json").stdout)
        assert len(listed) == COUNT
        form = "{{.NetworkSettings.IPAddress}}"
        names = [f"c{number}" for number in range(COUNT)]
        addresses = run("inspect", "-f", form, *names).stdout.split()
        assert len(set(addresses)) == COUNT
        removed = list(pool.map(lambda name: run("rm", "-f", "-t", "0", name), names))
        assert [done.stderr for done in removed if done.returncode] == []
    assert {what: found for what, found in left(rundlet).items() if found} == {}
    assert rundlet("system", "check").stdout == ""

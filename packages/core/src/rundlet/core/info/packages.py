"""Which package a program was installed by, as the distribution's own tool says."""

from __future__ import annotations

import os

from ..linux.processes import run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def packages(paths: Sequence[str]) -> dict[str, str]:
    """Path to "name_version_architecture" (dpkg) or rpm's full name; unknown ones are left out."""
    if os.access("/usr/bin/dpkg-query", os.X_OK):
        return _debian(paths)
    if os.access("/usr/bin/rpm", os.X_OK):
        return _rpm(paths)
    return {}


def _debian(paths: Sequence[str]) -> dict[str, str]:
    owners = {}
    for line in _lines("/usr/bin/dpkg-query", "--search", *paths):
        owner, _, path = line.partition(": ")
        owners[path] = owner.partition(",")[0]
    if not owners:
        return {}
    form = "${binary:Package} ${Package}_${Version}_${Architecture}\n"
    names = {}
    for line in _lines("/usr/bin/dpkg-query", f"--showformat={form}", "--show", *owners.values()):
        package, _, full = line.partition(" ")
        names[package] = full
    return {path: names[owner] for path, owner in owners.items() if owner in names}


def _rpm(paths: Sequence[str]) -> dict[str, str]:
    found = {}
    for path in paths:
        lines = _lines("/usr/bin/rpm", "--query", "--file", path)
        if len(lines) == 1:
            found[path] = lines[0]
    return found


def _lines(*command: str) -> list[str]:
    try:
        done = run(command)
    except OSError:
        return []
    return done.stdout.decode(errors="replace").splitlines() if done.stdout else []

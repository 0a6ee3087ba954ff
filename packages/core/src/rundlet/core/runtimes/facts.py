"""What is known of a runtime's binary, kept beside its root so that a probe starts no program."""

from __future__ import annotations

import os

from .. import json
from ..errors import DriverUnavailable
from ..linux.processes import partial_name, run
from ..value import Value

# Where containers.conf's engine.runtimes look, in its order.
DIRECTORIES = (
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/sbin",
    "/bin",
    "/usr/lib/cri-o-runc/sbin",
    "/run/current-system/sw/bin",
)


class Facts(Value):
    """The first line of `--version` and all of it."""

    version: str
    details: str = ""


def find(names: tuple[str, ...], wanted: str = "") -> str:
    """The absolute path of `wanted`, or of the first of `names` that is there; "" for none."""
    if wanted:
        if wanted.startswith("/"):
            return wanted if os.access(wanted, os.X_OK) else ""
        names = (wanted,)
    path = (os.environ.get("PATH") or "").split(":")
    for name in names:
        for directory in (*path, *DIRECTORIES):
            candidate = f"{directory}/{name}"
            if directory.startswith("/") and os.access(candidate, os.X_OK):
                return candidate
    return ""


def facts(path: str, cache: str, flag: str = "--version") -> Facts:
    """The version of a binary, from `cache` while the binary is the same file.

    flag: what makes it tell.
    Raises DriverUnavailable when it cannot be started.
    """
    found = os.stat(path)
    key = [path, found.st_mtime_ns, found.st_size, found.st_ino]
    try:
        with open(cache, encoding="utf-8") as file:
            kept = json.load(file)
        if kept["key"] == key:
            return Facts(kept["version"], kept["details"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    known = _ask(path, flag)
    _keep(cache, {"key": key, "version": known.version, "details": known.details})
    return known


def _ask(path: str, flag: str) -> Facts:
    try:
        done = run([path, flag])
    except OSError as error:
        raise DriverUnavailable(f"{path}: {error.strerror}") from None
    text = done.stdout.decode(errors="replace").strip()
    if done.code != 0 or not text:
        reason = done.stderr.decode(errors="replace").strip() or f"exit code {done.code}"
        raise DriverUnavailable(f"{path} {flag} failed: {reason}")
    return Facts(text.splitlines()[0], text)


def _keep(cache: str, content: dict[str, object]) -> None:
    """Best effort: without a cache everything works, slower."""
    temporary = partial_name(cache)
    try:
        os.makedirs(os.path.dirname(cache), mode=0o700, exist_ok=True)
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(content, file)
        os.rename(temporary, cache)
    except OSError:
        pass

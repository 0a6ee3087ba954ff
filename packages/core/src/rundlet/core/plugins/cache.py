"""Small marshal files that save time: the entry-point index, the settings, probe results.

A cache is only ever a saving: what is missing, stale, damaged or not ours to trust is made
anew, and what cannot be written is done without. marshal is the one format that costs no
import; it must never read another user's bytes, hence the checks of owner and mode.
"""

from __future__ import annotations

import marshal
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_OTHERS_WRITE = 0o022


def directory(environment: Mapping[str, str] | None = None) -> str:
    """Where caches are that are needed before the settings are read (so no --runroot here).

    RUNDLET_CACHE, or /run/rundlet/cache for root, or rundlet/ in the user's cache directory.
    """
    environment = os.environ if environment is None else environment
    if environment.get("RUNDLET_CACHE"):
        return environment["RUNDLET_CACHE"]
    if os.geteuid() == 0:
        return "/run/rundlet/cache"
    home = environment.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return f"{home}/rundlet"


def read(path: str, key: Any) -> Any:
    """What `write` kept under an equal key, or None."""
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.geteuid() or status.st_mode & _OTHERS_WRITE:
                return None
            saved, content = marshal.loads(file.read())
    except (OSError, ValueError, EOFError, TypeError):
        return None
    return content if saved == key else None


def write(path: str, key: Any, content: Any) -> None:
    """Keep plain values (marshal's) under a key, whole or not at all. Fails silently."""
    from ..linux.processes import partial_name

    temporary = partial_name(path)
    try:
        data = marshal.dumps((key, content))
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except (OSError, ValueError):
        return
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except OSError:
        try:
            os.unlink(temporary)
        except OSError:
            pass

"""Global options of podman that would change what a command means, and cannot be honoured.

Ignoring them would act on the wrong store or the wrong machine: they are refused by name.
"""

from __future__ import annotations

import os

from ..errors import NotSupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..commands.context import Parsed
    from .snapshot import Settings

_REMOTE = "remote connections are not supported: this engine has no daemon"
_REASONS = {
    "connection": _REMOTE,
    "remote": _REMOTE,
    "url": _REMOTE,
    "imagestore": "a second image store is not supported",
    "namespace": "libpod namespaces are not supported: use another --root",
    "transient-store": "a transient store is not supported: use a --root below /run",
}
NAMES = frozenset((*_REASONS, "volumepath", "hooks-dir", "events-backend"))
"""The options to be checked when they were given."""


def check(options: Parsed, settings: Settings) -> None:
    """Raise NotSupported for the first option given that cannot be honoured."""
    for name in sorted(options.given & NAMES):
        value = options.values[name]
        reason = _REASONS.get(name, "") if value else ""
        if name == "volumepath":
            reason = _volumes(str(value), settings)
        elif name == "hooks-dir" and isinstance(value, tuple):
            reason = _hooks(value)
        elif name == "events-backend" and value == "journald":
            reason = "events are kept in the state database; use sqlite or none"
        if reason:
            raise NotSupported(f"--{name}: {reason}")


def _volumes(path: str, settings: Settings) -> str:
    place = f"{settings.graph_root}/volumes"
    if os.path.realpath(path) == os.path.realpath(place):
        return ""
    return f"volumes are kept in {place}"


def _hooks(directories: tuple[str, ...]) -> str:
    """An empty directory asks for nothing."""
    for directory in directories:
        try:
            names = os.listdir(directory)
        except OSError:
            continue
        if any(name.endswith(".json") for name in names):
            return f"the OCI hooks in {directory} cannot be run: OCI hook files are not supported"
    return ""

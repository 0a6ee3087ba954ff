"""Global options of podman that would change what a command means, and cannot be honoured.

Ignoring them would act on the wrong store or the wrong machine: they are refused by name.
"""

from __future__ import annotations

import os

from ..errors import NotSupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..commands.context import Parsed

_REMOTE = "remote connections are not supported: this engine has no daemon"
REASONS = {
    **dict.fromkeys(("connection", "remote", "tls-ca", "tls-cert", "tls-key", "url"), _REMOTE),
    "namespace": "libpod namespaces are not supported: use another --root",
}
REMOTE_VARIABLES = ("CONTAINER_HOST", "CONTAINER_CONNECTION")
"""They turn --remote on (podman(1)): who has set one means another machine."""
NAMES = frozenset((*REASONS, "events-backend"))
"""The options to be checked when they were given."""


def check(options: Parsed) -> None:
    """Raise NotSupported for the first option or variable given that cannot be honoured."""
    for name in sorted(options.given & NAMES):
        value = options.values[name]
        reason = REASONS.get(name, "") if value else ""
        if name == "events-backend" and value == "journald":
            reason = "events are kept in the state database; use sqlite or none"
        if reason:
            raise NotSupported(f"--{name}: {reason}")
    if "remote" in options.values and "remote" not in options.given:
        for name in REMOTE_VARIABLES:
            if os.environ.get(name):
                remedy = "Unset it, or give --remote=false, to work on this machine."
                raise NotSupported(f"{name}: {_REMOTE}", remedy=remedy)

"""Verbs of podman that `rundlet` does not have, or has only with another package: why.

Read when one of them is typed, and by `python -m devtools.podman_page`.
"""

from __future__ import annotations

_DAEMON = "there is no service and no remote client: every command opens the state itself"
_PODS = "pods are made by the CRI server; there is no `rundlet pod`"
LEFT_OUT = {
    "auto-update": "needs systemd units that podman generates",
    "container clone": "`create` with the same flags does it",
    "farm": _DAEMON,
    "generate": "units are Quadlet's business now; `kube` documents are kubelet's",
    "image scp": _DAEMON,
    "kube": _PODS,
    "machine": "no virtual machines: this runs on Linux",
    "pod": _PODS,
    "quadlet": "needs podman's systemd generator",
    "system connection": _DAEMON,
    "system migrate": "nothing to do: a row is migrated when the database is opened",
    "system renumber": "nothing to do: locks have no numbers",
    "system service": _DAEMON,
    "unshare": "containers of other users than root are not supported yet",
    "volume reload": "there are no volume plugins of Docker's kind",
}
"""Verbs of podman that are not here."""

_BUILD = "it comes with rundlet-build, which is not installed: pip install rundlet-build"
ABSENT = {
    **{name: f"it is left out: {why}" for name, why in LEFT_OUT.items()},
    **dict.fromkeys(("build", "image build", "manifest"), _BUILD),
}
"""What is said of a verb that is typed and not found (`Program.absent`)."""

"""The table [crio.network]."""

from __future__ import annotations

from .key import Key

_T = "crio.network"

KEYS = (
    Key(_T, "cni_default_network", "",
        "Network that pods join; else the first in network_dir", "cni-default-network",
        live=True),
    Key(_T, "network_dir", "/etc/cni/net.d/", "Directory of network definitions",
        "cni-config-dir", live=True),
    Key(_T, "plugin_dirs", (), "Directories of CNI plugins; else where distributions put them",
        "cni-plugin-dir", live=True),
    Key(_T, "cni_status_grace_period", "0s",
        "A network that was ready counts as ready for so long after it failed",
        "cni-status-grace-period", kind="duration", live=True),
)  # fmt: skip

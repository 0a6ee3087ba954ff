"""The whole document of `info`, with podman's JSON keys."""

from __future__ import annotations

import sys
import time

from .. import __version__
from ..spec.host import here
from .host import host
from .store import store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..engine import Engine

_LOG_DRIVERS = ("k8s-file", "none", "passthrough")
_NETWORK_DRIVERS = ("bridge", "macvlan", "ipvlan")


def document(engine: Engine) -> dict[str, Any]:
    """Everything. What cannot be found out (no runtime works) is told as empty, not raised."""
    return {
        "host": host(engine),
        "store": store(engine),
        "registries": _registries(engine),
        "plugins": {
            "volume": ["local"],
            "network": list(_NETWORK_DRIVERS),
            "log": list(_LOG_DRIVERS),
            "authorization": None,
        },
        "version": _version(),
    }


def _registries(engine: Engine) -> dict[str, Any]:
    """registries.conf: the search list, and each registry by its prefix."""
    from ..images import registries_conf

    conf = registries_conf.load(engine.settings.registries_conf)
    found: dict[str, Any] = {}
    if conf.search:
        found["search"] = list(conf.search)
    for one in conf.registries:
        found[one.prefix] = {
            "Prefix": one.prefix,
            "Location": one.location,
            "Insecure": one.insecure,
            "Blocked": one.blocked,
            "Mirrors": [
                {"Location": m.location, "Insecure": m.insecure, "PullFromMirror": m.use}
                for m in one.mirrors
            ],
        }
    return found


def _version() -> dict[str, Any]:
    """There is nothing built: the time is Go's for 0, as in podman without build data."""
    return {
        "APIVersion": __version__,
        "Version": __version__,
        "PythonVersion": ".".join(str(number) for number in sys.version_info[:3]),
        "GitCommit": "",
        "BuiltTime": time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(0)),
        "Built": 0,
        "OsArch": f"linux/{here().architecture}",
        "Os": "linux",
    }

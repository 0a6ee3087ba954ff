"""Every key of containers.conf(5) and containers-storage.conf(5), those that podman dropped too.

Each stands once, as data: the reader (settings/containers_conf.py), the warning for unknown
keys and docs/containers-conf.md are made of it.
"""

from __future__ import annotations

from .containers import CONTAINERS
from .engine import ENGINE
from .key import Key as Key
from .others import OTHERS
from .storage import STORAGE

CONTAINERS_CONF: tuple[Key, ...] = (*CONTAINERS, *ENGINE, *OTHERS)
STORAGE_CONF: tuple[Key, ...] = STORAGE

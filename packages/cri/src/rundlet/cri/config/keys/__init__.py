"""Every key of crio.conf(5) as data: the reader, the flags and `config` all go by this list.

A module per table or two. Defaults are CRI-O's, but where Rundlet has its own place for a
thing: those are "", "as Rundlet's settings say".
"""

from __future__ import annotations

from . import api, image, network, observe, root, runtime
from .key import Key

KEYS: tuple[Key, ...] = (
    *root.KEYS,
    *api.KEYS,
    *runtime.KEYS,
    *image.KEYS,
    *network.KEYS,
    *observe.KEYS,
)
BY_NAME = {key.path: key for key in KEYS}
TABLES = tuple(dict.fromkeys(key.table for key in KEYS))

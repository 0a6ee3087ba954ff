"""The contract suite of storage drivers (contracts/storage.py).

    class TestMine(StorageDriverContract):
        @pytest.fixture
        def make(self):
            return MyDriver

Needs root, as the drivers do.
"""

from __future__ import annotations

from .applying import Applying
from .base import A as A
from .base import B as B
from .base import tree as tree
from .diffs import Diffs
from .layers import Layers


class StorageDriverContract(Layers, Diffs, Applying):
    """Subclass it and give a `make` fixture: what makes a driver for a home."""

"""The overlay driver against its contract, and what is its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rundlet.core.contracts.storage import StorageDriver
from rundlet.core.storage.overlay import OverlayDriver
from rundlet.core.testing.storage import StorageDriverContract


class TestOverlay(StorageDriverContract):
    @pytest.fixture
    def make(self) -> Callable[[str], StorageDriver]:
        return OverlayDriver

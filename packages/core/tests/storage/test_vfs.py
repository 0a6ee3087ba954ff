"""The vfs driver against its contract."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rundlet.core.contracts.storage import StorageDriver
from rundlet.core.storage.vfs import VfsDriver
from rundlet.core.testing.storage import StorageDriverContract


class TestVfs(StorageDriverContract):
    @pytest.fixture
    def make(self) -> Callable[[str], StorageDriver]:
        return VfsDriver

"""Contracts have versions: a driver for one that is known works, another is refused by name."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rundlet.core.errors import PluginError
from rundlet.core.plugins import manager
from rundlet.core.plugins.manager import Plugins

Install = Callable[[str, str, str], None]
SOURCE = """
from rundlet.core.hookspecs import hookimpl
from rundlet.core.storage.vfs import VfsDriver
class Third(VfsDriver):
    name = "third"
    contract_version = VERSION
@hookimpl
def rundlet_storage_driver(name, home, options):
    return Third(home, dict(options)) if name == "third" else None
"""


@pytest.mark.parametrize(("version", "taken"), [(1, False), (2, True), (3, True), (4, False)])
def test_from_the_oldest_to_the_newest(
    install: Install,
    plugins: Plugins,
    monkeypatch: pytest.MonkeyPatch,
    version: int,
    taken: bool,
) -> None:
    """As it will be when the contract of storage has had two changes, and one is still known."""
    monkeypatch.setitem(manager.CONTRACT_VERSIONS, "storage", 3)
    monkeypatch.setitem(manager.OLDEST_VERSIONS, "storage", 2)
    install("storage", "third", SOURCE.replace("VERSION", str(version)))
    if taken:
        assert plugins.storage("third").name == "third"
        return
    with pytest.raises(PluginError) as caught:
        plugins.storage("third")
    assert f"is made for version {version} of the contract, not 2 to 3" in caught.value.message
    assert "third 1.2" in caught.value.message


@pytest.mark.parametrize("version", ["None", "'1'", "1.5"])
def test_no_version(install: Install, plugins: Plugins, version: str) -> None:
    install("storage", "third", SOURCE.replace("VERSION", version))
    with pytest.raises(PluginError, match="the contract, not 1"):
        plugins.storage("third")


def test_no_driver_at_all(install: Install, plugins: Plugins) -> None:
    source = "from rundlet.core.hookspecs import hookimpl\n@hookimpl\n"
    install("storage", "third", source + "def rundlet_storage_driver(name):\n    return 5\n")
    with pytest.raises(PluginError, match="made 5, which is no StorageDriver"):
        plugins.storage("third")

"""What a server that stays need not hold, and that gRPC knows what it is told."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any


def held(server: Any) -> list[str]:
    """Those of some large libraries that the server has loaded."""
    maps = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert "cygrpc" in maps
    return [name for name in ("pydantic_core", "cryptography") if f"/{name}/" in maps]


def test_libraries_of_the_start_and_of_rare_work_are_not_held(
    server: Any, make_kubelet: Callable[[], Any]
) -> None:
    """kubelet has pulled an image, from a registry without keys or signatures."""
    server.configuration.write_text("pids_limit = 76\n")  # read, not kept from another server
    make_kubelet()
    assert held(server) == []
    assert "nknown experiment" not in server.log.read_text(), "see rpc/core_settings.py"


def test_a_reload_does_not_hold_them_either(kubelet: Any) -> None:
    """Nor one that is refused: the reason comes from the program that reads the settings."""
    server = kubelet.server
    for text, words in (
        ("pids_limit = 77\n", "configuration read again"),
        ("pids_limit = 0.5\n", f"{server.configuration}: pids_limit"),
    ):
        server.configuration.write_text(text)
        os.kill(server.process.pid, signal.SIGHUP)
        server.logged(words)
        assert held(server) == []

"""What a server that stays need not hold, and that gRPC knows what it is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def test_libraries_of_the_start_and_of_rare_work_are_not_held(kubelet: Any) -> None:
    """kubelet has pulled an image, from a registry without keys or signatures."""
    server = kubelet.server
    maps = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert "cygrpc" in maps
    assert [name for name in ("pydantic_core", "cryptography") if f"/{name}/" in maps] == []
    assert "nknown experiment" not in server.log.read_text(), "see server/grpc_settings.py"

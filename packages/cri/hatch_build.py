"""Build hook: Python modules of the CRI's .proto, made with every wheel and editable install.

They lie beside api.proto (the type checker and editable installs find them there) and are
not in the repository.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PROTO = "rundlet/cri/proto/api.proto"
MADE = ("src/rundlet/cri/proto/api_pb2.py", "src/rundlet/cri/proto/api_pb2.pyi")


class ProtoHook(BuildHookInterface):  # type: ignore[type-arg]  # of a configuration
    """Runs protoc, as grpcio-tools ships it."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the modules, newer ones only where the .proto is newer."""
        source = Path(self.root, "src", PROTO)
        if any(_older(Path(self.root, made), source) for made in MADE):
            self._generate()
        build_data["artifacts"] += list(MADE)

    def _generate(self) -> None:
        from grpc_tools import protoc

        root = Path(self.root, "src")
        words = ["protoc", f"-I{root}", f"--python_out={root}", f"--pyi_out={root}", PROTO]
        if protoc.main(words) != 0:
            raise RuntimeError(f"protoc failed on {root / PROTO}")


def _older(made: Path, source: Path) -> bool:
    return not made.exists() or made.stat().st_mtime < source.stat().st_mtime

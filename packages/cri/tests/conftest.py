"""A real server on a real socket, and a gRPC client for it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from rundlet.cri.proto import api_pb2 as cri

SCRIPT = Path(sys.executable).with_name("rundlet-cri")
PATIENCE = 30.0  # seconds; this machine may be busy


class Client:
    """Any RPC by its name: `client.version()` sends a VersionRequest."""

    def __init__(self, socket: Path) -> None:
        self.channel = grpc.insecure_channel(f"unix:{socket}")

    def _rpc(self, name: str) -> tuple[str, Any]:
        for service in cri.DESCRIPTOR.services_by_name.values():
            for rpc in service.methods:
                if rpc.name.lower() == name.replace("_", ""):
                    return f"/runtime.v1.{service.name}/{rpc.name}", rpc
        raise AttributeError(name)

    def __getattr__(self, name: str) -> Any:
        path, rpc = self._rpc(name)
        request = getattr(cri, rpc.input_type.name)
        answer = getattr(cri, rpc.output_type.name)
        make = self.channel.unary_stream if rpc.server_streaming else self.channel.unary_unary
        call = make(
            path,
            request_serializer=request.SerializeToString,
            response_deserializer=answer.FromString,
        )

        def send(timeout: float = PATIENCE, **fields: Any) -> Any:
            return call(request(**fields), timeout=timeout)

        return send


class Server:
    """`rundlet-cri serve` on its own root; may be killed and started again."""

    def __init__(self, directory: Path, *words: str, options: tuple[str, ...] = ()) -> None:
        self.directory = directory
        self.root = directory / "root"
        self.runroot = directory / "run"
        self.sockets = Path(tempfile.mkdtemp(prefix="cri-"))  # socket paths are short
        self.socket = self.sockets / "s"
        self.words = words
        self.options = options
        self.process: subprocess.Popen[bytes] | None = None
        self.log = directory / "server.log"

    @property
    def globals(self) -> tuple[str, ...]:
        return ("--root", str(self.root), "--runroot", str(self.runroot), *self.options)

    def start(self) -> Client:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [SCRIPT, *self.globals, "serve", "--listen", str(self.socket), *self.words],
                stdout=log, stderr=log, env={**os.environ, "RUNDLET_CONF": os.devnull},
            )  # fmt: skip
        client = Client(self.socket)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                client.version(timeout=1)
                return client
            except grpc.RpcError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(self.log.read_text()) from None
                time.sleep(0.05)
                client.channel.close()
                client = Client(self.socket)

    def kill(self) -> None:
        """As the OOM killer would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.sockets)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    yield made
    made.close()


@pytest.fixture
def client(server: Server) -> Client:
    return server.start()

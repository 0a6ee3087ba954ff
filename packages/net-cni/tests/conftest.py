"""Every test has a network namespace in the host's place, and directories of its own."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rundlet.core.contracts.network import Attachment, NetworkRequest, NetworkSettings
from rundlet.core.linux import syscalls
from rundlet.core.testing.network import isolated_host
from rundlet.core.testing.network.base import attachments, settings_below
from rundlet.net_cni.plugin import CNINetworks


@pytest.fixture
def host() -> Iterator[None]:
    with isolated_host():
        yield


@pytest.fixture
def settings(tmp_path: Path) -> NetworkSettings:
    (tmp_path / "net.d").mkdir()
    return settings_below(tmp_path)


@pytest.fixture
def plugin(settings: NetworkSettings) -> CNINetworks:
    return CNINetworks(settings)


Make = Callable[..., Attachment]


@pytest.fixture
def make(tmp_path: Path, host: None) -> Iterator[Make]:
    """Makes attachments with namespaces of their own: of a name, networks, and more by keyword."""
    with attachments(tmp_path) as attachment:

        def make(name: str, *networks: NetworkRequest, **more: Any) -> Attachment:
            return attachment(name, networks or (NetworkRequest(),), **more)

        yield make


@contextmanager
def inside(namespace: Path | None) -> Iterator[None]:
    """This thread in a namespace; sockets stay in the one where they were made."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        if namespace is not None:
            there = os.open(namespace, os.O_RDONLY)
            syscalls.setns(there, syscalls.CLONE_NEWNET)
            os.close(there)
        yield
    finally:
        syscalls.setns(before, syscalls.CLONE_NEWNET)
        os.close(before)


@pytest.fixture
def sockets() -> Iterator[Callable[..., socket.socket]]:
    """Makes sockets in namespaces: `sockets(namespace, kind)`."""
    made: list[socket.socket] = []

    def new(namespace: Path | None, kind: int = socket.SOCK_STREAM) -> socket.socket:
        with inside(namespace):
            made.append(socket.socket(socket.AF_INET, kind))
        made[-1].settimeout(5)
        return made[-1]

    yield new
    for one in made:
        one.close()

"""Every test has a network namespace in the host's place, and directories of its own."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from rundlet.core.contracts.network import (
    Attachment,
    NetworkRequest,
    NetworkSettings,
    PortMapping,
)
from rundlet.core.linux import syscalls
from rundlet.core.networks.namespace import create_namespace, remove_namespace
from rundlet.core.testing.network import isolated_host
from rundlet.net_cni.plugin import CNINetworks

PLUGINS = tuple(Path(d) for d in ("/usr/libexec/cni", "/usr/lib/cni", "/opt/cni/bin"))


@pytest.fixture
def host() -> Iterator[None]:
    with isolated_host():
        yield


@pytest.fixture
def settings(tmp_path: Path) -> NetworkSettings:
    (tmp_path / "net.d").mkdir()
    return NetworkSettings(
        state_dir=tmp_path / "state",
        run_dir=tmp_path / "run",
        config_dirs=(tmp_path / "net.d",),
        plugin_dirs=PLUGINS,
        default_network="podman",
        options={"data_dir": str(tmp_path / "leases")},
    )


@pytest.fixture
def plugin(settings: NetworkSettings) -> CNINetworks:
    return CNINetworks(settings)


Make = Callable[..., Attachment]


@pytest.fixture
def make(tmp_path: Path, host: None) -> Iterator[Make]:
    """Makes attachments with namespaces of their own."""
    made: list[Path] = []

    def attachment(
        name: str,
        *networks: NetworkRequest,
        ports: Sequence[PortMapping] = (),
        labels: dict[str, str] | None = None,
    ) -> Attachment:
        namespace = tmp_path / "netns" / name
        create_namespace(str(namespace))
        made.append(namespace)
        return Attachment(
            container=(name.encode().hex() * 64)[:64],
            name=name,
            namespace=namespace,
            networks=networks or (NetworkRequest(),),
            ports=tuple(ports),
            labels=labels or {},
        )

    yield attachment
    for namespace in made:
        remove_namespace(str(namespace))


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

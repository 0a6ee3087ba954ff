"""What the network suite stands on: a host of its own, and attachments to it."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ...contracts.network import Attachment, NetworkRequest, NetworkSettings, PortMapping
from ...networks.namespace import create_namespace, remove_namespace
from ...value import EMPTY
from .host import isolated_host, links, rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ...contracts.network import NetworkPlugin


def same(before: Counter[str], after: Counter[str], clause: str) -> None:
    """Fail, naming the clause and what came or went."""
    assert after == before, f"{clause}: more {[*(after - before)]}, less {[*(before - after)]}"


def settings_below(directory: Path) -> NetworkSettings:
    """Settings whose state, leases and configurations are below a directory."""
    plugins = ("/usr/libexec/cni", "/usr/lib/cni", "/opt/cni/bin")
    return NetworkSettings(
        state_dir=directory / "state",
        run_dir=directory / "run",
        config_dirs=(directory / "net.d",),
        plugin_dirs=tuple(Path(one) for one in plugins),
        default_network="podman",
        options={"data_dir": str(directory / "leases")},
    )


@contextmanager
def attachments(
    directory: Path, *, own_namespace: bool = True
) -> Iterator[Callable[..., Attachment]]:
    """Makes attachments, each with a namespace below `directory`; these go at the end."""
    made: list[Path] = []

    def attachment(
        name: str,
        networks: Sequence[NetworkRequest] = (NetworkRequest(),),
        ports: Sequence[PortMapping] = (),
        labels: Mapping[str, str] = EMPTY,
    ) -> Attachment:
        namespace = None
        if own_namespace:
            namespace = directory / "netns" / name
            create_namespace(str(namespace))
            made.append(namespace)
        return Attachment(
            container=(name.encode().hex() * 64)[:64],
            name=name,
            namespace=namespace,
            networks=tuple(networks),
            ports=tuple(ports),
            labels=labels,
        )

    try:
        yield attachment
    finally:
        for namespace in made:
            remove_namespace(str(namespace))


class Host:
    """A plugin, and a host of its own for every test.

    publishes: whether the plugin publishes ports. joins: whether it makes interfaces.
    """

    publishes = True
    joins = True

    @pytest.fixture
    def plugin(self, settings: NetworkSettings) -> NetworkPlugin:
        raise NotImplementedError("override the fixture `plugin`")

    def failing(self, attachment: Attachment) -> Attachment | None:
        """An attachment that fails when half of it is done; None where nothing can fail."""
        return None

    @pytest.fixture(autouse=True)
    def host(self) -> Iterator[None]:
        """A namespace in the host's place, for the length of a test."""
        with isolated_host():
            yield

    @pytest.fixture
    def settings(self, tmp_path: Path) -> NetworkSettings:
        """Directories of the test's own; plugins where the settings' defaults have them."""
        return settings_below(tmp_path)

    @pytest.fixture
    def make(self, tmp_path: Path, plugin: NetworkPlugin) -> Iterator[Callable[..., Attachment]]:
        """Makes attachments, each with a fresh namespace where the plugin wants one."""
        with attachments(tmp_path, own_namespace=plugin.own_namespace) as make:
            yield make

    @pytest.fixture
    def snapshot(self, tmp_path: Path) -> Callable[[], Counter[str]]:
        """What is there of networks: rules, the host's interfaces, files of the plugin."""

        def take() -> Counter[str]:
            files = [
                os.path.relpath(os.path.join(directory, name), tmp_path)
                for directory, _, names in os.walk(tmp_path)
                for name in names
                if not directory.startswith(str(tmp_path / "netns"))
            ]
            return Counter([*rules(), *(link["ifname"] for link in links(None)), *files])

        return take

    @pytest.fixture
    def warm(self, plugin: NetworkPlugin, make: Callable[..., Attachment]) -> None:
        """One attachment came and went: bridges and shared chains may stay after the last."""
        for name, ports in (("warm", ()), ("warm-ports", (PortMapping(80),))):
            attachment = make(name, ports=ports if self.publishes else ())
            plugin.detach(attachment, plugin.attach(attachment))

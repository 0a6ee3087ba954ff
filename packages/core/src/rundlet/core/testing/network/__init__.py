"""The contract suite of network plugins: subclass it, give a plugin, get the tests.

    class TestMine(NetworkPluginContract):
        @pytest.fixture
        def plugin(self, settings):
            return MyNetworks(settings)

Every test runs in a network namespace that takes the host's place: bridges, rules and
routes that a plugin makes "on the host" are in it, and go with it. Needs root, ip and
nsenter. Each test quotes the clause of contracts/network.py that it holds a plugin to.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from ...contracts.network import Attachment, AttachResult, PortMapping
from ...errors import RundletError
from ...networks.namespace import remove_namespace
from .base import Host, same
from .host import inside as inside
from .host import isolated_host as isolated_host
from .host import links as links
from .host import rules as rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...contracts.network import NetworkPlugin


class NetworkPluginContract(Host):
    """All clauses of a network plugin. Override the fixture `plugin`."""

    def test_works_here(self, plugin: NetworkPlugin) -> None:
        """NETWORK-PROBE."""
        probe = plugin.probe()
        assert probe.works, probe.reason
        assert plugin.contract_version == 1
        assert plugin.name

    def test_result(self, plugin: NetworkPlugin, make: Callable[..., Attachment]) -> None:
        """NETWORK-RESULT: the result names every interface, address and route that is there."""
        attachment = make("one")
        result = plugin.attach(attachment)
        if not plugin.own_namespace:
            assert result.interfaces == (), "NETWORK-RESULT"
            return
        there = {link["ifname"]: link for link in links(attachment.namespace)}
        there.pop("lo")
        assert {one.interface for one in result.interfaces} == set(there), "NETWORK-RESULT"
        assert bool(there) == self.joins
        for one in result.interfaces:
            link = there[one.interface]
            assert one.mac == link["address"], "NETWORK-RESULT"
            addresses = {
                f"{info['local']}/{info['prefixlen']}"
                for info in link["addr_info"]
                if info["scope"] == "global"
            }
            assert {address.address for address in one.addresses} == addresses, "NETWORK-RESULT"
        defaults = inside(attachment.namespace, "ip", "route", "show", "default").splitlines()
        gateways = {a.gateway for one in result.interfaces for a in one.addresses}
        for line in defaults:
            assert line.split()[2] in gateways, "NETWORK-RESULT"

    def test_result_is_kept_as_json(
        self, plugin: NetworkPlugin, make: Callable[..., Attachment]
    ) -> None:
        """NETWORK-RESULT: what the plugin wants back can be stored by the engine."""
        result = plugin.attach(make("one"))
        json.dumps(dict(result.raw))

    @pytest.mark.optional
    def test_ports(self, plugin: NetworkPlugin, make: Callable[..., Attachment]) -> None:
        """NETWORK-RESULT: ports as asked, with every host_port 0 replaced."""
        if not self.publishes:
            pytest.skip("publishes no ports")
        asked = (PortMapping(80), PortMapping(53, 5353, "udp"), PortMapping(90, 0, size=3))
        ports = plugin.attach(make("one", ports=asked)).ports
        assert [port.replace(host_port=0) for port in ports] == [
            port.replace(host_port=0) for port in asked
        ], "NETWORK-RESULT"
        assert ports[1] == asked[1], "NETWORK-RESULT"
        assert all(port.host_port > 0 for port in ports), "NETWORK-RESULT"

    def test_detach(
        self,
        plugin: NetworkPlugin,
        make: Callable[..., Attachment],
        warm: None,
        snapshot: Callable[[], Counter[str]],
    ) -> None:
        """NETWORK-DETACH-IDEMPOTENT: `detach` leaves nothing, and succeeds for what is gone."""
        before = snapshot()
        attachment = make("one", ports=(PortMapping(80),) if self.publishes else ())
        result = plugin.attach(attachment)
        plugin.detach(attachment, result)
        same(before, snapshot(), "NETWORK-DETACH-IDEMPOTENT: something is left")
        if attachment.namespace is not None:
            left = [link["ifname"] for link in links(attachment.namespace)]
            assert left == ["lo"], "NETWORK-DETACH-IDEMPOTENT: an interface is left"
        plugin.detach(attachment, result)
        plugin.detach(attachment, AttachResult())
        same(before, snapshot(), "NETWORK-DETACH-IDEMPOTENT")

    def test_detach_without_namespace(
        self,
        plugin: NetworkPlugin,
        make: Callable[..., Attachment],
        warm: None,
        snapshot: Callable[[], Counter[str]],
    ) -> None:
        """NETWORK-DETACH-IDEMPOTENT: also without the namespace."""
        before = snapshot()
        attachment = make("one", ports=(PortMapping(80),) if self.publishes else ())
        result = plugin.attach(attachment)
        if attachment.namespace is not None:
            remove_namespace(str(attachment.namespace))
        plugin.detach(attachment, result)
        same(before, snapshot(), "NETWORK-DETACH-IDEMPOTENT: something is left")
        plugin.detach(attachment, result)

    def test_detach_without_result(
        self,
        plugin: NetworkPlugin,
        make: Callable[..., Attachment],
        warm: None,
        snapshot: Callable[[], Counter[str]],
    ) -> None:
        """NETWORK-DETACH-IDEMPOTENT: also when the engine was killed before it had the result."""
        before = snapshot()
        attachment = make("one", ports=(PortMapping(80),) if self.publishes else ())
        plugin.attach(attachment)
        plugin.detach(attachment, AttachResult())
        same(before, snapshot(), "NETWORK-DETACH-IDEMPOTENT: something is left")

    def test_detach_of_what_never_was(
        self, plugin: NetworkPlugin, make: Callable[..., Attachment]
    ) -> None:
        """NETWORK-DETACH-IDEMPOTENT: succeeds for what is gone, or never was."""
        plugin.detach(make("one"), AttachResult())

    @pytest.mark.optional
    def test_failed_attach(
        self,
        plugin: NetworkPlugin,
        make: Callable[..., Attachment],
        warm: None,
        snapshot: Callable[[], Counter[str]],
    ) -> None:
        """NETWORK-ATTACH-UNDO: a failed `attach` leaves nothing: no interface, rule or lease."""
        attachment = make("one", ports=(PortMapping(80, 18080),) if self.publishes else ())
        wrong = self.failing(attachment)
        if wrong is None:
            pytest.skip("nothing of this plugin can fail")
        other = self.failing(make("other"))
        assert other is not None
        with pytest.raises(RundletError):
            plugin.attach(other)  # a bridge may stay
        before = snapshot()
        with pytest.raises(RundletError):
            plugin.attach(wrong)
        same(before, snapshot(), "NETWORK-ATTACH-UNDO: something is left")
        if attachment.namespace is not None:
            left = [link["ifname"] for link in links(attachment.namespace)]
            assert left == ["lo"], "NETWORK-ATTACH-UNDO: an interface is left"
        plugin.attach(attachment)  # and nothing is in the way of the right one

    def test_check(self, plugin: NetworkPlugin, make: Callable[..., Attachment]) -> None:
        """NETWORK-CHECK: `check` raises if the attachment is no longer as the result says."""
        attachment = make("one")
        result = plugin.attach(attachment)
        plugin.check(attachment, result)
        if not (plugin.own_namespace and self.joins):
            return
        name = result.interfaces[0].interface
        inside(attachment.namespace, "ip", "link", "delete", name)
        with pytest.raises(RundletError):
            plugin.check(attachment, result)

    def test_status(self, plugin: NetworkPlugin, make: Callable[..., Attachment]) -> None:
        """NETWORK-STATUS: `status` says why containers cannot be attached, or nothing."""
        assert list(plugin.status()) == [], "NETWORK-STATUS"
        plugin.attach(make("one"))

    def test_collect(
        self,
        plugin: NetworkPlugin,
        make: Callable[..., Attachment],
        warm: None,
        snapshot: Callable[[], Counter[str]],
    ) -> None:
        """NETWORK-GC: `collect` removes what belongs to no attachment in the given list."""
        before = snapshot()
        dead = make("dead", ports=(PortMapping(80),) if self.publishes else ())
        plugin.attach(dead)
        nobody = snapshot()
        plugin.collect([dead])
        same(nobody, snapshot(), "NETWORK-GC: it removed what is in the list")
        living = make("living")
        result = plugin.attach(living)
        if dead.namespace is not None:
            remove_namespace(str(dead.namespace))
        plugin.collect([living])
        plugin.check(living, result)
        plugin.detach(living, result)
        same(before, snapshot(), "NETWORK-GC: something is left of the dead")

    def test_collect_nothing_valid(
        self,
        plugin: NetworkPlugin,
        make: Callable[..., Attachment],
        warm: None,
        snapshot: Callable[[], Counter[str]],
    ) -> None:
        """NETWORK-GC: an empty list means that nothing is attached any more."""
        before = snapshot()
        plugin.attach(make("one"))
        plugin.collect([])
        same(before, snapshot(), "NETWORK-GC: something is left")

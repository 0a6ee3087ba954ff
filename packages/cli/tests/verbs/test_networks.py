"""`rundlet network ...` and containers on networks, in a namespace in the host's place."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devtools import waiting
from rundlet.core.testing.network import isolated_host, links, rules
from rundlet.net_cni.names import program

if TYPE_CHECKING:
    from devtools.tool import Rundlet


@pytest.fixture
def networked(rundlet: Rundlet, busybox_archive: Path, tmp_path: Path) -> Iterator[Rundlet]:
    """A store with busybox and directories of its own for networks and leases."""
    (tmp_path / "net.d").mkdir()
    settings = tmp_path / "rundlet.toml"
    settings.write_text(
        f'network_config_dirs = ["{tmp_path}/net.d"]\n'
        f'[plugins.cni]\ndata_dir = "{tmp_path}/leases"\n'
    )
    rundlet.environment["RUNDLET_CONF"] = str(settings)
    with isolated_host():
        rundlet("load", "-q", "-i", str(busybox_archive))
        yield rundlet
        rundlet("rm", "-a", "-f", "-t", "0")
        left = [link["ifname"] for link in links(None)]
        assert left == ["lo"], "a bridge or a veth is left"
        assert not [rule for rule in rules() if "CNI" in rule]
        pid = rundlet.directory / "run/networks/names/aardvark.pid"
        if pid.exists():
            os.kill(int(pid.read_text()), signal.SIGTERM)


def inspect(rundlet: Rundlet, name: str) -> dict[str, object]:
    document: dict[str, object] = json.loads(rundlet("network", "inspect", name).stdout)[0]
    return document


def said(port: int) -> bytes:
    """What a published port says at first; b"" while nobody listens."""
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as client:
            return client.recv(5)
    except ConnectionRefusedError:
        return b""


def test_create_list_inspect_remove(networked: Rundlet) -> None:
    words = ("--subnet", "10.77.0.0/24", "--gateway", "10.77.0.9", "--label", "a=b", "web")
    assert networked("network", "create", *words).stdout == "web\n"
    assert networked("network", "ls", "-q").stdout.split() == ["podman", "web"]
    found = inspect(networked, "web")
    assert found["subnets"] == [{"subnet": "10.77.0.0/24", "gateway": "10.77.0.9"}]
    assert (found["driver"], found["labels"]) == ("bridge", {"a": "b"})
    networked("network", "exists", "web")
    done = networked("network", "create", "web", check=False)
    assert (done.returncode, "already" in done.stderr) == (125, True)
    networked("network", "create", "--ignore", "web")
    assert networked("network", "rm", "web").stdout == "web\n"
    assert networked("network", "exists", "web", check=False).returncode == 1
    assert networked("network", "rm", "web", check=False).returncode == 1


def test_a_container_keeps_its_network(networked: Rundlet) -> None:
    networked("network", "create", "web")
    networked("run", "-d", "--name", "c", "--network", "web", "busybox", "sleep", "300")
    done = networked("network", "rm", "web", check=False)
    assert done.returncode == 2
    assert "has associated containers" in done.stderr
    done = networked("network", "rm", "-f", "-t", "0", "podman", check=False)
    assert done.returncode == 125 and "default network podman cannot be removed" in done.stderr
    networked("network", "rm", "-f", "-t", "0", "web")
    assert networked("ps", "-aq").stdout == ""


def test_a_port_that_nobody_said_is_chosen_once(networked: Rundlet) -> None:
    """podman chooses it when the container is made; all verbs tell the same."""

    def told() -> set[str]:
        form = '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}'
        bound = '{{(index (index .HostConfig.PortBindings "80/tcp") 0).HostPort}}'
        return {
            networked("ps", "-a", "--format", "{{.Ports}}").stdout.split("->")[0].split(":")[1],
            networked("port", "c", "80").stdout.strip().split(":")[1],
            networked("inspect", "--format", form, "c").stdout.strip(),
            networked("inspect", "--format", bound, "c").stdout.strip(),
        }

    networked("create", "--name", "c", "-p", "80", "-p", "90-91", "busybox", "sleep", "300")
    (first,) = told()
    assert int(first) >= 1024
    networked("start", "c")
    assert told() == {first}
    networked("restart", "-t", "0", "c")
    assert told() == {first}
    done = networked("port", "c", "81/udp", check=False)
    assert (done.returncode, 'published port "81/udp"' in done.stderr) == (125, True)


@pytest.mark.skipif(not program(), reason="aardvark-dns is not installed")
def test_names_resolve(networked: Rundlet) -> None:
    networked("network", "create", "web")
    common = ("--network", "web", "busybox")
    words = ("--name", "server", "--network-alias", "www", "--hostname", "host7")
    networked("run", "-d", *words, *common, "sleep", "300")
    address = networked(
        "inspect", "-f", "{{.NetworkSettings.Networks.web.IPAddress}}", "server"
    ).stdout.strip()
    for name in ("www", "host7"):
        done = networked("run", "--rm", *common, "nslookup", name, check=False)
        assert address in done.stdout, done.stdout
    networked("network", "create", "--internal", "inner")
    inner = ("--network", "inner", "-p", "8000:80")  # which nobody publishes, as with podman
    networked("run", "-d", "--name", "inside", *inner, "busybox", "sleep", "300")
    done = networked("run", "--rm", "--network", "inner", "busybox", "nslookup", "inside")
    assert "Name:\tinside" in done.stdout, done.stdout
    assert inspect(networked, "inner")["internal"] is True
    networked("network", "create", "--internal", "--disable-dns", "quiet")
    assert "gateway" not in inspect(networked, "quiet")["subnets"][0]  # type: ignore[index]
    networked("rename", "server", "shop")
    ask = ("run", "--rm", *common, "nslookup", "shop")
    # The server of names reads its files when it gets to it.
    assert any(address in networked(*ask, check=False).stdout for _ in range(30))
    waiting.kill(int((networked.directory / "run/networks/names/aardvark.pid").read_text()))
    done = networked("system", "check", "--quick", check=False)
    assert "aardvark-dns of network web has ended" in done.stdout + done.stderr
    networked("system", "check", "--quick", "--repair", check=False)
    assert address in networked("exec", "shop", "nslookup", "shop").stdout


def test_connect_and_disconnect(networked: Rundlet) -> None:
    networked("network", "create", "--subnet", "10.77.0.0/24", "more")
    networked("run", "-d", "--name", "c", "busybox", "sleep", "300")
    done = networked("create", "--network", "more:ip=10.78.0.7", "busybox", check=False)
    assert (done.returncode, "not in any subnet on network more" in done.stderr) == (125, True)
    asked = networked("exec", "c", "cat", "/etc/resolv.conf").stdout
    networked("network", "connect", "--ip", "10.77.0.7", "more", "c")
    seen = networked("exec", "c", "ip", "-4", "-o", "address").stdout
    assert "10.77.0.7/24" in seen

    def gateways() -> list[str]:
        shown = networked("exec", "c", "ip", "route").stdout.splitlines()
        return [line.split()[2] for line in shown if line.startswith("default")]

    assert gateways() == ["10.88.0.1", "10.77.0.1"]  # by their metrics
    networked("network", "disconnect", "podman", "c")
    assert gateways() == ["10.77.0.1"]
    networked("network", "connect", "podman", "c")
    assert gateways() == ["10.77.0.1", "10.88.0.1"]
    networked("restart", "-t", "0", "c")
    assert gateways() == ["10.77.0.1", "10.88.0.1"]
    networked("network", "disconnect", "more", "c")
    assert gateways() == ["10.88.0.1"]
    shown = ("events", "--stream=false", "--filter", "network=more", "--format")
    told = networked(*shown, "{{.Type}} {{.Status}} {{.Name}}").stdout.splitlines()
    assert [told[0], *told[-2:]] == [
        "network create more",
        "network connect c",
        "network disconnect c",
    ]
    assert "10.77" not in networked("exec", "c", "ip", "-4", "-o", "address").stdout
    # Whom it cannot reach any more it does not ask: each name would take five seconds.
    assert networked("exec", "c", "cat", "/etc/resolv.conf").stdout.endswith("\n" + asked)
    done = networked("network", "disconnect", "more", "c", check=False)
    assert done.stderr == "Error: container c is not connected to network more\n"
    done = networked("network", "rm", "-t", "3", "more", check=False)
    assert (done.returncode, "--force option must be" in done.stderr) == (125, True)


def test_a_container_that_left_its_last_network_may_join_another(networked: Rundlet) -> None:
    networked("network", "create", "--subnet", "10.77.0.0/24", "more")
    serve = ("busybox", "nc", "-ll", "-p", "80", "-e", "echo", "hello")
    networked("run", "-d", "--name", "c", "-p", "127.0.0.1:8000:80", *serve)
    address = ("exec", "c", "ip", "-4", "-o", "address", "show", "scope", "global")
    for restarted in (False, True):
        networked("network", "disconnect", "more" if restarted else "podman", "c")
        if restarted:
            networked("restart", "-t", "0", "c")
        assert networked(*address).stdout == ""
        assert networked("inspect", "-f", "{{.HostConfig.NetworkMode}}", "c").stdout == "bridge\n"
        networked("network", "connect", "more", "c")
        assert "10.77.0." in networked(*address).stdout
        waiting.until(lambda: said(8000) == b"hello", "its ports are not published again")


def test_static_addresses_and_ports(networked: Rundlet) -> None:
    words = ("--ip", "10.88.3.4", "--mac-address", "02:11:22:33:44:55", "-p", "127.0.0.1:8000:80")
    networked("run", "-d", "--name", "c", *words, "busybox", "sleep", "300")
    seen = networked("exec", "c", "ip", "address", "show", "eth0").stdout
    assert "10.88.3.4/16" in seen
    assert "02:11:22:33:44:55" in seen
    assert networked("port", "c").stdout == "80/tcp -> 127.0.0.1:8000\n"
    done = networked("run", "--ip", "10.88.3.4", "busybox", "true", check=False)
    assert done.returncode in (125, 126)
    assert "10.88.3.4" in done.stderr


def test_all_exposed_ports_are_published(networked: Rundlet) -> None:
    networked("create", "--name", "made", "--expose", "70-71", "busybox", "true")
    networked("commit", "-q", "made", "localhost/exposing")
    exposed = networked("image", "inspect", "-f", "{{json .Config.ExposedPorts}}", "exposing")
    assert json.loads(exposed.stdout) == {"70/tcp": {}, "71/tcp": {}}
    words = ("-P", "--expose", "90/udp", "-p", "127.0.0.1:8000:70")
    networked("run", "-d", "--name", "c", *words, "exposing", "sleep", "300")
    lines = sorted(networked("port", "c").stdout.splitlines())
    assert lines[0] == "70/tcp -> 127.0.0.1:8000"
    for line, start in zip(lines[1:], ("71/tcp", "90/udp"), strict=True):
        port, _, place = line.partition(" -> 0.0.0.0:")
        assert (port, int(place) > 0) == (start, True), line
    networked("run", "--rm", "-P", "--network", "none", "exposing", "true")
    networked("rm", "-ft0", "c")
    conf = networked.directory / "containers.conf"
    conf.write_text('[network]\ndefault_host_ips = ["127.0.0.1", "127.0.0.2"]\n')
    networked.environment["CONTAINERS_CONF"] = str(conf)
    networked("run", "-d", "--name", "d", "-p", "8001:70", "-p", "127.0.0.3:8001:70", "busybox")
    bound = '{{range (index .HostConfig.PortBindings "70/tcp")}}{{.HostIp}} {{end}}'
    assert networked("inspect", "-f", bound, "d").stdout == "127.0.0.1 127.0.0.2 127.0.0.3 \n"


def test_several_networks_and_ipv6(networked: Rundlet) -> None:
    networked("network", "create", "--ipv6", "--subnet", "fd00:9::/64", "six")
    networked("network", "create", "--internal", "inner")
    words = ("--network", "six", "--network", "inner")
    networked("run", "-d", "--name", "c", *words, "busybox", "sleep", "300")
    document = json.loads(networked("inspect", "c").stdout)[0]
    found = document["NetworkSettings"]["Networks"]
    assert set(found) == {"six", "inner"}
    assert found["six"]["GlobalIPv6Address"].startswith("fd00:9::")
    assert "default" not in networked("exec", "c", "ip", "route").stdout


def test_routes_with_metrics_and_routes_that_lead_nowhere(networked: Rundlet) -> None:
    words = ("10.1.0.0/24,10.77.0.9,50", "10.2.0.0/24,blackhole", "10.3.0.0/24,Unreachable,7",
             "10.4.0.0/24,prohibit", "fd00:5::/64,blackhole")  # fmt: skip
    routes = [word for route in words for word in ("--route", route)]
    networked("network", "create", "--subnet", "10.77.0.0/24", "--subnet", "fd00:77::/64", *routes,
              "--ip-range", "10.77.0.40-10.77.0.41", "web")  # fmt: skip
    form = "{{range .Subnets}}{{with .LeaseRange}}{{.StartIP}} {{.EndIP}}{{end}}{{end}}"
    shown = networked("network", "inspect", "web", "--format", form).stdout
    assert shown == "10.77.0.40 10.77.0.41\n"
    form = "{{range .Routes}}{{.Destination}} {{.Metric}},{{end}}"
    shown = networked("network", "inspect", "web", "--format", form).stdout
    assert shown.startswith("10.1.0.0/24 50,10.2.0.0/24 <nil>,10.3.0.0/24 7,10.4.0.0/24 <nil>,")
    form = "{{range .Subnets}}{{.Subnet}} {{end}}"
    shown = networked("network", "ls", "--filter", "name=web", "--format", form).stdout
    assert shown == "10.77.0.0/24 fd00:77::/64 \n"
    networked("run", "-d", "--name", "c", "--network", "web", "busybox", "sleep", "300")
    pid = networked("inspect", "-f", "{{.State.Pid}}", "c").stdout.strip()
    seen = [
        subprocess.run(["nsenter", "-t", pid, "-n", "ip", family, "route"], check=True,
                       capture_output=True, text=True).stdout
        for family in ("-4", "-6")
    ]  # fmt: skip
    for line in ("10.1.0.0/24 via 10.77.0.9 dev eth0 metric 50", "blackhole 10.2.0.0/24",
                 "unreachable 10.3.0.0/24 metric 7", "prohibit 10.4.0.0/24"):  # fmt: skip
        assert line in seen[0]
    assert "blackhole fd00:5::/64" in seen[1]
    assert "src 10.77.0.40" in seen[0]  # the first of the range


def test_metrics_of_default_routes_and_names_on_the_host(networked: Rundlet) -> None:
    networked("network", "create", "--subnet", "10.77.0.0/24", "plain")
    networked("network", "create", "--subnet", "10.78.0.0/24", "-o", "metric=50", "first")
    words = ("--network", "plain:host_interface_name=web0", "--network", "first")
    networked("run", "-d", "--name", "c", *words, "busybox", "sleep", "300")
    seen = networked("exec", "c", "ip", "route", "show", "default").stdout
    assert "default via 10.78.0.1 dev eth1  metric 50" in seen
    assert "default via 10.77.0.1 dev eth0  metric 100" in seen
    assert "web0" in [link["ifname"] for link in links(None)]
    done = networked("run", *words, "busybox", "true", check=False)
    assert (done.returncode, "web0 exists already" in done.stderr) == (126, True)
    words = ("--network", "plain:host_interface_name=much-too-long-a-name")
    done = networked("create", *words, "busybox", "true", check=False)
    assert (done.returncode, "invalid interface name" in done.stderr) == (125, True)


def test_a_bridge_of_others_is_left_as_it_is(networked: Rundlet) -> None:
    words = ("-o", "mode=unmanaged", "--interface-name", "br7", "--subnet", "10.77.0.0/24")
    networked("network", "create", *words, "lan")
    run = ("run", "--rm", "-p", "8000:80", "--network", "lan", "busybox", "ip", "route")
    done = networked(*run, check=False)
    assert (done.returncode, "bridge br7 does not exist" in done.stderr) == (126, True)
    subprocess.run(["ip", "link", "add", "br7", "type", "bridge"], check=True)
    assert "default via 10.77.0.1 dev eth0" in networked(*run).stdout
    assert "br7" in [link["ifname"] for link in links(None)]
    assert not [rule for rule in rules() if "CNI" in rule]
    subprocess.run(["ip", "link", "del", "br7"], check=True)


def test_prune(networked: Rundlet) -> None:
    for name in ("used", "unused", "kept", "mine"):
        networked("network", "create", "--ipam-driver", "none", "--label", f"{name}=1", name)
    networked("create", "--name", "c", "--network", "used", "busybox")
    spared = ("--filter", "label!=kept", "--filter", "label!=mine")
    assert networked("network", "prune", "-f", *spared).stdout == "unused\n"
    assert networked("network", "ls", "-q").stdout.split() == ["kept", "mine", "podman", "used"]
    assert inspect(networked, "kept")["ipam_options"] == {"driver": "none"}
    assert inspect(networked, "podman")["created"] == "0001-01-01T00:00:00Z"


def test_update(networked: Rundlet) -> None:
    networked("network", "create", "--dns", "9.9.9.9", "web")
    created = inspect(networked, "web")["created"]
    networked("network", "update", "web", "--dns-add", "1.1.1.1,8.8.8.8", "--dns-drop", "9.9.9.9")
    (path,) = (networked.directory / "net.d").iterdir()
    document = json.loads(path.read_text())
    assert document["plugins"][0]["dns"] == {"nameservers": ["1.1.1.1", "8.8.8.8"]}
    assert inspect(networked, "web")["created"] == created
    done = networked("network", "update", "web", "--dns-drop", "9.9.9.9", check=False)
    assert (done.returncode, "no nameserver 9.9.9.9" in done.stderr) == (125, True)
    done = networked("network", "update", "web", "--dns-add", "x", check=False)
    assert (done.returncode, "'x' is no IP address" in done.stderr) == (125, True)
    assert networked("network", "update", "nosuch", check=False).returncode == 125


def test_what_is_wrong_is_said(networked: Rundlet) -> None:
    for words, said in (
        (("--subnet", "10.0.0.0"), "invalid CIDR address: 10.0.0.0"),
        (("--gateway", "10.9.0.256"), 'invalid argument "10.9.0.256" for "--gateway" flag'),
        (("--subnet", "10.5.0.0/24", *("--ip-range", "10.5.0.0/26") * 2), "more ranges than"),
        (("--subnet", "10.5.0.0/24", "--ip-range", "10.5.0.300-10.5.0.301"), "range start ip"),
        (("--driver", "overlay"), "overlay"),
        (("--gateway", "10.9.0.1"), "cannot set gateway or range without subnet"),
        (("--ignore", "--subnet", "10.88.7.0/24"), "already used on the host or by another config"),
        (("--label", "=x"), "invalid label '=x'"),
        (("--opt", "nosuch=1"), "nosuch"),
        (("--route", "10.1.0.0/24,nowhere"), "invalid gateway nowhere"),
        (("--route", "10.1.0.0/24,blackhole,0"), "invalid metric 0"),
        (("--route", "10.1.0.0/24,fd00::1"), "the gateway is of the other family"),
        (("--dns", "1.1.1.1,dns.example"), "'dns.example' is no IP address of a nameserver"),
        (("--subnet", "10.5.0.0/24", "--ip-range", "10.5.0.9-10.5.0.5"), "ends before it starts"),
        (("--subnet", "10.5.0.0/24", "--ip-range", "10.5.0.9-10.6.0.5"), "not in subnet"),
        (("--subnet", "10.5.0.0/24", "--ip-range", "10.5.0.9"), "invalid CIDR address"),
        (("-d", "macvlan", "--ipam-driver", "host-local"), "needs a --subnet"),
    ):
        done = networked("network", "create", *words, "bad", check=False)
        assert done.returncode == 125
        assert said in done.stderr
    for mode in ("none", "host", "default", "pasta"):  # they would be out of reach of --network
        done = networked("network", "create", mode, check=False)
        assert (done.returncode, "conflicts with a valid network mode" in done.stderr) == (
            125,
            True,
        )
    assert networked("network", "rm", "nosuch", check=False).returncode == 1
    assert networked("network", "rm", "--ignore", "nosuch").stderr == ""
    assert networked("run", "--network", "nosuch", "busybox", check=False).returncode == 125
    assert networked("ps", "-aq").stdout == ""


def test_a_broken_configuration_is_no_container_without_a_network(
    networked: Rundlet, tmp_path: Path
) -> None:
    broken = tmp_path / "net.d/87-podman.conflist"
    broken.write_text("{")
    done = networked("run", "--rm", "busybox", "true", check=False)
    assert done.returncode == 126 and str(broken) in done.stderr
    networked("run", "--rm", "--network", "none", "busybox", "true")
    # The others go on, and who lists them is told.
    networked("network", "create", "other")
    networked("run", "--rm", "--network", "other", "busybox", "true")
    listed = networked("network", "ls", "-q")
    assert (listed.stdout, f"WARN[0000] {broken}: no JSON" in listed.stderr) == ("other\n", True)
    done = networked("network", "inspect", "podman", check=False)
    assert done.returncode == 125 and str(broken) in done.stderr
    broken.unlink()


def test_a_broken_configuration_of_others_is_in_nobodys_way(
    networked: Rundlet, tmp_path: Path
) -> None:
    others = tmp_path / "net.d/00-others.conflist"
    others.write_text("{")
    done = networked("network", "ls", "-q")
    assert (done.stdout, str(others) in done.stderr) == ("podman\n", True)
    networked("run", "--rm", "busybox", "true")

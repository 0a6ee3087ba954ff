"""Version, Status and RuntimeConfig over a real socket."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import grpc
import pytest

from rundlet.cri import __version__
from rundlet.cri.proto import api_pb2 as cri


@pytest.mark.e2e
def test_version(client: Any) -> None:
    answer = client.version()
    assert (answer.version, answer.runtime_name) == ("0.1.0", "rundlet")
    assert (answer.runtime_api_version, answer.runtime_version) == ("v1", __version__)


@pytest.mark.e2e
def test_status_has_conditions_handlers_and_verbose_info(client: Any) -> None:
    answer = client.status(verbose=True)
    conditions = {one.type: one for one in answer.status.conditions}
    assert conditions["RuntimeReady"].status
    assert conditions["NetworkReady"].status, conditions["NetworkReady"].message
    names = [handler.name for handler in answer.runtime_handlers]
    assert names[0] == "", "the default comes first, without a name"
    assert "runc" in names
    assert json.loads(answer.info["config"])["storageDriver"]
    assert not client.status().info
    features = {handler.name: handler.features for handler in answer.runtime_handlers}
    assert features["runc"].recursive_read_only_mounts
    assert features["runc"].user_namespaces
    assert answer.features == cri.RuntimeFeatures(
        supplemental_groups_policy=True, user_namespaces_host_network=True, mount_options=True
    )
    driver = cri.SYSTEMD if Path("/run/systemd/system").exists() else cri.CGROUPFS
    assert client.runtime_config().linux.cgroup_driver == driver
    client.update_runtime_config()


@pytest.mark.e2e
def test_one_server_for_one_socket(server: Any) -> None:
    server.start()
    words = [server.process.args[0], *server.globals, "serve", "--listen", str(server.socket)]
    second = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 125
    assert "another server listens" in second.stderr


@pytest.mark.e2e
def test_ends_on_sigterm_and_starts_over_what_sigkill_left(server: Any) -> None:
    server.start()
    server.process.send_signal(signal.SIGHUP)
    assert server.stop() == 0
    server.start()
    server.kill()
    assert server.start().version().runtime_name == "rundlet"


CONFLIST = """
{"cniVersion": "1.0.0", "name": "%s", "plugins": [{"type": "bridge", "bridge": "%s",
 "isGateway": true, "ipMasq": true, "ipam": {"type": "host-local", "subnet": "%s"}}]}
"""


@pytest.mark.e2e
def test_the_network_is_ready_when_its_definition_comes(make_kubelet: Any, server: Any) -> None:
    directory = server.directory / "cni/net.d"
    server.options = ("--cni-config-dir", str(directory), "--cni-default-network", "")
    kubelet = make_kubelet()
    client = kubelet.client

    def network() -> Any:
        return {one.type: one for one in client.status().status.conditions}["NetworkReady"]

    found = network()
    assert (found.status, found.reason) == (False, "NetworkPluginNotReady")
    assert str(directory) in found.message
    with pytest.raises(grpc.RpcError, match="no network is configured"):
        kubelet.pod(kubelet.pod_config(network=cri.POD))
    mark = server.log.stat().st_size
    directory.mkdir(parents=True)
    (directory / "20-late.conflist").write_text(CONFLIST % ("late", "rlate0", "10.233.2.0/24"))
    server.logged("the network is ready", after=mark)
    (directory / "10-first.conflist").write_text(CONFLIST % ("first", "rfirst0", "10.233.1.0/24"))
    assert network().status
    pod = kubelet.pod(kubelet.pod_config(network=cri.POD))
    status = client.pod_sandbox_status(pod_sandbox_id=pod).status
    assert status.network.ip.startswith("10.233.1."), "the first one, as it is now"
    server.crio.write_text('[crio.network]\ncni_status_grace_period = "1h"\n')
    server.logged("configuration read again", after=mark)
    mark = server.log.stat().st_size
    for file in directory.iterdir():
        file.rename(server.directory / file.name)
    server.logged("the network is not ready", after=mark)
    assert network().status, "it was, not long ago"
    server.crio.write_text("")
    server.logged("configuration read again", after=mark)
    assert not network().status
    for name in ("10-first.conflist", "20-late.conflist"):
        (server.directory / name).rename(directory / name)
    client.remove_pod_sandbox(pod_sandbox_id=pod)
    for bridge in ("rfirst0", "rlate0"):
        subprocess.run(["ip", "link", "delete", bridge], check=False, capture_output=True)

"""CRI-O's status API, by `status` and by plain HTTP, beside the CRI's socket and on the same."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Any

import grpc
import pytest

from rundlet.cri.http.door import beside


class Http(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self.path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        self.sock.connect(self.path)

    def ask(self, path: str, method: str = "GET") -> tuple[int, str]:
        self.request(method, path)
        answer = self.getresponse()
        return answer.status, answer.read().decode()


@pytest.mark.e2e
def test_containers_are_told_of_and_paused(kubelet: Any) -> None:
    server = kubelet.server
    pod = kubelet.pod()
    container = kubelet.run(pod, "sleep", "1000")
    web = Http(Path(beside(str(server.socket))))
    status, text = web.ask(f"/containers/{container}")
    assert status == 200
    found = json.loads(text)
    assert found["sandbox"] == pod
    assert found["pid"] > 0
    assert found["log_path"].endswith("main.log")
    assert Path(found["root"], "bin/sh").exists()
    assert found["host_network"] is True
    assert json.loads(web.ask(f"/containers/{pod}")[1])["name"].startswith("k8s_web"), "cAdvisor"
    assert web.ask(f"/pause/{container}") == (200, "200 OK")
    assert web.ask(f"/pause/{container}")[0] == 409
    assert web.ask(f"/unpause/{container}") == (200, "200 OK")
    assert kubelet.exec(container, "echo", "alive")[1] == "alive\n"
    assert web.ask("/containers/0123abcd")[0] == 404
    assert web.ask("/nothing")[0] == 404
    assert web.ask("/info", "POST")[0] == 405
    assert "MainThread" in web.ask("/debug/goroutines")[1]
    assert "resident:" in web.ask("/debug/heap")[1]
    shown = server.command("status", "containers", "--id", container).stdout
    assert f"sandbox: {pod}\n" in shown
    info = server.command("status", "info").stdout
    assert f"storage root: {server.root}\n" in info
    config = server.command("status", "config").stdout
    assert f'root = "{server.root}"' in config


@pytest.mark.e2e
def test_one_socket_for_both_where_it_is_called_as_cri_os(server: Any) -> None:
    server.socket = server.sockets / "crio.sock"
    client = server.start()
    assert client.version().runtime_name == "rundlet"
    events = client.get_container_events(deadline=60)  # a stream that stays open
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as slow:
        slow.connect(str(server.socket))
        slow.sendall(b"PRI * HT")  # its rest never comes: others are served meanwhile
        assert Http(server.socket).ask("/info")[0] == 200
        big = "x" * (5 * 1024 * 1024)
        with pytest.raises(grpc.RpcError) as error:
            client.container_status(container_id=big)
        assert error.value.code() == grpc.StatusCode.NOT_FOUND
    events.cancel()
    assert server.command("status", "info").returncode == 0
    assert server.stop() == 0
    assert not server.socket.exists()
    result = server.command("status", "info")
    assert result.returncode == 125
    assert "no server answers" in result.stderr
    server.start()


@pytest.mark.e2e
def test_config_prints_what_is_in_force(server: Any) -> None:
    server.drop_ins.joinpath("10-mine").write_text('[crio.image]\npinned_images = ["a"]\n')
    shown = server.command("config").stdout
    assert '\npinned_images = ["a"]' in shown
    assert f'\nroot = "{server.root}"' in shown
    assert "\n# pids_limit = -1" in shown
    assert "\npinned_images" not in server.command("config", "--default").stdout
    server.drop_ins.joinpath("10-mine").write_text("[crio.image]\npined = 1\n")
    result = server.command("config")
    assert result.returncode == 125
    assert "10-mine: crio.image.pined: no such key" in result.stderr


@pytest.mark.e2e
def test_wipe_goes_by_the_version_file(kubelet: Any) -> None:
    server = kubelet.server
    kubelet.pod()
    assert "another server listens" in server.command("wipe").stderr
    server.stop()
    assert server.command("wipe").stdout == "", "the boot and the release are the same"
    server.runroot.joinpath("version").unlink()
    assert server.command("wipe").stdout == "wiping containers\n"
    kubelet.again()
    assert not kubelet.client.list_pod_sandbox().items
    assert kubelet.client.list_images().images
    server.stop()
    result = server.command("wipe", "--force")
    assert (result.returncode, result.stdout) == (0, "wiping containers\nwiping images\n")
    kubelet.again()
    assert not kubelet.client.list_images().images
    assert server.command("check", "--quick").returncode == 0

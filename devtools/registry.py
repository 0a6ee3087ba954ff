"""A real registry (Debian's docker-registry) on loopback, for tests, demo and bench."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PROGRAM = "/usr/bin/docker-registry"


def free_port() -> int:
    """A TCP port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Registry:
    """docker-registry serving `directory`, until closed.

    tls: (certificate, key) files; htpasswd: a bcrypt htpasswd file; clients: the authority whose
    certificates clients must have; schema1: take manifests of that kind too. `host` is
    "localhost:PORT".
    """

    def __init__(
        self,
        directory: Path,
        *,
        tls: tuple[Path, Path] | None = None,
        htpasswd: Path | None = None,
        clients: Path | None = None,
        port: int = 0,
        schema1: bool = False,
    ) -> None:
        self.directory = directory
        self.tls = tls
        self.htpasswd = htpasswd
        self.clients = clients
        self.schema1 = schema1
        self.port = port or free_port()
        self.host = f"localhost:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def _configuration(self) -> dict[str, Any]:
        http: dict[str, Any] = {"addr": f"127.0.0.1:{self.port}", "secret": "loopback"}
        if self.tls:
            http["tls"] = {"certificate": str(self.tls[0]), "key": str(self.tls[1])}
            if self.clients:
                http["tls"]["clientcas"] = [str(self.clients)]
        configuration: dict[str, Any] = {
            "version": "0.1",
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(self.directory / "data")},
                "delete": {"enabled": True},
            },
            "http": http,
        }
        if self.schema1:
            configuration["compatibility"] = {"schema1": {"enabled": True}}
        if self.htpasswd:
            configuration["auth"] = {"htpasswd": {"realm": "test", "path": str(self.htpasswd)}}
        return configuration

    def start(self) -> Self:
        """Start it and wait until it answers. Raises RuntimeError with its own words."""
        self.directory.mkdir(parents=True, exist_ok=True)
        file = self.directory / "config.yml"
        file.write_text(json.dumps(self._configuration()))  # JSON is YAML
        # It takes any REGISTRY_* for configuration, REGISTRY_AUTH_FILE of its clients too.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("REGISTRY_")}
        with (self.directory / "registry.log").open("wb") as log:
            self._process = subprocess.Popen(
                [PROGRAM, "serve", str(file)],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
            )
        deadline = time.monotonic() + 60
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.close()
                raise RuntimeError(
                    "docker-registry did not start: "
                    + (self.directory / "registry.log").read_text()
                )
            time.sleep(0.02)
        return self

    def _answers(self) -> bool:
        scheme = "https" if self.tls else "http"
        context = ssl._create_unverified_context() if self.tls else None
        try:
            urllib.request.urlopen(
                f"{scheme}://127.0.0.1:{self.port}/v2/", timeout=2, context=context
            )
        except urllib.error.HTTPError:
            return True  # 401: it is there and wants credentials
        except (ssl.SSLError, ConnectionResetError):
            return bool(self.clients)  # there, and wants a certificate
        except urllib.error.URLError as error:
            return bool(self.clients) and isinstance(error.reason, ssl.SSLError)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """End the process this object started."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def push(layout: Path, tag: str, target: str) -> None:
    """Copy an image of a layout to `host/repository:tag` with Debian's skopeo."""
    subprocess.run(
        [
            "skopeo",
            "--insecure-policy",
            "copy",
            "--quiet",
            "--all",
            "--dest-tls-verify=false",
            f"oci:{layout}:{tag}",
            f"docker://{target}",
        ],
        check=True,
    )

"""`nox -s demo`: the main job, on real input, with the installed commands.

Makes a small image and an nginx image from Debian packages, pushes them to a registry on
loopback, then does with `rundlet` what one does with podman. Everything lives in one scratch
directory and is gone at the end, also after a failure.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from . import images
from .registry import Registry, free_port

BIN = Path(sys.executable).parent


class Failed(Exception):
    """A step did not do what it must; the message says which and what came instead."""


class Demo:
    """The steps, each printed as a shell line before it runs."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.environment = {
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "RUNDLET_GRAPH_ROOT": str(scratch / "root"),
            "RUNDLET_RUN_ROOT": str(scratch / "run"),
        }

    def shell(self, *words: str) -> None:
        """Run a command on our own terminal (progress bars and colours as a user sees them)."""
        self._say(*words)
        code = subprocess.run(words, env=self.environment, check=False).returncode
        if code != 0:
            raise Failed(f"`{' '.join(words)}` exited with {code}")

    def output(self, *words: str, expect: str = "") -> str:
        """Run a command, print what it printed, and check that `expect` is in it."""
        self._say(*words)
        result = subprocess.run(
            words,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        print(result.stdout, end="", flush=True)
        if result.returncode != 0:
            raise Failed(f"`{' '.join(words)}` exited with {result.returncode}")
        if expect not in result.stdout:
            raise Failed(f"`{' '.join(words)}` did not print {expect!r}")
        return result.stdout

    def _say(self, *words: str) -> None:
        line = f"$ {' '.join(words)}"
        print(f"\n\033[1m{line}\033[0m" if sys.stdout.isatty() else f"\n{line}", flush=True)

    def run(self) -> None:
        print("Making images from Debian packages", flush=True)
        layout = images.Layout(self.scratch / "layout")
        layout.add("busybox", images.busybox())
        layout.add("nginx", images.nginx(self.scratch))
        with Registry(self.scratch / "registry") as registry:
            for name in ("busybox", "nginx"):
                self.shell(
                    "rundlet-skopeo",
                    "copy",
                    f"oci:{layout.path}:{name}",
                    f"docker://{registry.host}/{name}:latest",
                )
            try:
                self.containers(registry.host)
            finally:
                self.clean()

    def containers(self, host: str) -> None:
        port = str(free_port() if _taken(8000) else 8000)
        busybox, nginx = f"{host}/busybox", f"{host}/nginx"
        self.shell("rundlet", "pull", busybox)
        self.shell("rundlet", "pull", nginx)
        self.output("rundlet", "images", expect="nginx")
        self.output(
            "rundlet",
            "run",
            "--rm",
            busybox,
            "echo",
            "hello from a container",
            expect="hello from a container",
        )
        self.output("rundlet", "run", "-d", "--name", "web", "-p", f"{port}:80", nginx)
        self.wait_for(port)
        self.output("curl", "-sSI", f"http://127.0.0.1:{port}/", expect="200 OK")
        self.wait_until_logged('"HEAD / HTTP/1.1" 200')
        self.output("rundlet", "logs", "web", expect='"HEAD / HTTP/1.1" 200')
        self.output("rundlet", "ps", "-a", expect="web")
        self.output("rundlet", "exec", "web", "nginx", "-v", expect="nginx version")
        self.output("rundlet", "stop", "web")
        self.output("rundlet", "ps", "-a", expect="Exited (0)")
        self.output("rundlet", "rm", "web")

    def wait_for(self, port: str) -> None:
        """Until nginx listens: the container runs before nginx does."""
        probe = ["curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{port}/favicon.ico"]
        _until(
            lambda: subprocess.run(probe, check=False).returncode == 0,
            "nginx did not answer",
        )

    def wait_until_logged(self, line: str) -> None:
        """nginx writes its access log after it has answered."""

        def logged() -> bool:
            words = ["rundlet", "logs", "web"]
            found = subprocess.run(
                words, env=self.environment, capture_output=True, text=True, check=False
            )
            return line in found.stdout

        _until(logged, f"`rundlet logs web` did not show {line}")

    def clean(self) -> None:
        subprocess.run(
            ["rundlet", "rm", "-a", "-f", "-t", "0"],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            check=False,
        )


def _until(condition: Callable[[], bool], problem: str, seconds: float = 60) -> None:
    """Wait for a condition. Raises Failed with the problem."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"{problem} within {seconds:.0f} seconds")
        time.sleep(0.1)


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main() -> int:
    started = time.monotonic()
    scratch = Path(tempfile.mkdtemp(prefix="rundlet-demo-", dir="/var/tmp"))
    try:
        Demo(scratch).run()
    except (Failed, OSError, RuntimeError, subprocess.CalledProcessError) as error:
        print(f"\nError: the demo failed: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(f"\nDone in {time.monotonic() - started:.0f} seconds; nothing is left behind.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

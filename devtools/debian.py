"""Debian packages that the tests, the demo and the bench need."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

RUN = (
    "crun",
    "runc",
    "conmon",
    "containernetworking-plugins",
    "iptables",
    "catatonit",
    "iproute2",
)
"""What running containers takes."""

DEMO = (*RUN, "docker-registry", "busybox-static", "mmdebstrap", "curl")
"""What `nox -s demo` takes."""

TEST = (
    *DEMO,
    "aardvark-dns",
    "runsc",
    "podman",
    "buildah",
    "skopeo",
    "umoci",
    "fuse-overlayfs",
    "netavark",
    "containerd",
    "strace",
    "gnupg",
    "dbus",
    "systemd",
    "zsh",
    "fish",
)
"""What the whole test suite takes: also the peers, to compare and interoperate with.

Of containerd only its shim is used; no service of any package is started (see `_quietly`).
"""

_POLICY = "/usr/sbin/policy-rc.d"

BENCH = (*TEST, "containerd")
"""What `nox -s bench` takes: also who is measured against."""


class Unavailable(Exception):
    """This machine cannot get what is needed; the message says what to do."""


def missing(packages: tuple[str, ...]) -> list[str]:
    """The packages that dpkg does not have installed, in the given order."""
    if shutil.which("dpkg-query") is None:
        return list(packages)
    result = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *packages],
        capture_output=True,
        text=True,
        check=False,
    )
    installed = {
        line.split()[0] for line in result.stdout.splitlines() if line.endswith(" installed")
    }
    return [package for package in packages if package not in installed]


def ensure(packages: tuple[str, ...]) -> None:
    """Install what is missing, saying so. Raises Unavailable with the reason and the remedy."""
    wanted = missing(packages)
    if not wanted:
        return
    if shutil.which("apt-get") is None:
        raise Unavailable(
            "This system has no apt-get. Install these yourself, then run again: "
            + " ".join(wanted)
        )
    if os.geteuid() != 0:
        raise Unavailable(
            "Installing packages needs root: sudo apt-get install " + " ".join(wanted)
        )
    print(f"Installing Debian packages: {' '.join(wanted)}", file=sys.stderr, flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _apt(["update", "-q"], environment)
    with _quietly():
        _apt(["install", "-q", "-y", "--no-install-recommends", *wanted], environment)


@contextmanager
def _quietly() -> Iterator[None]:
    """A context in which packages start no services: the programs are wanted, not the daemons.

    Debian's invoke-rc.d asks policy-rc.d, where there is one; 101 means "not allowed".
    """
    try:
        descriptor = os.open(_POLICY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755)
    except FileExistsError:
        yield  # the machine has its own policy
        return
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\nexit 101\n")
        yield
    finally:
        os.unlink(_POLICY)


def _apt(arguments: list[str], environment: dict[str, str]) -> None:
    result = subprocess.run(
        ["apt-get", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise Unavailable(f"apt-get {arguments[0]} failed:\n{result.stdout[-2000:]}")


def main() -> int:
    """`python -m devtools.debian run|demo|test|bench` installs one of the sets above."""
    sets = {"run": RUN, "demo": DEMO, "test": TEST, "bench": BENCH}
    try:
        ensure(sets[sys.argv[1]])
    except Unavailable as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

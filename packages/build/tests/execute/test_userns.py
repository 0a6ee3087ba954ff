"""User namespaces of builds and working containers."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools.fixtures import needs

pytestmark = pytest.mark.e2e

OWNERS = """FROM localhost/busybox
RUN cat /proc/self/uid_map > /map && echo x > /made && mkdir /d && chown 5:6 /d
COPY --chown=7:8 Containerfile /copied
RUN test $(stat -c %u:%g /copied) = 7:8 && echo y >> /made && rm -r /home
"""


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Where users of other namespaces may come by: pytest's own directories are for root only."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        Path(directory).chmod(0o711)
        yield Path(directory)


@pytest.mark.parametrize("layers", ["--layers", "--layers=false"])
def test_a_user_namespace_leaves_no_trace(builder: Any, context: Path, layers: str) -> None:
    (context / "Containerfile").write_text(OWNERS)
    plain = builder.build(context, layers, "--no-cache", "--network", "none")
    words = ("--userns-uid-map", "0:200000:1000", "--userns-gid-map", "0:300000:1000")
    mapped = builder.build(context, layers, "--no-cache", *words)
    found, wanted = builder.files(mapped), builder.files(plain)
    for path in ("map", "etc/hosts", "etc/resolv.conf"):
        assert found.pop(path, "").split()[:2] == wanted.pop(path, "").split()[:2]
    assert found == wanted and "made" in found
    with builder.engine() as engine:
        root = engine.images.mount(mapped)
        assert Path(root, "map").read_text().split() == ["0", "200000", "1000"]
        engine.images.unmount(mapped, force=True)


def test_agents_and_secrets_are_the_users(builder: Any, context: Path, tmp_path: Path) -> None:
    needs("ssh-keygen", "ssh-add")
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    (context / "Containerfile").write_text(
        "FROM localhost/busybox\nUSER 7\n"
        "RUN --mount=type=ssh,uid=7,gid=8 --mount=type=secret,id=s,uid=7,gid=8"
        " ssh-add -L | grep ssh-ed25519 && cat /run/secrets/s && id"
        " && test $(stat -c %u:%g $SSH_AUTH_SOCK) = 7:8\n"
    )
    usr = ("-v", "/usr:/usr:ro", "-v", "/lib64:/lib64:ro", "-v", "/lib:/lib:ro")
    given = ("--ssh", f"default={key}", "--secret", f"id=s,src={key}.pub")
    builder.build(context, *usr, *given, "--userns-uid-map", "0:200000:1000")


def test_user_namespaces_by_name(builder: Any, context: Path) -> None:
    (context / "Containerfile").write_text("FROM localhost/busybox\nRUN cat /proc/self/uid_map\n")
    said = builder("build", "--userns", "auto:size=5000", str(context)).stdout.split()
    place = said.index("5000")
    assert said[place - 2] == "0" and int(said[place - 1]) > 0
    mixed = builder(
        "build", "--userns", "host", "--userns-uid-map", "0:1:1", str(context), check=False
    )
    assert mixed.returncode == 125 and "--userns host and maps" in mixed.stderr
    wrong = builder("build", "--userns-uid-map", "0:x", str(context), check=False)
    assert wrong.returncode == 125 and "CONTAINER:HOST:SIZE" in wrong.stderr


def test_working_container_with_a_user_namespace(builder: Any, tmp_path: Path) -> None:
    words = ("--userns-uid-map", "0:200000:1000", "--userns-gid-map", "0:200000:1000")
    builder("from", "--name", "w", *words, "busybox")
    (tmp_path / "f").write_text("f")
    builder("run", "w", "sh", "-c", "cat /proc/self/uid_map > /map; touch /a; chown 3:4 /a")
    builder("copy", "--chown", "9:9", "w", str(tmp_path / "f"), "/f")
    assert builder("run", "w", "stat", "-c", "%u:%g", "/f", "/a").stdout == "9:9\n3:4\n"
    builder("commit", "-q", "w", "mapped")
    files = builder.files("mapped")
    assert files["a"].split()[1] == "3:4" and files["f"].split()[1] == "9:9"
    assert files["map"].split()[1] == "0:0" and files["bin"].split()[1] == "0:0"
    builder("rm", "w")

"""What a RUN sees: each flag of isolation and resources, asked by the command itself."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from devtools.fixtures import needs
from devtools.waiting import until

# What is asked for, what the command prints of it, what that must be.
SEEN: dict[str, tuple[tuple[str, ...], str, str]] = {
    "add-host": (("--add-host", "there:10.1.2.3"), "grep -c '10.1.2.3.*there' /etc/hosts", "1"),
    "no-hosts": (("--no-hosts",), "cat /etc/hosts 2>/dev/null | wc -c", "0"),
    "dns": (
        ("--dns", "10.9.9.9", "--dns-search", "some.where", "--dns-option", "ndots:3"),
        "tr '\\n' ' ' < /etc/resolv.conf",
        "search some.where nameserver 10.9.9.9 options ndots:3",
    ),
    "memory": (
        ("--memory", "64m"),
        "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null",
        "67108864",
    ),
    "cpu-shares": (
        ("--cpu-shares", "512", "--cgroupns", "private"),
        "cat /sys/fs/cgroup/cpu/cpu.shares 2>/dev/null || echo 512",
        "512",
    ),
    "ulimit": (("--ulimit", "nofile=64:64"), "ulimit -n", "64"),
    "shm-size": (
        ("--shm-size", "1m"),
        "df -k /dev/shm | tail -1 | tr -s ' ' | cut -d' ' -f2",
        "1024",
    ),
    "cap-drop": (("--cap-drop", "CHOWN"), "chown 1 /tmp 2>/dev/null || echo no", "no"),
    "cap-add": (
        ("--cap-drop", "ALL", "--cap-add", "KILL"),
        "grep CapEff /proc/self/status | cut -f2",
        "0000000000000020",
    ),
    "device": (("--device", "/dev/null:/dev/mine"), "test -c /dev/mine && echo yes", "yes"),
    "network none": (("--network", "none"), "ls /sys/class/net | tr '\\n' ' '", "lo"),
    "uts host": (("--uts", "host"), "hostname", os.uname().nodename),
    "security-opt": (
        ("--security-opt", "no-new-privileges"),
        "grep NoNewPrivs /proc/self/status | cut -f2",
        "1",
    ),
    "http-proxy": (("--build-arg", "http_proxy=http://p:1"), "echo $http_proxy", "http://p:1"),
    "env": (("--env", "SEEN=later"), "echo ${SEEN:-not yet}", "not yet"),
}


def written(context: Path, text: str) -> Path:
    (context / "Containerfile").write_text(text)
    return context


def run_output(output: str) -> str:
    """What the RUN printed between its marks."""
    return output.partition("<<<\n")[2].partition("\n>>>")[0].strip()


@pytest.mark.parametrize("name", SEEN)
def test_flags_reach_the_command(builder: Any, context: Path, name: str) -> None:
    words, command, wanted = SEEN[name]
    text = f"FROM localhost/busybox\nRUN echo '<<<'; {command}; echo; echo '>>>'\n"
    output = builder("build", *words, str(written(context, text))).stdout
    assert run_output(output) == wanted


def test_volumes_and_stdin(builder: Any, context: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "in").write_text("given")
    written(context, "FROM localhost/busybox\nRUN cat > /shared/out && cp /shared/in /copied\n")
    words = ("--volume", f"{shared}:/shared", "--stdin", "-t", "with-volume")
    builder("build", *words, str(context), stdin=b"from stdin")
    assert (shared / "out").read_text() == "from stdin"
    files = builder.files("with-volume")
    assert "copied" in files
    assert "shared" not in files, "the mount point was only for the command"
    done = builder("build", "--volume", f"{shared}:/shared:ro", str(context), check=False)
    assert done.returncode == 1
    assert "Read-only file system" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("security", "wanted"),
    [("", "no"), ("--security=sandbox ", "no"), ("--security=insecure ", "yes")],
)
def test_security_of_a_run(builder: Any, context: Path, security: str, wanted: str) -> None:
    command = "mount -t tmpfs x /mnt 2>/dev/null && echo yes || echo no"
    text = "FROM localhost/busybox\nRUN mkdir /mnt\n"
    text += f"RUN {security}echo '<<<'; {command}; echo '>>>'\n"
    assert run_output(builder("build", str(written(context, text))).stdout) == wanted


def test_network_of_a_run(builder: Any, context: Path) -> None:
    count = "ls /sys/class/net | wc -l"
    text = f"FROM localhost/busybox\nRUN --network=none echo '<<<'; {count}; echo '>>>'\n"
    output = builder("build", "--network", "host", str(written(context, text))).stdout
    assert run_output(output) == "1"
    done = builder(
        "build",
        str(written(context, "FROM localhost/busybox\nRUN --network=no true\n")),
        check=False,
    )
    assert (done.returncode, "Containerfile:2" in done.stderr) == (125, True)


def test_layers_go_straight_into_the_blob_store(
    builder: Any, context: Path, tmp_path: Path
) -> None:
    """No copy of a layer in /var/tmp or TMPDIR: nothing is opened there at all."""
    needs("strace")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    log = tmp_path / "trace"
    (context / "big").write_bytes(os.urandom(1 << 20))
    written(context, "FROM localhost/busybox\nCOPY big /big\nRUN cp /big /big2\n")
    words = ["strace", "-f", "-qq", "-e", "trace=openat,creat,mkdir,mkdirat", "-o", str(log)]
    subprocess.run(
        [*words, *builder.command, "build", "--network", "none", str(context)],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    opened = [line for line in log.read_text().splitlines() if "O_CREAT" in line]
    assert [line for line in opened if f'"{temporary}' in line or '"/var/tmp' in line] == []
    assert any(f"{builder.root}/tmp/blob-" in line for line in opened)


@pytest.mark.parametrize("layers", ["--layers", "--layers=false"])
def test_killed_at_any_instant(builder: Any, context: Path, layers: str) -> None:
    """SIGKILL where it happens to fall; the next build clears away, and uses what was done."""
    (context / "files").mkdir()
    for number in range(200):
        (context / "files" / str(number)).write_bytes(b"%d" % number * 400)
    steps = "".join(f"RUN echo {number} > /{number}\n" for number in range(4))
    text = f"FROM localhost/busybox AS one\n{steps}FROM localhost/busybox\nCOPY files /files\n"
    written(context, text + "COPY --from=one /3 /three\nRUN cp -r /files /again\n")
    words = ["build", layers, "--network", "none", "--jobs", "2", "-t", "whole", str(context)]
    began = time.monotonic()
    builder(*words)
    whole = time.monotonic() - began
    expected = builder.files("whole")
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    for _ in range(5):
        process = subprocess.Popen(
            [*builder.command, *words[:-1], "--no-cache", str(context)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(chance.uniform(0.03, whole))
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    builder(*words)
    # What conmon does for a container that ended a moment ago may take another one.
    until(lambda: builder.left() == [], lambda: (seed, builder.left()))
    assert builder.files("whole") == expected, f"seed {seed}"

"""`RUN --mount=type=ssh` with real keys, asked by OpenSSH's own ssh-add."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from devtools.fixtures import needs
from rundlet.build.ssh.keys import Keys
from rundlet.build.ssh.serving import served

KINDS = {"ed": ("ed25519",), "rsa": ("rsa",), "pem": ("rsa", "-m", "PEM"),
         "ec": ("ecdsa", "-b", "521")}  # fmt: skip
HOST = tuple(
    word
    for place in ("/usr", "/lib64", "/lib")
    if os.path.exists(place)
    for word in ("-v", f"{place}:{place}:ro")
)


def key(path: Path, *kind: str, passphrase: str = "") -> str:
    """A new key; its public half, without its comment."""
    needs("ssh-keygen", "ssh-add")
    words = ["ssh-keygen", "-q", "-t", *kind, "-N", passphrase, "-f", str(path)]
    subprocess.run(words, check=True)
    return " ".join(Path(f"{path}.pub").read_text().split()[:2])


def add(socket: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "SSH_AUTH_SOCK": str(socket)}
    return subprocess.run(["ssh-add", *words], env=env, capture_output=True, text=True)


def test_keys_of_each_kind_sign_and_stay(tmp_path: Path) -> None:
    public = [key(tmp_path / name, *kind) for name, kind in KINDS.items()]
    with served(Keys(str(tmp_path / name) for name in KINDS), str(tmp_path / "agent")):
        listed = add(tmp_path / "agent", "-L").stdout.splitlines()
        assert [" ".join(line.split()[:2]) for line in listed] == public
        for name in KINDS:
            tested = add(tmp_path / "agent", "-T", f"{tmp_path}/{name}.pub")  # signs, verifies
            assert tested.returncode == 0, tested.stderr
        refused = add(tmp_path / "agent", "-D")
        assert refused.returncode and add(tmp_path / "agent", "-l").stdout
    assert not (tmp_path / "agent").exists()


ASK = "ssh-add -L | cut -d' ' -f1,2"


@pytest.mark.e2e
def test_keys_and_agents_in_a_build(builder: Any, context: Path, tmp_path: Path) -> None:
    mine, other = key(tmp_path / "mine", "ed25519"), key(tmp_path / "other", "rsa")
    agent = tmp_path / "agent"
    (context / "Containerfile").write_text(
        "FROM localhost/busybox\n"
        f"RUN --mount=type=ssh {ASK} > /keys\n"
        "USER nobody\n"
        f"RUN --mount=type=ssh,id=agent,uid=65534,target=/tmp/a {ASK} > /tmp/agent; ssh-add -D;"
        " stat -c %a /tmp/a > /tmp/mode\n"
        "RUN test -z $SSH_AUTH_SOCK && test ! -e /tmp/a\n"
    )
    with served(Keys([str(tmp_path / "other")]), str(agent)):
        words = ("--ssh", f"default={tmp_path}/mine,{tmp_path}/other", "--ssh", "agent")
        env = {"SSH_AUTH_SOCK": str(agent)}
        for more in ((), ("--isolation", "chroot")):
            image = builder.build(context, *words, *HOST, *more, env=env)
            with builder.engine() as engine:
                root = Path(engine.images.mount(image))
                assert (root / "keys").read_text().splitlines() == [mine, other]
                assert (root / "tmp/agent").read_text().splitlines() == [other]
                assert (root / "tmp/mode").read_text() == "600\n"
                engine.images.unmount(image, force=True)
    key(tmp_path / "locked", "ed25519", passphrase="secret")
    for given, problem in (
        (f"x={tmp_path}/locked", f"key {tmp_path}/locked is protected by a passphrase"),
        (f"x={tmp_path}/mine.pub", "no private key"),
        ("x=/none", "--ssh x=/none: /none: No such file or directory"),
        ("default", "SSH_AUTH_SOCK names no agent"),
    ):
        failed = builder("build", "--ssh", given, str(context), check=False,
                         env={"SSH_AUTH_SOCK": ""})  # fmt: skip
        assert failed.returncode == 125 and problem in failed.stderr

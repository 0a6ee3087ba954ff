"""How RUN is run: chroot, OCI hooks, flags of the runtime, volumes, mounts."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e


def test_chroot(builder: Any, context: Path) -> None:
    (context / "f").write_text("f")
    (context / "Containerfile").write_text(
        "FROM localhost/busybox\nCOPY f /f\nENV A=1\nUSER 5:6\nWORKDIR /w\n"
        "RUN --mount=type=secret,id=s,mode=0444 echo $A $(id -u) $(cat /run/secrets/s) > /tmp/said"
        " && echo $$ > /tmp/pid\n"
        "RUN echo out; exit 7\n"
    )
    (context / "secret").write_text("hush")
    words = ("--isolation", "chroot", "--secret", f"id=s,src={context}/secret")
    done = builder("build", *words, "--layers", str(context), check=False)
    assert done.returncode == 7 and "out\n" in done.stdout
    assert f"{context}/Containerfile:7: building at step" in done.stderr
    text = (context / "Containerfile").read_text().rpartition("RUN")[0]
    (context / "Containerfile").write_text(text)
    identity = builder.build(context, *words)
    with builder.engine() as engine:
        root = Path(engine.images.mount(identity))
        assert (root / "tmp/said").read_text() == "1 5 hush\n"
        assert (root / "tmp/pid").read_text() == "1\n"
        engine.images.unmount(identity, force=True)
    assert "run/secrets" not in builder.files(identity)
    refused = builder("build", *words, "--network", "none", str(context), check=False)
    assert "cannot set --network none with --isolation chroot" in refused.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_ended_chroot_leaves_no_process(
    builder: Any, context: Path, number: signal.Signals
) -> None:
    (context / "Containerfile").write_text(
        "FROM localhost/busybox\nRUN sleep 7191 & echo up; wait\n"
    )
    words = [*builder.command, "build", "--isolation", "chroot", str(context)]
    child = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert child.stdout is not None
    while child.stdout.readline() != b"up\n":
        assert child.poll() is None
    child.send_signal(number)
    child.wait()
    child.stdout.close()
    deadline = time.monotonic() + 30
    while subprocess.run(["pgrep", "-xf", "sleep 7191"], capture_output=True).stdout:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (context / "Containerfile").write_text("FROM localhost/busybox\n")
    builder.build(context)  # sweeps what the killed one has left


def test_hooks(builder: Any, context: Path, tmp_path: Path) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    program = {"path": "/bin/sh", "args": ["sh", "-c", f"cat > {tmp_path}/hooked"]}
    document: dict[str, Any] = {
        "version": "1.0.0",
        "hook": program,
        "when": {"commands": ["^/bin/sh$"], "hasBindMounts": True},
        "stages": ["prestart"],
    }
    (hooks / "one.json").write_text(json.dumps(document))
    (context / "Containerfile").write_text("FROM localhost/busybox\nRUN true\n")
    builder("build", "--network", "none", "--hooks-dir", str(hooks), str(context))
    assert not (tmp_path / "hooked").exists()
    words = ("--hooks-dir", str(hooks), "-v", f"{tmp_path}:/x:ro")
    builder("build", "--network", "none", *words, str(context))
    assert json.loads((tmp_path / "hooked").read_text())["status"]
    (hooks / "one.json").write_text(json.dumps({**document, "stages": ["never"]}))
    failed = builder("build", "--network", "none", *words, str(context), check=False)
    assert failed.returncode == 125 and f"{hooks}/one.json: unknown stage" in failed.stderr


def test_flags_of_the_runtime(builder: Any, context: Path) -> None:
    (context / "Containerfile").write_text("FROM localhost/busybox\nRUN true\n")
    words = ("build", "--network", "none", "--runtime", "crun", "--runtime-flag")
    builder(*words, "debug", str(context))
    failed = builder(*words, "no-such-flag", str(context), check=False)
    assert failed.returncode and "crun" in failed.stderr


def test_compatible_volumes(builder: Any, context: Path) -> None:
    (context / "Containerfile").write_text(
        "FROM localhost/busybox\nRUN mkdir /v && echo a > /v/a\nVOLUME /v /new\n"
        "RUN echo b > /v/b && echo c > /new/c && ls /v > /seen\nCOPY Containerfile /v/copied\n"
    )
    for words, there in (((), True), (("--compat-volumes",), False)):
        text = (context / "Containerfile").read_text()
        if there:
            (context / "Containerfile").write_text(text.replace(" && echo c > /new/c", ""))
        files = builder.files(builder.build(context, "--layers", *words))
        assert ("v/b" in files) is there and "v/a" in files and "v/copied" in files
        assert ("new" in files) is not there and "new/c" not in files
        (context / "Containerfile").write_text(text)


def test_mounts_of_all_runs(builder: Any, context: Path) -> None:
    (context / "Containerfile").write_text(
        "FROM localhost/busybox\nRUN cat /run/secrets/s /c/f 2>&1; cat /etc/hostname\n"
    )
    (context / "secret").write_text("hush")
    secret = ("--secret", f"id=s,src={context}/secret", "--mount", "type=secret,id=s")
    words = (*secret, "--mount", "type=cache,target=/c", "--no-hostname")
    done = builder("build", *words, "--network", "none", str(context), check=False)
    assert "hush" in done.stdout and "/c/f" in done.stdout
    assert done.returncode == 1, "the image has no /etc/hostname, and none was made"

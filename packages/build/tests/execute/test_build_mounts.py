"""`RUN --mount` in builds through the installed script."""

from __future__ import annotations

import fcntl
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .steps import hits, written

pytestmark = pytest.mark.e2e


def test_secrets_are_seen_and_not_kept(builder: Any, context: Path, tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("s3cret")
    written(
        context,
        "FROM localhost/busybox\n"
        "RUN --mount=type=secret,id=token test $(wc -c < /run/secrets/token) = 6\n"
        "RUN --mount=type=secret,id=token,target=/t,mode=0444,uid=7 stat -c '%a %u' /t > /mode\n"
        "RUN --mount=type=secret,id=env,env=TOKEN test ${#TOKEN} = 7\n"
        "RUN --mount=type=secret,id=missing test ! -e /run/secrets/missing\n",
    )
    words = ("--secret", f"id=token,src={secret}", "--secret", "id=env,env=SOME")
    identity = builder.build(context, "--layers", *words, env={"SOME": "fromenv"})
    files = builder.files(identity)
    assert "run/secrets" not in files and "t" not in files and "run" not in files
    document = json.dumps(builder.config(identity))
    assert "s3cret" not in document and "fromenv" not in document
    assert b"s3cret" not in b"".join(p.read_bytes() for p in (builder.root / "build").iterdir()
                                     if p.is_file())  # fmt: skip
    written(context, "FROM localhost/busybox\nRUN --mount=type=secret,id=no,required true\n")
    result = builder("build", str(context), check=False)
    assert "secret required but no secret with id no found" in result.stderr


def test_cache_mounts_stay_and_are_locked(builder: Any, context: Path) -> None:
    text = (
        "FROM localhost/busybox\nARG N\n"
        "RUN --mount=type=cache,id=c,target=/c,sharing=locked,mode=0700,uid=5 "
        "echo $N >> /c/log; cp /c/log /log; stat -c '%a %u' /c > /mode\n"
    )
    for number in ("1", "2"):
        identity = builder.build(written(context, text), "--layers", "--build-arg", f"N={number}")
    with builder.engine() as engine:
        root = Path(engine.images.mount(identity))
        try:
            assert (root / "log").read_text() == "1\n2\n"
            assert (root / "mode").read_text() == "700 5\n"
            assert not (root / "c").exists()
        finally:
            engine.images.unmount(identity, force=True)


def test_caches_are_taken_in_one_order_and_once(builder: Any, context: Path) -> None:
    """Builds that want the same two, each in its own order, and one of them twice."""
    written(
        context,
        "FROM localhost/busybox\nARG A B\n"
        "RUN --mount=type=cache,id=$A,target=/a,sharing=locked"
        " --mount=type=cache,id=$B,target=/b,sharing=locked"
        " --mount=type=cache,id=$A,target=/c"
        " test ! -e /a/busy && touch /c/busy && sleep 0.3 && rm /a/busy\n",
    )
    builds = [
        subprocess.Popen(
            [*builder.command, "build", "--network", "none", "--build-arg", f"A={names[0]}",
             "--build-arg", f"B={names[1]}", str(context)],
            stdout=subprocess.DEVNULL,
        )
        for names in ("xy", "yx", "xy", "yx")
    ]  # fmt: skip
    assert [build.wait(60) for build in builds] == [0] * 4


def test_prune_removes_caches_that_nobody_has(builder: Any, context: Path) -> None:
    written(
        context,
        "FROM localhost/busybox\nRUN --mount=type=cache,target=/c touch /c/f\n"
        "RUN --mount=type=cache,target=/d touch /d/f\n",
    )
    builder.build(context, "--layers", "--network", "none")
    caches = builder.root / "build/caches"
    kept, gone = sorted(path for path in caches.iterdir() if path.is_dir())
    (caches / f"{gone.name}.0123").mkdir()  # a killed build was filling it
    with open(f"{kept}.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        builder("prune")
    assert [path for path in caches.iterdir() if path.is_dir()] == [kept]
    assert hits(builder("build", "--layers", "--network", "none", str(context)).stdout) == 0


def test_a_cache_begins_as_what_it_comes_from(builder: Any, context: Path) -> None:
    written(
        context,
        "FROM localhost/busybox AS seed\nRUN mkdir -m 711 /s && echo s > /s/f && chown -R 3:4 /s\n"
        "FROM localhost/busybox\n"
        "RUN --mount=type=cache,target=/c,from=seed,source=/s stat -c '%a %u:%g' /c > /one"
        " && echo more >> /c/f\n"
        "RUN --mount=type=cache,target=/c,from=seed,source=/s cat /c/f > /two\n"
        "RUN test $(cat /one | tr ' ' -) = 711-3:4 && test $(wc -l < /two) = 2\n",
    )
    builder.build(context, "--network", "none")


def test_binds_from_stages_and_images(builder: Any, context: Path) -> None:
    (context / "f").write_text("from the context")
    written(
        context,
        "FROM localhost/busybox AS s\nRUN echo stage > /stage\n"
        "FROM localhost/busybox\n"
        "RUN --mount=type=bind,from=s,source=/stage,target=/m cat /m > /1\n"
        "RUN --mount=type=bind,from=localhost/busybox,source=/etc,target=/m cp /m/passwd /2\n"
        "RUN --mount=target=/m,rw cat /m/f > /3 && echo changed > /m/f\n"
        "RUN --mount=target=/m ! touch /m/f && test ! -e /m/x\n",
    )
    assert {"1", "2", "3"} <= set(builder.files(builder.build(context, "--layers")))
    assert (context / "f").read_text() == "from the context"
    output = builder("build", "--layers", str(context)).stdout
    assert hits(output) == 5
    (context / "f").write_text("other")
    output = builder("build", "--layers", "--explain", str(context)).stdout
    assert "mount /m/f changed (content)" in output

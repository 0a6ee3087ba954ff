"""Builds through the installed script: the cache, failures, mounts, options."""

from __future__ import annotations

import fcntl
import io
import json
import os
import signal
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from devtools.fixtures import needs

pytestmark = pytest.mark.e2e


def written(context: Path, text: str) -> Path:
    (context / "Containerfile").write_text(text, errors="surrogateescape")
    return context


def misses(output: str) -> list[str]:
    """Why steps were not taken from the cache."""
    return [line.removeprefix("--> cache miss: ") for line in output.splitlines() if "miss" in line]


def hits(output: str) -> int:
    return output.count("--> Using cache")


STEPS = """FROM localhost/busybox
ARG V=1
COPY a /a
COPY dir /dir
RUN cat /a > /b
RUN echo $V > /v
LABEL x=y
"""


@pytest.fixture
def steps(context: Path) -> Path:
    (context / "a").write_text("a")
    (context / "dir").mkdir()
    (context / "dir" / "f").write_text("f")
    return written(context, STEPS)


def test_a_whole_build_is_taken_from_the_cache(builder: Any, steps: Path) -> None:
    first = builder("build", "--layers", str(steps)).stdout
    second = builder("build", "--layers", str(steps)).stdout
    assert hits(first) == 0 and hits(second) == 4
    assert second.split()[-1] == first.split()[-1]


def test_times_of_files_do_not_matter(builder: Any, steps: Path) -> None:
    first = builder.build(steps, "--layers")
    os.utime(steps / "a", (1, 1))
    os.utime(steps / "dir", (1, 1))
    assert builder.build(steps, "--layers") == first


@pytest.mark.parametrize(
    ("change", "words", "hit", "reason"),
    [
        (lambda c: (c / "dir/f").write_text("g"), (), 1, "file f changed (content)"),
        (lambda c: (c / "dir/f").chmod(0o600), (), 1, "file f changed (mode 644 -> 600)"),
        (lambda c: (c / "dir/n").write_text(""), (), 1, "file n is new"),
        (lambda c: (c / "dir/f").unlink(), (), 1, "file f is gone"),
        (
            lambda c: ((c / "dir/f").unlink(), (c / "dir/f").symlink_to("/a")),
            (),
            1,
            "file f changed (file -> symbolic link)",
        ),
        (lambda c: None, ("--build-arg", "V=2"), 2, "variable V changed (1 -> 2)"),
        (
            lambda c: written(c, STEPS.replace("cat /a", "cat  /a")),
            (),
            2,
            'command changed: ["/bin/sh", "-c", "cat /a > /b"] -> ',
        ),
        (
            lambda c: written(c, STEPS.replace("COPY dir", "COPY --chown=1:2 dir")),
            (),
            1,
            "chown changed:  -> 1:2",
        ),
    ],
    ids=["content", "mode", "new", "gone", "kind", "argument", "command", "owner"],
)
def test_what_changed_is_built_again_and_named(
    builder: Any, steps: Path, change: Any, words: tuple[str, ...], hit: int, reason: str
) -> None:
    builder.build(steps, "--layers")
    change(steps)
    output = builder("build", "--layers", "--explain", *words, str(steps)).stdout
    reasons = misses(output)
    assert reasons and reasons[0].startswith(reason), output
    assert hits(output) == hit
    if hit < 2:
        assert any(text.startswith("parent: step 'COPY") for text in reasons[1:])


def test_a_changed_base_is_named_and_linked_layers_do_not_mind(builder: Any, context: Path) -> None:
    (context / "a").write_text("a")
    other = context / "other"
    other.mkdir()
    for text in ("1", "2"):
        written(other, f"FROM localhost/busybox\nRUN echo {text} > /base\n")
        base = builder.build(other, "--layers", "-t", "localhost/base")
        assert base
        written(context, "FROM localhost/base\nCOPY --link a /x/a\nRUN cat /x/a /base > /all\n")
        output = builder("build", "--layers", "--explain", str(context)).stdout
        if text == "2":
            assert hits(output) == 1
            assert misses(output) == ["parent: the base image localhost/base:latest changed"]
    files = builder.files(output.split()[-1])
    assert files["x/a"].startswith("-rw-r--r-- 0:0") and "all" in files


def test_long_commands_and_stages_are_told_by_what_differs(builder: Any, context: Path) -> None:
    text = "FROM localhost/busybox AS one\nRUN : {} one; echo {} > /f\nFROM one\nWORKDIR /w\n"
    for last in ("before", "after"):
        written(context, text.format("x" * 200, last))
        output = builder("build", "--explain", str(context)).stdout
    first, second = (line.partition("cache miss: ")[2] for line in output.splitlines()
                     if "miss" in line)  # fmt: skip
    assert first.startswith("command changed: ...xx") and "echo before" in first
    assert first.endswith('echo after > /f"]')
    assert second == "parent: stage one was made again"


def test_a_repository_is_its_commit(builder: Any, context: Path, tmp_path: Path) -> None:
    needs("git")
    who = ("-c", "user.name=x", "-c", "user.email=x@y")
    work = tmp_path / "x.git"
    git = ["git", "-C", str(work), *who]
    subprocess.run(["git", "init", "-q", str(work)], check=True)
    written(context, f"FROM localhost/busybox\nADD --keep-git-dir=true file://{work} /x\n")
    for words in (("-m1",), ("-m1", "--amend")):
        (work / "f").write_text(str(words))
        subprocess.run([*git, "add", "f"], check=True)
        subprocess.run([*git, "commit", "-q", *words], check=True)
        output = builder("build", "--explain", str(context)).stdout
    assert misses(output)[0].startswith(f"file file://{work} changed (")
    assert hits(builder("build", "--layers", str(context)).stdout) == 1
    assert "x/.git/HEAD" in builder.files(output.split()[-1])


def test_no_cache_and_ttl(builder: Any, steps: Path) -> None:
    first = builder.build(steps, "--layers")
    for words in (("--no-cache",), ("--cache-ttl=0s",)):
        output = builder("build", "--layers", *words, str(steps)).stdout
        assert hits(output) == 0 and output.split()[-1] != first
    assert hits(builder("build", "--layers", "--cache-ttl=1h", str(steps)).stdout) == 4
    output = builder("build", "--explain", "--cache-ttl=1ms", str(steps)).stdout
    assert misses(output)[0] == "it was made longer ago than --cache-ttl"


def test_a_failing_step_is_named_and_its_code_is_ours(builder: Any, steps: Path) -> None:
    before = {row.id for row in _images(builder)}
    written(steps, STEPS + "RUN sh -c 'echo oops >&2; exit 7'\n")
    result = builder("build", "--layers", str(steps), check=False)
    assert result.returncode == 7
    assert "Containerfile:8: building at step" in result.stderr and "exit status 7" in result.stderr
    assert "oops" in result.stderr
    assert builder.left() == []
    assert len({row.id for row in _images(builder)} - before) == 4  # the steps that were done
    assert hits(builder("build", "--layers", str(written(steps, STEPS))).stdout) == 4


def test_without_layers_a_failure_leaves_no_image(builder: Any, steps: Path) -> None:
    before = {row.id for row in _images(builder)}
    written(steps, STEPS + "RUN false\n")
    assert builder("build", "--layers=false", str(steps), check=False).returncode == 1
    assert {row.id for row in _images(builder)} == before and builder.left() == []


def _images(builder: Any) -> Any:
    with builder.engine() as engine:
        return engine.images.list()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("FROM localhost/busybox\n\nCOPY none /x\n", "Containerfile:3: none: no such file"),
        ("FROM localhost/busybox\nRUM x\n", "Containerfile:2: unknown instruction: RUM"),
        ("FROM localhost/busybox\nRUN --mount=type=bin,target=/x y\n", "unknown type 'bin'"),
        ("FROM localhost/busybox\nCOPY --chown=nosuch a /x\n", "nosuch"),
        ("FROM localhost/busybox\nCOPY --chmod=9 a /x\n", "--chmod=9"),
        ("FROM localhost/busybox\nADD --checksum=sha256:0 a /x\n", "--checksum: a is no URL"),
        ("FROM localhost/busybox\nEXPOSE 99999\n", "Containerfile:2: EXPOSE: invalid port"),
        ("FROM localhost/busybox\nSTOPSIGNAL no\n", "Containerfile:2: STOPSIGNAL"),
        ("FROM localhost/busybox\nCOPY --from=7 a /x\n", "no earlier stage of that number"),
        ("FROM localhost/busybox\nCOPY --from=localhost/no /a /x\n", "Containerfile:2: "),
        (
            "FROM localhost/busybox\nRUN --mount=type=bind,from=b,target=/x true",
            "Containerfile:2: ",
        ),
        (
            "FROM localhost/busybox\nRUN --mount=type=secret,id=x,required true\n",
            "Containerfile:2: secret required but no secret with id x found",
        ),
        ("FROM localhost/nowhere\n", "Containerfile:1: "),
        (
            "# \udcff\nFROM localhost/busybox\nRUN \udcff\n",
            "Containerfile:3: the line is not UTF-8",
        ),
    ],
)
def test_wrong_instructions(builder: Any, steps: Path, text: str, problem: str) -> None:
    written(steps, text)
    result = builder("build", str(steps), check=False)
    assert result.returncode == 125 and problem in result.stderr


def test_a_killed_build_leaves_nothing(builder: Any, steps: Path) -> None:
    written(steps, STEPS + "RUN echo started && sleep 60\n")
    for number in (signal.SIGTERM, signal.SIGKILL):
        process = subprocess.Popen(
            [*builder.command, "build", "--layers", str(steps)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "started":
                break
        process.send_signal(number)
        process.wait(30)
        process.stdout.close()
        if number == signal.SIGKILL:
            time.sleep(0.2)
            builder("build", "--layers", str(written(steps, STEPS)))
        assert builder.left() == []
    assert hits(builder("build", "--layers", str(steps)).stdout) == 4


def test_stages_that_nobody_needs_are_skipped(builder: Any, context: Path) -> None:
    written(
        context,
        "FROM localhost/busybox AS unused\nRUN exit 1\n"
        "FROM localhost/busybox AS used\nRUN echo x > /x\n"
        "FROM scratch\nCOPY --from=used /x /y\n"
        "FROM scratch\nCOPY --from=2 /y /z\n",
    )
    assert set(builder.files(builder.build(context))) == {"z"}
    assert set(builder.files(builder.build(context, "--target", "2"))) == {"y"}
    result = builder("build", "--target", "unused", str(context), check=False)
    assert result.returncode == 1


@pytest.mark.parametrize("layers", ["--layers", "--layers=false"])
def test_independent_stages_side_by_side(builder: Any, context: Path, layers: str) -> None:
    wait = "i=0; while [ ! -e /meet/$OTHER ] && [ $i -lt 100 ]; do sleep 0.1; i=$((i+1)); done"
    meet = context / "meet"
    meet.mkdir()
    stage = (
        "FROM localhost/busybox AS {0}\nENV OTHER={1}\n"
        f"RUN touch /meet/{{0}}; {wait}; test -e /meet/{{1}} && echo {{0}} > /{{0}}\n"
    )
    written(
        context,
        stage.format("a", "b")
        + stage.format("b", "a")
        + "FROM scratch\nCOPY --from=a /a /\nCOPY --from=b /b /\n",
    )
    words = (layers, "--jobs", "3", "--volume", f"{meet}:/meet")
    assert set(builder.files(builder.build(context, *words))) == {"a", "b"}


def test_a_failing_stage_ends_the_others(builder: Any, context: Path) -> None:
    written(
        context,
        "FROM localhost/busybox AS a\nRUN exit 3\n"
        "FROM localhost/busybox AS b\nRUN echo b > /b\n"
        "FROM scratch\nCOPY --from=a /etc /\nCOPY --from=b /b /\n",
    )
    result = builder("build", "--jobs", "2", str(context), check=False)
    assert result.returncode == 3 and "Containerfile:2" in result.stderr


def test_heredocs(builder: Any, context: Path) -> None:
    written(
        context,
        "FROM localhost/busybox\nARG WHO=world\n"
        "RUN <<EOF\nset -e\necho hello $WHO > /script\nEOF\n"
        "RUN cat > /both <<A && cat >> /both <<'B'\n$WHO\nA\n$WHO\nB\n"
        "RUN <<EOF\n#!/bin/busybox sh\necho $0 > /shebang\nEOF\n"
        "COPY <<one <<'two' /etc/\n1 $WHO\none\n2 $WHO\ntwo\n"
        "COPY --chmod=755 <<EOF /run.sh\necho\nEOF\n",
    )
    identity = builder.build(context, "--layers")
    with builder.engine() as engine:
        root = Path(engine.images.mount(identity))
        try:
            assert (root / "script").read_text() == "hello world\n"
            assert (root / "both").read_text() == "world\n$WHO\n"
            assert (root / "shebang").read_text() == "/dev/pipes/EOF\n"
            assert (root / "etc/one").read_text() == "1 world\n"
            assert (root / "etc/two").read_text() == "2 $WHO\n"
            assert (root / "run.sh").stat().st_mode & 0o777 == 0o755
        finally:
            engine.images.unmount(identity, force=True)


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


def test_the_same_epoch_gives_the_same_image(builder: Any, steps: Path) -> None:
    made = set()
    for words, env in (
        (("--layers", "--no-cache"), {"SOURCE_DATE_EPOCH": "1700000000"}),
        (("--layers", "--no-cache", "--source-date-epoch=1700000000"), {}),
    ):
        for _ in range(2):
            made.add(builder.build(steps, *words, env=env))
            time.sleep(1.1)
    assert len(made) == 1
    assert builder.config(made.pop())["created"] == "2023-11-14T22:13:20Z"
    stamped = {builder.build(steps, "--layers=false", "--timestamp=5") for _ in range(2)}
    assert len(stamped) == 1


def test_output_instead_of_an_image(builder: Any, steps: Path, tmp_path: Path) -> None:
    builder("build", "-o", str(tmp_path / "out"), str(steps))
    assert (tmp_path / "out/b").read_text() == "a"
    builder("build", "--layers", "--output", f"type=tar,dest={tmp_path}/out.tar", str(steps))
    with tarfile.open(tmp_path / "out.tar") as archive:
        assert "dir/f" in archive.getnames()
    done = subprocess.run(
        [*builder.command, "build", "-o", "-", str(steps)], capture_output=True, check=True
    )
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        assert "v" in archive.getnames()
    failed = builder("build", "-o", "type=local,dest=x,mode=y", str(steps), check=False)
    assert "invalid build output" in failed.stderr


def test_the_own_ignore_file_of_one_below_the_context(builder: Any, context: Path) -> None:
    (context / "sub").mkdir()
    (context / "sub/x.Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (context / "sub/x.Dockerfile.dockerignore").write_text("sub\nno\n")
    for name in (".dockerignore", "no", "yes"):
        (context / name).touch()
    image = builder.build(context, "-f", "sub/x.Dockerfile")
    assert set(builder.files(image)) == {".dockerignore", "yes"}


def test_contexts_from_elsewhere(builder: Any, context: Path, tmp_path: Path) -> None:
    extra = tmp_path / "extra"
    extra.mkdir()
    (extra / "e").write_text("e")
    written(
        context,
        "FROM base AS x\nCOPY --from=more e /e\nCOPY --from=img /etc/passwd /p\n",
    )
    identity = builder.build(
        context,
        *("--build-context", "base=docker-image://localhost/busybox"),
        *("--build-context", "img=container-image://localhost/busybox"),
        *("--build-context", f"more={extra}"),
    )
    assert {"e", "p"} <= set(builder.files(identity))
    text = b"FROM localhost/busybox\nRUN touch /from-stdin\n"
    output = builder("build", "-", stdin=text).stdout
    assert "from-stdin" in builder.files(output.split()[-1])
    output = builder("build", "-f", "-", str(extra), stdin=text + b"COPY e /e\n").stdout
    assert {"from-stdin", "e"} <= set(builder.files(output.split()[-1]))


def test_names_labels_and_id_file(builder: Any, steps: Path, tmp_path: Path) -> None:
    identity = builder.build(
        steps,
        *("-t", "one", "-t", "localhost:5000/two:v1", "--label", "a=b", "--annotation", "c=d"),
        *("--env", "E=f", "--unsetenv", "PATH", "--iidfile", str(tmp_path / "id")),
    )
    assert (tmp_path / "id").read_text() == f"sha256:{identity}"
    config = builder.config("localhost/one")["config"]
    assert config["Labels"] == {"a": "b", "x": "y"} and config["Env"] == ["E=f"]
    with builder.engine() as engine:
        image = engine.images.get("localhost:5000/two:v1")
        assert image.id == identity
        annotations = engine.images.manifest(image)["annotations"]
    assert annotations["c"] == "d"
    assert annotations["org.opencontainers.image.base.name"] == "localhost/busybox:latest"


def test_squash_all(builder: Any, steps: Path) -> None:
    for word in ("--squash", "--squash-all"):  # Debian's buildah has the first only
        whole = builder.build(steps, word)
        assert len(builder.config(whole)["rootfs"]["diff_ids"]) == 1
        assert builder.files(whole) == builder.files(builder.build(steps, "--layers"))


def test_quiet_and_logfile(builder: Any, steps: Path, tmp_path: Path) -> None:
    result = builder("build", "-q", str(steps))
    assert len(result.stdout.split()) == 1
    builder("build", "--logfile", str(tmp_path / "log"), str(steps))
    assert "STEP 1/7: FROM localhost/busybox" in (tmp_path / "log").read_text()


def test_arguments_from_a_file_and_unused_ones(builder: Any, steps: Path, tmp_path: Path) -> None:
    (tmp_path / "args").write_text("# comment\nV=from-file\nW=x\n")
    result = builder("build", "--layers", "--build-arg-file", str(tmp_path / "args"), str(steps))
    assert "build args were not consumed: W" in result.stderr
    history = builder.config(result.stdout.split()[-1])["history"]
    assert any(entry["created_by"].startswith("|1 V=from-file ") for entry in history)


def test_another_platform(builder: Any, context: Path) -> None:
    written(
        context, "FROM scratch\nARG TARGETARCH TARGETVARIANT\nLABEL a=$TARGETARCH$TARGETVARIANT\n"
    )
    identity = builder.build(context, "--platform", "linux/arm64/v8")
    document = builder.config(identity)
    assert (document["architecture"], document["variant"]) == ("arm64", "v8")
    assert document["config"]["Labels"] == {"a": "arm64v8"}


def test_a_registry_as_cache(builder: Any, steps: Path, registry: Any, tmp_path: Path) -> None:
    cache = f"{registry.host}/cache"
    words = ("--layers", "--cache-to", cache, "--cache-from", cache, "--tls-verify=false")
    first = builder.build(steps, *words)
    (builder.root / "build" / "steps.db").unlink()
    output = builder("build", *words, str(steps)).stdout
    assert hits(output) == 4
    assert builder.files(output.split()[-1]) == builder.files(first)


def test_a_registry_as_cache_of_another_machine(
    builder: Any, steps: Path, registry: Any, busybox_archive: Path, tmp_path: Path
) -> None:
    cache = f"{registry.host}/shared-cache"
    words = ("--layers", "--jobs", "2", "--tls-verify=false", "--cache-from", cache)
    first = builder("build", "--cache-to", cache, *words, str(steps)).stdout
    assert hits(first) == 0, "an empty repository is no failure"
    other = type(builder)(tmp_path / "other")
    with other.engine() as engine:
        image = engine.images.pull(f"oci-archive:{busybox_archive}")
        engine.images.tag(image.id, "localhost/busybox:latest")
    output = other("build", *words, str(steps)).stdout
    assert hits(output) == 4
    assert other.files(output.split()[-1]) == builder.files(first.split()[-1])
    with other.engine() as engine:
        names = [name for one in engine.images.list() for name in one.names]
    assert names == ["localhost/busybox:latest"], "steps have no names"
    gone = ("--layers", "--cache-from", "localhost:1/nothing", "--tls-verify=false", "--retry=0")
    (steps / "a").write_text("changed")
    assert other("build", *gone, str(steps)).returncode == 0
    assert other.left() == []


def test_rundlet_build_where_both_are_installed(builder: Any, steps: Path) -> None:
    script = Path(builder.command[0]).with_name("rundlet")
    command = [str(script), *builder.places, "build", "-t", "x", str(steps)]
    for expected in (0, 4):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert hits(done.stdout) == expected
    listed = subprocess.run(
        [str(script), *builder.places, "run", "--rm", "x", "cat", "/b"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout == "a"


@pytest.mark.parametrize("ending", ["failure", "signal"])
def test_running_stages_end_with_the_build(builder: Any, context: Path, ending: str) -> None:
    first = "sleep 1; exit 3" if ending == "failure" else "echo started; sleep 60"
    written(
        context,
        f"FROM localhost/busybox AS a\nRUN {first}\n"
        "FROM localhost/busybox AS b\nRUN sleep 60\n"
        "FROM scratch\nCOPY --from=b /etc /\nCOPY --from=a /etc /\n",
    )
    begin = time.monotonic()
    process = subprocess.Popen(
        [*builder.command, "build", "--jobs", "2", str(context)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if ending == "signal":
        assert process.stdout is not None
        while process.stdout.readline().strip() != "started":
            pass
        process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=50)
    assert time.monotonic() - begin < 40
    assert process.returncode == (3 if ending == "failure" else -signal.SIGTERM), errors
    if ending == "failure":
        assert "Containerfile:2" in errors and "exit status 3" in errors
    assert builder.left() == []


def test_what_commands_print_goes_where_our_lines_go(
    builder: Any, context: Path, tmp_path: Path
) -> None:
    written(context, "FROM localhost/busybox\nRUN echo printed\n")
    log = tmp_path / "log"
    result = builder("build", "--logfile", str(log), str(context))
    assert "printed\n" in log.read_text() and "printed\n" not in result.stdout
    assert len(builder("build", "-q", str(context)).stdout.split()) == 1


def test_the_command_that_is_not_there(builder: Any, context: Path) -> None:
    written(context, 'FROM localhost/busybox\nRUN ["/nosuch"]\n')
    result = builder("build", str(context), check=False)
    assert result.returncode == 127 and "Containerfile:2" in result.stderr


@pytest.mark.parametrize("layers", ["--layers", "--layers=false"])
def test_the_base_may_go_while_it_is_built_on(builder: Any, context: Path, layers: str) -> None:
    written(context, "FROM localhost/busybox\nRUN echo base > /base\n")
    builder.build(context, "--layers=false", "-t", "localhost/base")
    written(context, "FROM localhost/base\nRUN echo started; sleep 2\nRUN cat /base > /more\n")
    process = subprocess.Popen(
        [*builder.command, "build", layers, str(context)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    while process.stdout.readline().strip() != "started":
        pass
    with builder.engine() as engine:
        engine.images.remove("localhost/base", force=True)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert {"base", "more"} <= set(builder.files(output.split()[-1]))


def test_many_builds_at_once(builder: Any, steps: Path) -> None:
    processes = [
        subprocess.Popen(
            [*builder.command, "build", "--layers", str(steps)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    made = [process.communicate(timeout=90)[0].split()[-1] for process in processes]
    assert all(process.returncode == 0 for process in processes)
    first, *others = [builder.files(identity) for identity in made]
    assert all(files == first for files in others)
    assert hits(builder("build", "--layers", str(steps)).stdout) == 4

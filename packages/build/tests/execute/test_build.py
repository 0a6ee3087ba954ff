"""Builds through the installed script: failures, contexts, what comes out, options."""

from __future__ import annotations

import io
import signal
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from .steps import STEPS, hits, written

pytestmark = pytest.mark.e2e


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


def test_the_same_epoch_gives_the_same_image(builder: Any, steps: Path) -> None:
    made = set()
    for words, env in (
        (("--layers", "--no-cache"), {"SOURCE_DATE_EPOCH": "1700000000"}),
        (("--layers", "--no-cache", "--source-date-epoch=1700000000"), {}),
    ):
        for pause in (0, 1.1):
            time.sleep(pause)
            made.add(builder.build(steps, *words, env=env))
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

"""Steps that are taken from the cache, in builds through the installed script."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from devtools.fixtures import needs

from .steps import STEPS, hits, misses, written

pytestmark = pytest.mark.e2e


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

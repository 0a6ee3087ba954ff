"""Flags of `build`: all of Debian's buildah, and what the newer ones do."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from devtools.fixtures import needs
from rundlet.build.verbs.build import OPTIONS
from rundlet.build.verbs.build_refused import REFUSED

NEWER = {
    *("cache-ttl", "build-arg-file", "compat-volumes", "created-annotation", "inherit-labels"),
    *("inherit-annotations", "layer-label", "metadata-file", "rewrite-timestamp"),
    *("source-date-epoch", "source-policy-file", "unsetannotation", "unsetlabel", "sbom", "cw"),
}
"""Of the buildahs up to 1.42, by their manual page."""


def test_every_flag_of_buildah_is_known() -> None:
    needs("buildah")
    text = subprocess.run(["buildah", "build", "--help"], capture_output=True, text=True).stdout
    theirs = set(re.findall(r"^ +(?:-\w, )?--([a-z-]+)", text, re.MULTILINE))
    ours = {option.name for option in OPTIONS} | {"help", "runtime", "signature-policy"}
    assert (theirs | NEWER) - ours == set()


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_refused_says_why(builder: Any, context: Path, name: str) -> None:
    option = next(one for one in OPTIONS if one.name == name)
    word = f"--{name}" if isinstance(option.default, bool) else f"--{name}=x"
    done = builder("build", word, str(context), check=False)
    assert done.returncode == 125
    reason, remedy = REFUSED[name]
    assert f"--{name} is not supported for build: {reason}" in done.stderr
    assert remedy in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("--logfile", "/no/where"),
        ("--logfile", "/no/where", "--logsplit"),
        ("--iidfile", "/no/where"),
        ("--output", "type=tar,dest=/no/where"),
        ("--build-arg-file", "/no/where"),
        ("--ignorefile", "/no/where"),
        ("--file", "/no/where"),
    ],
)
def test_files_that_cannot_be_used(builder: Any, context: Path, words: tuple[str, ...]) -> None:
    (context / "Containerfile").write_text("FROM localhost/busybox\n")
    done = builder("build", *words, str(context), check=False)
    assert done.returncode == 125
    assert "/no/where" in done.stderr
    assert "defect" not in done.stderr


@pytest.fixture
def labelled(builder: Any, context: Path) -> Path:
    """A context over localhost/labelled, which has a label and an annotation."""
    (context / "Containerfile").write_text("FROM localhost/busybox\nLABEL base=yes\n")
    builder("build", "--annotation", "of=base", "-t", "labelled", str(context))
    (context / "Containerfile").write_text("FROM localhost/labelled\nLABEL own=yes\n")
    return context


def annotations_of(builder: Any, name: str) -> dict[str, str]:
    with builder.engine() as engine:
        document = engine.images.manifest(engine.images.get(name))
    return dict(document.get("annotations") or {})


def test_labels_and_annotations_are_inherited_unless_told_otherwise(
    builder: Any, labelled: Path
) -> None:
    builder("build", "-t", "kept", str(labelled))
    assert builder.config("kept")["config"]["Labels"] == {"base": "yes", "own": "yes"}
    found = annotations_of(builder, "kept")
    assert found["of"] == "base"
    assert found["org.opencontainers.image.base.name"] == "localhost/labelled:latest"
    words = ("--inherit-labels=false", "--inherit-annotations=false", "--created-annotation")
    unset = ("--unsetannotation", "org.opencontainers.image.base.name", "--timestamp", "60")
    builder("build", *words, *unset, "-t", "dropped", str(labelled))
    assert builder.config("dropped")["config"]["Labels"] == {"own": "yes"}
    found = annotations_of(builder, "dropped")
    assert found.pop("org.opencontainers.image.base.digest").startswith("sha256:")
    assert found == {"org.opencontainers.image.created": "1970-01-01T00:01:00Z"}


def test_annotations_of_a_base_as_buildah_inherits_them(
    builder: Any, buildah: Any, context: Path
) -> None:
    found = {}
    for tool in (builder, buildah):
        (context / "Containerfile").write_text("FROM localhost/busybox\n")
        tool("build", "--annotation", "of=base", "-t", "noted", str(context))
        (context / "Containerfile").write_text("FROM localhost/noted\nRUN true\n")
        tool.build(context, "--annotation", "own=1", "-t", "noted2")
        if tool is builder:
            found["ours"] = annotations_of(builder, "noted2")
        else:
            text = buildah("inspect", "--type", "image", "noted2")
            found["theirs"] = json.loads(text)["ImageAnnotations"]
    digest = "org.opencontainers.image.base.digest"
    assert found["ours"].pop(digest) != found["theirs"].pop(digest)
    assert found["ours"] == found["theirs"]


def test_os_version_features_and_identity(builder: Any, labelled: Path) -> None:
    words = ("--os-version", "10.0.1", "--os-feature", "a", "--os-feature", "b")
    builder("build", *words, "--identity-label", "-t", "named", str(labelled))
    document = builder.config("named")
    assert (document["os.version"], document["os.features"]) == ("10.0.1", ["a", "b"])
    assert "io.rundlet.version" in document["config"]["Labels"]


def test_labels_of_steps_alone(builder: Any, labelled: Path) -> None:
    (labelled / "Containerfile").write_text("FROM localhost/busybox\nRUN echo > /a\nUSER 1\n")
    builder("build", "--layers", "--layer-label", "step=yes", "-t", "last", str(labelled))
    assert "Labels" not in builder.config("last")["config"]
    with builder.engine() as engine:
        unnamed = [one for one in engine.images.list() if not one.names]
    assert [json.loads(one.labels) for one in unnamed] == [{"step": "yes"}]


def test_metadata_file(builder: Any, labelled: Path, tmp_path: Path) -> None:
    path = tmp_path / "metadata.json"
    identity = builder.build(labelled, "-t", "told", "--metadata-file", str(path))
    document = json.loads(path.read_text())
    assert document["containerimage.config.digest"] == f"sha256:{identity}"
    assert document["containerimage.descriptor"]["digest"] == document["containerimage.digest"]
    assert document["image.name"] == "localhost/told:latest"
    done = builder("build", "--metadata-file", "/no/where", str(labelled), check=False)
    assert done.returncode == 125
    assert "--metadata-file /no/where" in done.stderr


def test_a_log_for_each_platform(builder: Any, context: Path, tmp_path: Path) -> None:
    (context / "Containerfile").write_text("FROM scratch\nCOPY Containerfile /\n")
    platforms = ("--platform", "linux/amd64,linux/arm64")
    log = tmp_path / "log"
    builder("build", *platforms, "--logfile", str(log), "--logsplit", str(context))
    for name in ("log_linux_amd64", "log_linux_arm64"):
        assert "STEP 2/2: COPY Containerfile /" in (tmp_path / name).read_text()
    done = builder("build", "--logsplit", str(context), check=False)
    assert "cannot use --logsplit without --logfile" in done.stderr


def test_containerfiles_by_cpp(builder: Any, context: Path) -> None:
    (context / "common").write_text("ENV COMMON=yes\n")
    text = 'FROM localhost/busybox\n#include "common"\n#ifdef WANTED\nENV MORE=yes\n#endif\n'
    (context / "Containerfile.in").write_text(text)
    words = ("-f", str(context / "Containerfile.in"), "--cpp-flag=-DWANTED", "-t", "by-cpp")
    builder("build", *words, str(context))
    assert {"COMMON=yes", "MORE=yes"} <= set(builder.config("by-cpp")["config"]["Env"])
    (context / "common").unlink()
    done = builder("build", *words, str(context), check=False)
    assert done.returncode == 125
    assert "No such file" in done.stderr


def test_times_of_files_stay_when_they_are_not_rewritten(builder: Any, context: Path) -> None:
    (context / "Containerfile").write_text("FROM scratch\nCOPY Containerfile /\n")
    for words, same in ((("--rewrite-timestamp=false",), False), ((), True)):
        builder("build", "--source-date-epoch", "60", *words, "-t", "dated", str(context))
        assert builder.config("dated")["created"] == "1970-01-01T00:01:00Z"
        with builder.engine() as engine:
            root = Path(engine.images.mount("dated"))
            assert ((root / "Containerfile").stat().st_mtime == 60) is same
            engine.images.unmount("dated", force=True)

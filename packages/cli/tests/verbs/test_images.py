"""`rundlet images`, and which image of an index is pulled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rundlet.core.images.platforms import native

if TYPE_CHECKING:
    from devtools.tool import Rundlet


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("localhost/team/tool:1",), ["localhost/team/tool:1"]),
        (("localhost/t*/tool:1",), ["localhost/team/tool:1"]),
        (("team/tool:1",), ["localhost/team/tool:1", "localhost/busybox:latest"]),
        (("localhost/team/tool",), ["localhost/team/tool:1", "localhost/busybox:latest"]),
        (
            ("-f=reference=localhost/team/tool:1", "-f=reference=x"),
            ["localhost/team/tool:1", "localhost/busybox:latest"],
        ),
    ],
)
def test_a_whole_name_is_shown_alone(
    loaded: Rundlet, words: tuple[str, ...], names: list[str]
) -> None:
    loaded("tag", "busybox", "team/tool:1")
    found = loaded("images", "-n", "--format", "{{.Repository}}:{{.Tag}}", *words).stdout
    assert sorted(found.split()) == sorted(names)


def test_columns(loaded: Rundlet) -> None:
    loaded("tag", "busybox", "team/tool:1")
    heading, line, _ = loaded("images", "--history", "--digests").stdout.splitlines()
    assert heading.split() == ["REPOSITORY", "TAG", "DIGEST", "IMAGE", "ID", "CREATED", "SIZE",
                               "HISTORY"]  # fmt: skip
    assert line.rstrip().endswith(" localhost/busybox:latest, localhost/team/tool:1")
    heading = loaded("images").stdout.splitlines()[0]
    assert heading.split() == ["REPOSITORY", "TAG", "IMAGE", "ID", "CREATED", "SIZE"]


def test_a_manifest_list_is_listed_and_named_as_an_image(loaded: Rundlet, tmp_path: Path) -> None:
    """As in podman, whose untag and rmi take the image for this machine, though."""
    image = loaded("inspect", "-f={{.Id}}", "busybox").stdout
    identity = loaded("manifest", "create", "both", "busybox").stdout.strip()
    loaded("tag", "both", "team/more:1")
    rows = ("images", "-n", "--format={{.Repository}}:{{.Tag}} {{.Id}} {{.IsManifestList}}")
    names = ("localhost/both:latest", "localhost/team/more:1")
    lines = [f"{name} {identity} true" for name in names]
    assert loaded(*rows, "--filter=manifest=true").stdout.splitlines() == lines
    assert loaded(*rows, "--filter=manifest=false").stdout.endswith(" false\n")
    (found,) = json.loads(loaded("images", "--filter=manifest=true", "--format=json").stdout)
    index = loaded("manifest", "inspect", "team/more:1").stdout
    assert (found["IsManifestList"], found["Names"]) == (True, list(names))
    assert found["RepoDigests"][0] == f"localhost/both@{found['Digest']}"
    for name in ("both", identity[:12]):
        assert loaded("inspect", "-f={{.Id}}", name).stdout == image, "this machine's"
        loaded("image", "exists", name)
    loaded("manifest", "add", "--arch=arm", identity, "busybox")
    assert loaded("manifest", "inspect", "both").stdout != index
    done = loaded("rmi", identity, check=False)
    assert (done.returncode, "by ID with more than one tag" in done.stderr) == (125, True)
    loaded("untag", "both", "both")
    assert loaded("manifest", "exists", "both", check=False).returncode == 1
    loaded("system", "check")
    done = loaded("rmi", "team/more:1")
    assert done.stdout == f"Untagged: localhost/team/more:1\nDeleted: {identity}\n"
    loaded("manifest", "create", "both")
    assert loaded("image", "exists", "both", check=False).returncode == 1, "none for this machine"
    loaded("tag", "busybox", "both")  # takes the name
    identity = loaded("images", "-q", "--no-trunc", "--filter=dangling=true").stdout.strip()
    assert loaded("image", "prune", "-f").stdout == identity.removeprefix("sha256:") + "\n"
    assert loaded("images", "-q", "--no-trunc").stdout == f"sha256:{image}"


def test_names_that_an_image_had(loaded: Rundlet) -> None:
    """Also those that another image has taken; what comes back is no past name any more."""
    words = ("images", "-n", "--format={{.History}}", "busybox")
    for name in ("first", "second", "taken"):
        loaded("tag", "busybox", name)
    loaded("rmi", "first")
    loaded("untag", "busybox", "second")
    loaded("manifest", "create", "other")
    loaded("tag", "other", "taken")
    had = [f"localhost/{name}:latest" for name in ("busybox", "taken", "second", "first")]
    assert loaded(*words).stdout == ", ".join(had) + "\n"
    loaded("tag", "busybox", "first")
    had = [had[0], had[-1], *had[1:-1]]
    (found,) = json.loads(loaded("image", "inspect", "busybox").stdout)
    assert found["NamesHistory"] == had
    assert found["RepoTags"] == had[:2]
    assert loaded("images", "--history", "first").stdout.rstrip().endswith("  " + ", ".join(had))
    rows = json.loads(loaded("images", "--format=json").stdout)
    assert {tuple(row["History"]) for row in rows if row["Id"] == found["Id"]} == {tuple(had)}
    loaded("untag", "busybox")
    line = loaded("images", "-n", "--history").stdout.splitlines()[-1]
    assert line.rstrip().endswith("  " + ", ".join((had[1], had[0], *had[2:])))


@pytest.mark.parametrize(
    ("words", "platform"),
    [
        (("--os", "windows"), f"windows/{native().architecture}"),
        (("--arch", "s390x"), "linux/s390x"),
        (("--os", "plan9", "--arch", "arm", "--variant", "v7"), "plan9/arm/v7"),
    ],
)
def test_a_platform_in_parts(
    rundlet: Rundlet, image_layout: Path, words: tuple[str, ...], platform: str
) -> None:
    done = rundlet("pull", *words, f"oci:{image_layout}:multi", check=False)
    assert f"no image for platform {platform}\n" in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("foo=1", 'unsupported image filter "foo"'),
        ("json", 'invalid image filter "json": must be in the format "filter=value or'),
        ("until=x", "invalid time 'x'"),
        ("dangling=x", "non-boolean value 'x'"),
    ],
)
def test_wrong_filters_where_there_is_no_image(rundlet: Rundlet, text: str, said: str) -> None:
    for words in (("images",), ("image", "prune", "-f")):
        done = rundlet(*words, "--filter", text, check=False)
        assert (done.returncode, said in done.stderr) == (125, True), words

"""`rundlet images`, and which image of an index is pulled."""

from __future__ import annotations

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
        ("until=x", "invalid time 'x'"),
        ("dangling=x", "non-boolean value 'x'"),
    ],
)
def test_wrong_filters_where_there_is_no_image(rundlet: Rundlet, text: str, said: str) -> None:
    for words in (("images",), ("image", "prune", "-f")):
        done = rundlet(*words, "--filter", text, check=False)
        assert (done.returncode, said in done.stderr) == (125, True), words

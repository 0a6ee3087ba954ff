"""`rundlet images`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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

from __future__ import annotations

from pathlib import Path

import pytest

from rundlet.core.containers.userns import _around, _free, auto, ranges
from rundlet.core.contracts.storage import IdMap
from rundlet.core.errors import InvalidArgument


def test_options_of_auto() -> None:
    found = auto("size=10,uidmapping=0:5:1,gidmapping=1:6:2")
    assert found.size == 10
    assert (found.uids, found.gids) == ((IdMap(0, 5, 1),), (IdMap(1, 6, 2),))
    for text in ("size=0", "size=x", "color=red", "uidmapping=1:2"):
        with pytest.raises(InvalidArgument):
            auto(text)


def test_ranges_of_a_user(tmp_path: Path) -> None:
    file = tmp_path / "subuid"
    file.write_text("me:100:10\n\nyou:5:5\nme:x:3\nme:200:1\n")
    assert ranges(str(file), "me") == [(100, 10), (200, 1)]
    assert ranges(str(tmp_path / "none"), "me") == ()


def test_a_configured_user_without_ids_is_named() -> None:
    with pytest.raises(InvalidArgument, match=r"nobody-here \(root-auto-userns-user\) has no ids"):
        _free([], 10, "nobody-here")


def test_the_lowest_free_ids() -> None:
    first = 2147483647
    assert _free([], 10, "containers") == first
    assert _free([(first, first + 10), (first + 15, first + 20)], 5, "containers") == first + 10
    assert _free([(first, first + 10), (first + 15, first + 20)], 6, "containers") == first + 20
    with pytest.raises(InvalidArgument, match="ids are free"):
        _free([(first, first + (1 << 31))], 10, "containers")


def test_ids_around_those_that_are_fixed() -> None:
    assert _around(1000, 10, ()) == (IdMap(0, 1000, 10),)
    assert _around(1000, 10, (IdMap(9, 1, 1),)) == (IdMap(0, 1000, 9), IdMap(9, 1, 1))
    fixed = (IdMap(0, 5, 1), IdMap(4, 7, 2))
    assert _around(1000, 10, fixed) == (
        IdMap(0, 5, 1), IdMap(1, 1001, 3), IdMap(4, 7, 2), IdMap(6, 1006, 4),
    )  # fmt: skip

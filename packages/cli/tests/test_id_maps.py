"""Id maps as they are typed: `--uidmap` and `--gidmap`."""

from __future__ import annotations

import pytest

from rundlet.cli.request.id_maps import id_maps
from rundlet.core.contracts.storage import IdMap
from rundlet.core.errors import InvalidArgument

Rows = list[tuple[int, int, int]]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (["0:100000:65536"], [(0, 100000, 65536)]),
        (["5:7", "0:@9:2"], [(5, 7, 1), (0, 9, 2)]),
        (["0:0:10", "+100:1:1"], [(0, 0, 1), (2, 2, 8), (100, 1, 1)]),
        (["0:0:10", "+0:5:2"], [(2, 2, 3), (7, 7, 3), (0, 5, 2)]),
        (["0:0:10", "+0:0:10"], [(0, 0, 10)]),
        (["0:100:10", "+4:102:3"], [(0, 100, 2), (7, 107, 3), (4, 102, 3)]),
        (["0:0:2", "+50:60:1"], [(0, 0, 2), (50, 60, 1)]),
    ],
)
def test_maps(typed: list[str], found: Rows) -> None:
    assert id_maps(typed, ())[0] == tuple(IdMap(*row) for row in found)


def test_one_kind_alone_is_for_both_but_for_its_own() -> None:
    whole, one = IdMap(0, 0, 1000), IdMap(2000, 2000, 1)
    assert id_maps(["0:0:1000"], ()) == ((whole,), ())
    assert id_maps((), ["0:0:1000", "g2000:2000:1"]) == ((whole,), (whole, one))
    assert id_maps(["0:0:1000", "u2000:2000:1"], ()) == ((whole, one), (whole,))
    assert id_maps(["u0:0:1000"], ()) == ((whole,), (IdMap(0, 0, 1),))
    assert id_maps(["u0:0:1000"], ["0:0:1000"]) == ((whole,), (whole,))


@pytest.mark.parametrize("text", ["0", "a:b:c", "0:0:0:0", "g0:0:1", "-0:0:1", "0:+0:1"])
def test_what_is_no_map(text: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid id map"):
        id_maps([text], ())

"""No file of tests is passed over: pytest's own list of directories to skip has "build" in it."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_every_file_of_tests_is_collected(pytestconfig: pytest.Config) -> None:
    skipped = pytestconfig.getini("norecursedirs")
    places = [Path(place) for place in pytestconfig.getini("testpaths")]
    files = [
        path.relative_to(ROOT) for place in places for path in ROOT.glob(f"{place}/**/test_*.py")
    ]
    assert files
    for path in files:
        for name in path.parts[:-1]:
            assert not any(fnmatch(name, pattern) for pattern in skipped), path

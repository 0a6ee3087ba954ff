"""Constraints as github.com/Masterminds/semver reads them (its README, "Checking Version
Constraints").
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rundlet.core.errors import InvalidArgument
from rundlet.skopeo.sync.semver import Version, constraint, version


@pytest.mark.parametrize(
    ("text", "fits", "fits_not"),
    [
        (">= 1.2.3", "1.2.3 1.2.4 2 v1.3", "1.2.2 1.3.0-rc1"),
        ("1.2.3", "1.2.3 1.2.3+build", "1.2.4 1.2.3-rc1"),
        ("=1.2", "1.2.0 1.2.9", "1.3.0 1.1.9"),
        ("!=1.2", "1.3.0 2.0.0", "1.2.0 1.2.7"),
        (">1.2", "1.3.0", "1.2.0 1.2.9"),
        ("<1.2", "1.1.9", "1.2.0"),
        ("<=1.2", "1.2.9 1.0.0", "1.3.0"),
        ("<=1.2.3", "1.2.3", "1.2.4"),
        (">= 1.2, < 3.0.0 || >= 4.2.3", "1.2.0 2.9.9 4.2.3 5.0.0", "3.0.0 4.2.2"),
        (">=1.2 <1.4", "1.3.9", "1.4.0"),
        ("1.2 - 1.4.5", "1.2.0 1.4.5", "1.4.6 1.1.9"),
        ("1.2.x", "1.2.0 1.2.9", "1.3.0"),
        ("*", "0.0.1 7.1.2", "1.0.0-rc1"),
        ("~1.2.3", "1.2.3 1.2.9", "1.3.0 1.2.2"),
        ("~1", "1.0.0 1.9.9", "2.0.0"),
        ("^1.2.3", "1.2.3 1.9.0", "2.0.0 1.2.2"),
        ("^0.2.3", "0.2.3 0.2.9", "0.3.0"),
        ("^0.0.3", "0.0.3", "0.0.4"),
        ("^0", "0.0.1 0.9.0", "1.0.0"),
        (">=1.2.0-beta.2", "1.2.0-beta.2 1.2.0-beta.10 1.2.0-rc 1.2.0", "1.2.0-beta.1"),
    ],
)
def test_constraints(text: str, fits: str, fits_not: str) -> None:
    test = constraint(text)
    for word in (*fits.split(), *fits_not.split()):
        found = version(word)
        assert found is not None
        assert test(found) == (word in fits.split()), f"{text}: {word}"


@pytest.mark.parametrize("text", ["", "latest", ">=", "1.2.3.4", ">= 1.2 < x.y z", "==1"])
def test_no_constraint(text: str) -> None:
    with pytest.raises(InvalidArgument, match="improper constraint"):
        constraint(text)


@pytest.mark.parametrize("text", ["latest", "1.2.3.4", "", "1..2", "alpine-3.1"])
def test_no_version(text: str) -> None:
    assert version(text) is None


NUMBERS = st.integers(0, 30)
VERSIONS = st.builds(Version, NUMBERS, NUMBERS, NUMBERS)


@given(VERSIONS, VERSIONS)
def test_order(one: Version, other: Version) -> None:
    text = f"{other.major}.{other.minor}.{other.patch}"
    below, same, above = (constraint(f"{sign}{text}")(one) for sign in ("<", "=", ">"))
    assert [below, same, above].count(True) == 1
    assert constraint(f"<={text}")(one) == (below or same)
    assert constraint(f"!={text}")(one) == (not same)
    if constraint(f"~{text}")(one):
        assert not below and (one.major, one.minor) == (other.major, other.minor)


@given(st.text("0123456789.xX*<>=~^|,- vrc+", max_size=20))
def test_any_text(text: str) -> None:
    try:
        constraint(text)(Version(1, 2, 3))
    except InvalidArgument:
        pass

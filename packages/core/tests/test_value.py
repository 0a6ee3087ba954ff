"""Value: frozen, compared by content, as cheap to import as it promises."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rundlet.core.value import EMPTY, Value


class Point(Value):
    x: int
    y: int = 0


class Named(Point):
    name: str = ""
    tags: tuple[str, ...] = ()


def test_fields_in_order_with_defaults() -> None:
    assert Point(1) == Point(x=1, y=0)
    assert Named(1, 2, "n").as_dict() == {"x": 1, "y": 2, "name": "n", "tags": ()}


@pytest.mark.parametrize("wrong", [{}, {"x": 1, "z": 2}])
def test_missing_and_unknown_fields_are_errors(wrong: dict[str, int]) -> None:
    with pytest.raises(TypeError):
        Point(**wrong)


def test_too_many_and_twice_given_values_are_errors() -> None:
    with pytest.raises(TypeError):
        Point(1, 2, 3)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Point(1, x=1)  # type: ignore[misc]


def test_frozen() -> None:
    point = Point(1)
    with pytest.raises(AttributeError, match="replace"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        del point.x
    with pytest.raises(TypeError):
        EMPTY["key"] = 1  # type: ignore[index]


@given(st.integers(), st.integers(), st.text())
def test_replace_and_equality(x: int, y: int, name: str) -> None:
    value = Named(x, y, name)
    assert value.replace(y=y + 1) == Named(x, y + 1, name)
    assert value.replace() == value and hash(value.replace()) == hash(value)
    assert value != Point(x, y)


def test_matches_by_position() -> None:
    match Named(1, 2, "n"):
        case Named(x, y, name):
            assert (x, y, name) == (1, 2, "n")


def test_importing_it_brings_no_heavy_module() -> None:
    code = "import sys, rundlet.core.value; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"dataclasses", "typing", "enum", "inspect", "re"} & set(out.stdout.split())

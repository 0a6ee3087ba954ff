"""rundlet.core.json answers as Python's json does."""

from __future__ import annotations

import json as python
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rundlet.core import json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def outcome(work: Any, *words: Any, **options: Any) -> str:
    try:
        return repr(work(*words, **options))
    except (ValueError, TypeError, RecursionError) as error:
        return f"{type(error).__name__}: {error}"


@given(VALUES, st.booleans(), st.booleans(), st.sampled_from([(", ", ": "), (",", ":")]))
def test_values(value: Any, sort: bool, ascii_only: bool, separators: tuple[str, str]) -> None:
    options: Any = {"sort_keys": sort, "ensure_ascii": ascii_only, "separators": separators}
    text = python.dumps(value, **options)
    assert json.dumps(value, **options) == text
    assert repr(json.loads(text)) == repr(python.loads(text))
    data = text.encode("utf-8", "surrogatepass")
    assert repr(json.loads(data)) == repr(python.loads(data))


@given(st.text('[]{}",:\\u01ae-+.naulst \n\t\ufeff\x00', max_size=12) | st.binary(max_size=8))
def test_nonsense(text: str | bytes) -> None:
    assert outcome(json.loads, text) == outcome(python.loads, text)


@pytest.mark.parametrize(
    "text",
    ["", " ", "1 2", "[1,]", '{"a" 1}', '"a\tb"', " \r\n [1] \n", "\ufeff1", "NaN", "[-Infinity]",
     b"\xef\xbb\xbf[1]", "[1]".encode("utf-16"), "[1]".encode("utf-32-be"), b"\xff", "[" * 100_000,
     '"\\ud800"', '{"a":1,"a":2}'],
)  # fmt: skip
def test_corners(text: str | bytes) -> None:
    assert outcome(json.loads, text) == outcome(python.loads, text)


def test_what_it_refuses() -> None:
    circular: list[Any] = []
    circular.append(circular)
    for value in ({1, 2}, b"x", {"a": object}, {(1, 2): 3}, circular):
        assert (
            outcome(json.dumps, value).partition(" at 0x")[0]
            == (outcome(python.dumps, value).partition(" at 0x")[0])
        )
    assert json.dumps({1: (None, 1.5, True)}) == '{"1": [null, 1.5, true]}'
    assert json.loads('"a\tb"', strict=False) == "a\tb"


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("w") as out:
        json.dump({"ä": [1]}, out)
    with path.open("rb") as file:
        assert json.load(file) == {"ä": [1]}


def test_it_imports_little() -> None:
    source = str(Path(json.__file__).parents[2])
    code = (
        f"import sys; sys.path.append({source!r}); from rundlet.core import json\n"
        "json.loads(json.dumps([1])); print({'re', 'enum', 'json'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("text", ['["abc', '{"a": 1,', "[1"])
def test_what_is_cut_off_is_a_value_error(text: str) -> None:
    """Also where nobody has imported Python's json, whose C code cannot raise its error then."""
    source = str(Path(json.__file__).parents[2])
    code = f"import sys; sys.path.append({source!r}); from rundlet.core import json\n"
    code += f"try: json.loads({text!r})\nexcept ValueError: print('refused')"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "refused\n"

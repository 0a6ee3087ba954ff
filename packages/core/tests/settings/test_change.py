"""One key of rundlet.toml is changed, and nothing else."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rundlet.core.errors import SettingsError
from rundlet.core.settings.change import changed, set_value


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'runtime = "x"\n'),
        ("# a\nb = 1", 'runtime = "x"\n# a\nb = 1'),
        ("[t]\nruntime = 1\n", 'runtime = "x"\n[t]\nruntime = 1\n'),
        ("a = 1\n runtime='y' # z\n[t]\nruntime = 1\n", 'a = 1\nruntime = "x"\n[t]\nruntime = 1\n'),
    ],
)
def test_changed(before: str, after: str) -> None:
    assert changed(before, "runtime", "x") == after


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x7f")))
def test_any_value_comes_back(value: str) -> None:
    assert tomllib.loads(changed("a = 1\n[t]\nb = 2\n", "runtime", value))["runtime"] == value


def test_a_file_that_is_wrong_stays(tmp_path: Path) -> None:
    path = tmp_path / "rundlet.toml"
    for wrong in ("a = = 1", "[runtime]\na = 1\n"):
        path.write_text(wrong)
        with pytest.raises(SettingsError, match=r"rundlet\.toml"):
            set_value("runtime", "x", drop_in="", environment={"RUNDLET_CONF": str(path)})
        assert path.read_text() == wrong
        assert [file.name for file in tmp_path.iterdir()] == [path.name]

"""The cache of steps, by itself."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rundlet.build.execute.cache import Step, StepCache, explain, key_of
from rundlet.core import Engine
from rundlet.core.errors import StoreError


def test_many_open_a_new_one_at_once(tmp_path: Path) -> None:
    errors: list[Exception] = []

    def use() -> None:
        try:
            with Engine(root=str(tmp_path / "root"), runroot=str(tmp_path / "run")) as engine:
                cache = StepCache(engine)
                cache.keep("key", Step(None, 1))
                assert cache.find("key") == Step(None, 1)
                cache.close()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_damaged_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "root" / "build").mkdir(parents=True)
    (tmp_path / "root" / "build" / "steps.db").write_bytes(b"not a database" * 100)
    with (
        Engine(root=str(tmp_path / "root"), runroot=str(tmp_path / "run")) as engine,
        pytest.raises(StoreError, match=r"steps\.db: it is only a cache"),
    ):
        StepCache(engine)


_value = st.one_of(st.text(max_size=5), st.dictionaries(st.text(max_size=3), st.text(max_size=5)))
_parts = st.dictionaries(st.sampled_from(["files", "command", "parent", "variables"]), _value)


@given(_parts, _parts)
def test_a_miss_is_always_explained(before: dict[str, object], now: dict[str, object]) -> None:
    reasons = explain(before, now)
    assert reasons
    same = key_of(before) == key_of(now)
    assert same == (reasons == ["the layer is no longer in the store"])

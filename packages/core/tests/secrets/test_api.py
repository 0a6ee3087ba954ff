"""engine.secrets: rows and values together."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rundlet.core import Engine
from rundlet.core.errors import (
    AlreadyExists,
    AmbiguousName,
    Corrupt,
    InvalidArgument,
    NoSuchSecret,
    PluginError,
)
from rundlet.core.settings.snapshot import Settings
from rundlet.core.state.events import between


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    settings = Settings(graph_root=str(tmp_path / "root"), run_root=str(tmp_path / "run"))
    with Engine(settings) as engine:
        yield engine


def test_events(engine: Engine) -> None:
    first = engine.secrets.store("db", b"a")
    second = engine.secrets.store("db", b"b", replace=True)
    engine.secrets.remove("db")
    found = [(event.kind, event.action, event.id, event.name) for event in between(engine.database)]
    assert found == [
        ("secret", action, secret.id, "db")
        for action, secret in (
            ("create", first), ("remove", first), ("create", second), ("remove", second)
        )
    ]  # fmt: skip


def test_store_lookup_list_inspect_remove(engine: Engine, tmp_path: Path) -> None:
    path = str(tmp_path / "elsewhere")
    secret = engine.secrets.store("db", b"pass\0word", labels={"a": "b"}, options={"path": path})
    assert os.listdir(path) == [secret.id]
    assert re.fullmatch("[0-9a-f]{25}", secret.id)
    assert engine.secrets.lookup("db") == b"pass\0word"
    assert engine.secrets.get(secret.id) == engine.secrets.get("db") == secret
    assert engine.secrets.get(secret.id[:6]) == secret
    assert engine.secrets.list() == [secret]
    document = engine.secrets.inspect("db")
    assert document["Spec"] == {
        "Name": "db",
        "Driver": {"Name": "file", "Options": {"path": path}},
        "Labels": {"a": "b"},
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", document["CreatedAt"])
    assert "SecretData" not in document
    assert engine.secrets.inspect("db", show_value=True)["SecretData"] == "pass\0word"
    assert engine.secrets.remove("db") == secret.id
    assert engine.secrets.list() == []
    assert os.listdir(path) == []
    for call in (engine.secrets.get, engine.secrets.lookup, engine.secrets.remove):
        with pytest.raises(NoSuchSecret):
            call("db")


def test_names_are_unique_unless_replaced(engine: Engine) -> None:
    first = engine.secrets.store("a", b"1")
    with pytest.raises(AlreadyExists, match="a: secret name in use"):
        engine.secrets.store("a", b"2")
    assert engine.secrets.lookup("a") == b"1"
    second = engine.secrets.store("a", b"2", replace=True)
    assert second.id != first.id
    assert first.created == second.created < second.updated
    assert engine.secrets.lookup("a") == b"2"
    assert engine.plugins.secret("file").list() == [second.id]


@pytest.mark.parametrize("name", ["", "a/b", "a=b", "a,b", "a\0b", "n" * 254])
def test_names_that_podman_refuses(engine: Engine, name: str) -> None:
    with pytest.raises(InvalidArgument, match="secret name"):
        engine.secrets.store(name, b"x")


@pytest.mark.parametrize("size", [0, 512000])
def test_sizes_that_podman_refuses(engine: Engine, size: int) -> None:
    with pytest.raises(InvalidArgument, match="secret data must be larger than 0"):
        engine.secrets.store("a", b"x" * size)
    engine.secrets.store("a", b"x" * 511999)


def test_a_shortened_id_must_be_unique(engine: Engine) -> None:
    ids = {engine.secrets.store(f"s{number}", b"x").id for number in range(17)}
    first = {one[0] for one in ids}
    letter = next(letter for letter in first if sum(one[0] == letter for one in ids) > 1)
    with pytest.raises(AmbiguousName):
        engine.secrets.get(letter)


def test_a_value_without_a_row_is_collected(engine: Engine, tmp_path: Path) -> None:
    """A process killed between the value and the row leaves this."""
    driver = engine.plugins.secret("file")
    driver.store("0" * 25, b"orphan")
    driver.store("not-ours", b"kept")
    secret = engine.secrets.store("a", b"x")
    assert set(driver.list()) == {secret.id, "not-ours"}
    elsewhere = {"path": str(tmp_path / "shared")}  # with another graph root, or with podman
    driver = engine.plugins.secret("file", elsewhere)
    driver.store("0" * 25, b"of others")
    secret = engine.secrets.store("b", b"x", options=elsewhere)
    assert set(driver.list()) == {"0" * 25, secret.id}


def test_a_row_whose_value_is_gone_can_be_removed(engine: Engine) -> None:
    secret = engine.secrets.store("a", b"x")
    engine.plugins.secret("file").delete(secret.id)
    with pytest.raises(Corrupt, match="secret a: ") as caught:
        engine.secrets.lookup("a")
    assert "rundlet secret rm a" in caught.value.remedy
    engine.secrets.remove("a")
    assert engine.secrets.list() == []


def test_an_unknown_driver_is_named(engine: Engine) -> None:
    with pytest.raises(PluginError, match="no secret driver 'vault'") as caught:
        engine.secrets.store("a", b"x", driver="vault")
    assert "file" in caught.value.remedy

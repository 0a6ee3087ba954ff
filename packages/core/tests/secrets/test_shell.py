"""The secret driver `shell`: the contract, and what its commands may do wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rundlet.core import Engine
from rundlet.core.errors import InvalidArgument, NoSuchSecret, StoreError
from rundlet.core.secrets.shell import ShellSecrets
from rundlet.core.settings import containers_conf
from rundlet.core.settings.snapshot import Settings
from rundlet.core.testing.secrets import SecretDriverContract


def commands(directory: Path) -> dict[str, str]:
    """A store in a directory, with the commands that podman's documentation has."""
    directory.mkdir()
    place = f"{directory}/$SECRET_ID"
    return {
        "list": f"ls {directory}",
        "lookup": f"cat {place}",
        "store": f"umask 077; cat > {directory}/.new && mv {directory}/.new {place}",
        "delete": f"rm {place}",
    }


class TestShell(SecretDriverContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> ShellSecrets:
        return ShellSecrets("", commands(tmp_path / "store"))


@pytest.mark.parametrize(
    ("name", "words"),
    [("list", ()), ("lookup", ("one",)), ("store", ("two", b"y")), ("delete", ("one",))],
)
def test_commands_that_fail(name: str, words: tuple[str, ...], tmp_path: Path) -> None:
    options = commands(tmp_path / "store")
    ShellSecrets("", options).store("one", b"x")
    driver = ShellSecrets("", {**options, name: "echo vault is sealed >&2; false"})
    with pytest.raises(StoreError, match="vault is sealed"):
        getattr(driver, name)(*words)
    assert ShellSecrets("", options).lookup("one") == b"x"


def test_all_commands_are_needed(tmp_path: Path) -> None:
    options = {**commands(tmp_path / "store"), "delete": ""}
    with pytest.raises(InvalidArgument, match="no command for delete"):
        ShellSecrets("", options).store("one", b"x")


def test_commands_of_containers_conf(tmp_path: Path) -> None:
    """They go with each secret, as podman keeps them: the file may change."""
    lines = [f'{name} = "{line}"' for name, line in commands(tmp_path / "store").items()]
    (tmp_path / "containers.conf").write_text(
        "\n".join(('[secrets]\ndriver = "shell"\n[secrets.opts]', *lines))
    )
    roots = {"graph_root": str(tmp_path / "root"), "run_root": str(tmp_path / "run")}
    said = containers_conf.read((str(tmp_path / "containers.conf"),), ())
    with Engine(Settings(**roots, **said)) as engine:
        secret = engine.secrets.store("db", b"word")
        assert (tmp_path / "store" / secret.id).read_bytes() == b"word"
    with Engine(Settings(**roots)) as engine:
        assert engine.secrets.lookup("db") == b"word"
        (tmp_path / "store").rename(tmp_path / "away")
        with pytest.raises(StoreError):
            engine.secrets.remove("db")  # it can be tried again
        (tmp_path / "away").rename(tmp_path / "store")
        engine.secrets.remove("db")
        with pytest.raises(NoSuchSecret):
            engine.secrets.lookup("db")
    assert subprocess.run(["ls", tmp_path / "store"], capture_output=True, check=True).stdout == b""

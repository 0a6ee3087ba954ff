"""A machine whose configuration directories are empty ones of the test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rundlet.core.settings import load, places
from rundlet.core.settings.snapshot import Settings


class Machine:
    """Writes configuration files, and reads the settings as a new process would."""

    def __init__(self, directory: Path) -> None:
        self.etc = directory / "etc"
        self.vendor = directory / "usr"
        self.variables = {"RUNDLET_CACHE": str(directory / "cache")}
        self.cache = directory / "cache"
        self._clock = 1_700_000_000

    def write(self, path: Path, text: str) -> Path:
        """A file with a time in the past, later for every one written: nothing is racy."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self._clock += 10
        os.utime(path, (self._clock, self._clock))
        return path

    def load(self, *modules: str, **variables: str) -> Settings:
        return load.load({**self.variables, **variables}, modules)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setattr(places, "SYSTEM", str(made.etc))
    monkeypatch.setattr(places, "VENDOR", str(made.vendor))
    monkeypatch.setattr(places, "_user", lambda environment: environment.get("USER_CONF", ""))
    return made

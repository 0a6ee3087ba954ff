"""The configuration of one server: every key with its value, and who said so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rundlet.core.commands.values import duration
from rundlet.core.value import EMPTY, Value

from .keys import KEYS


class Config(Value):
    """values: by path ("crio.api.listen"), all keys. said: path to the file, flag or variable
    that set it; keys with their defaults are not in it. runtimes, workloads: tables by name,
    each with all its keys. files: what was read, weakest first.
    """

    values: Mapping[str, Any]
    said: Mapping[str, str] = EMPTY
    runtimes: Mapping[str, Mapping[str, Any]] = EMPTY
    workloads: Mapping[str, Mapping[str, Any]] = EMPTY
    files: tuple[str, ...] = ()

    def text(self, path: str) -> str:
        return str(self.values[path])

    def texts(self, path: str) -> tuple[str, ...]:
        return tuple(self.values[path])

    def flag(self, path: str) -> bool:
        return bool(self.values[path])

    def number(self, path: str) -> int:
        return int(self.values[path])

    def seconds(self, path: str) -> float:
        """A duration; "" is 0."""
        text = self.text(path)
        return duration(text) if text else 0.0

    def with_values(self, values: Mapping[str, Any], where: Mapping[str, str]) -> Config:
        """A copy with some keys set. where: who says so, by path."""
        return self.replace(values={**self.values, **values}, said={**self.said, **where})


def defaults() -> Config:
    """Nothing is said: CRI-O's defaults, and Rundlet's places."""
    return Config({key.path: key.default for key in KEYS})

"""Hooks plugins that are wrong in one thing each."""

from __future__ import annotations

import time
from typing import Any

import pytest

from rundlet.core.hookspecs import hookimpl
from rundlet.core.testing.hooks import HooksContract


class Base(HooksContract):
    Plugin: type

    @pytest.fixture
    def plugin(self) -> object:
        return self.Plugin()


class TestKnown(Base):
    class Plugin:
        @hookimpl
        def rundlet_admit_images(self, image: Any) -> None: ...


class TestAdmit(Base):
    class Plugin:
        @hookimpl
        def rundlet_admit_image(self, image: Any) -> Any:
            return False


class TestSpec(Base):
    class Plugin:
        @hookimpl
        def rundlet_container_spec(self, spec: Any) -> None:
            spec.clear()


class TestTold(Base):
    class Plugin:
        @hookimpl
        def rundlet_event(self, event: Any) -> None:
            raise KeyError(event.kind)


class TestTime(Base):
    class Plugin:
        @hookimpl
        def rundlet_event(self, event: Any) -> None:
            time.sleep(1.1)


FAILS: dict[str, tuple[type, str]] = {
    "HOOKS-KNOWN": (TestKnown, "test_implements_known_hooks"),
    "HOOKS-ADMIT": (TestAdmit, "test_admission_answers"),
    "HOOKS-SPEC": (TestSpec, "test_the_spec_stays_one"),
    "HOOKS-TOLD": (TestTold, "test_is_told_of_events"),
    "HOOKS-TIME": (TestTime, "test_is_told_of_events"),
}

"""The contract suite of hooks finds what is wrong, and lets right ones pass."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

HEAD = """
import pytest, time
from rundlet.core.hookspecs import hookimpl
from rundlet.core.testing.hooks import HooksContract

class Plugin:
    @hookimpl
    def {function}

class TestIt(HooksContract):
    @pytest.fixture
    def plugin(self):
        return Plugin()
"""
RIGHT = """rundlet_admit_image(self, image, action):
        return "too old" if image.created < 5 else None
    @hookimpl
    def rundlet_container_spec(self, spec):
        spec["annotations"] = {"a": "b"}
    @hookimpl
    def rundlet_event(self, event):
        pass"""
WRONG = {
    "HOOKS-KNOWN": "rundlet_admit_images(self, image):\n        return None",
    "HOOKS-KNOWN: rundlet_event takes": "rundlet_event(self, event, more):\n        return None",
    "HOOKS-ADMIT": "rundlet_admit_image(self, image):\n        return False",
    "HOOKS-SPEC: an answer is lost": "rundlet_container_spec(self, spec):\n        return {}",
    "HOOKS-SPEC: ociVersion is gone": "rundlet_container_spec(self, spec):\n        spec.clear()",
    "KeyError": "rundlet_event(self, event):\n        return {}[event.kind]",
    "HOOKS-TIME": "rundlet_event(self, event):\n        time.sleep(1.1)",
}


def run(pytester: pytest.Pytester, function: str) -> pytest.RunResult:
    Path(pytester.path, "test_it.py").write_text(HEAD.replace("{function}", function))
    return pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider", "-p", "no:xdist")


def test_a_right_one_passes(pytester: pytest.Pytester) -> None:
    outcomes = run(pytester, RIGHT).parseoutcomes()
    assert "failed" not in outcomes
    assert outcomes["passed"] == 4


@pytest.mark.parametrize("clause", WRONG)
def test_a_wrong_one_fails_at_its_clause(pytester: pytest.Pytester, clause: str) -> None:
    result = run(pytester, WRONG[clause])
    assert result.parseoutcomes()["failed"] >= 1
    assert clause in result.stdout.str()

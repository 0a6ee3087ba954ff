"""The contract suite of hooks plugins: subclass it, give a plugin, get the tests.

    class TestMine(HooksContract):
        @pytest.fixture
        def plugin(self):
            import my_plugin
            return my_plugin

Each test names the clause of hookspecs.py that it holds a plugin to. Hooks that a plugin does
not implement are skipped. What is asked of a plugin comes from the fixtures `image`,
`container`, `spec` and `event`: override them with what matters to yours.
"""

from __future__ import annotations

import copy
import inspect
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from .. import hookspecs
from ..views import ContainerView, Event, ImageView

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 1.0
"""Seconds that one hook may take here: every command of every container waits for it."""

_TOLD = ("created", "started", "removed")


class HooksContract:
    """All clauses of a hooks plugin. Override the fixture `plugin`."""

    @pytest.fixture
    def plugin(self) -> object:
        raise NotImplementedError("override the fixture `plugin`")

    @pytest.fixture
    def image(self) -> ImageView:
        return ImageView(
            name="localhost/team/app:1",
            id="ab" * 32,
            digest=f"sha256:{'cd' * 32}",
            created=time.time(),
            labels={"a": "b"},
            architecture="amd64",
        )

    @pytest.fixture
    def container(self) -> ContainerView:
        return ContainerView(
            id="ef" * 32, name="web", image="localhost/team/app:1", runtime="crun", pid=1234
        )

    @pytest.fixture
    def spec(self) -> dict[str, Any]:
        """An OCI runtime spec (config.md) as it is before the container is created."""
        return {
            "ociVersion": "1.0.2",
            "process": {"args": ["true"], "cwd": "/", "env": [], "user": {"uid": 0, "gid": 0}},
            "root": {"path": "/rootfs"},
            "mounts": [],
            "linux": {"namespaces": [{"type": "pid"}], "resources": {}},
        }

    @pytest.fixture
    def event(self) -> Event:
        return Event("container", "start", "ef" * 32, "web", time.time_ns(), {"image": "app"})

    def test_implements_known_hooks(self, plugin: object) -> None:
        """HOOKS-KNOWN: every marked function is a hook, and takes only its arguments."""
        marked = [name for name in dir(plugin) if hasattr(getattr(plugin, name), "rundlet_impl")]
        assert marked, "HOOKS-KNOWN: no function is marked with @hookimpl"
        for name in marked:
            known = getattr(hookspecs, name, None)
            assert known is not None and hasattr(known, "rundlet_spec"), (
                f"HOOKS-KNOWN: there is no hook {name}"
            )
            wanted = inspect.signature(getattr(plugin, name)).parameters
            allowed = inspect.signature(known).parameters
            assert set(wanted) <= set(allowed), (
                f"HOOKS-KNOWN: {name} takes {sorted(set(wanted) - set(allowed))},"
                f" there are only {sorted(allowed)}"
            )

    def test_admission_answers(self, plugin: object, image: ImageView) -> None:
        """HOOKS-ADMIT: None allows an image; a reason, in words for a user, denies it."""
        for action in ("pull", "run"):
            answer = _called(plugin, "rundlet_admit_image", image=image, action=action)
            assert answer is None or (isinstance(answer, str) and answer.strip()), (
                f"HOOKS-ADMIT: {answer!r} is neither None nor a reason"
            )

    def test_the_spec_stays_one(
        self, plugin: object, container: ContainerView, spec: dict[str, Any]
    ) -> None:
        """HOOKS-SPEC: the spec is changed in place, and is JSON for a runtime after."""
        before = copy.deepcopy(spec)
        answer = _called(plugin, "rundlet_container_spec", container=container, spec=spec)
        assert answer is None, "HOOKS-SPEC: an answer is lost; change `spec` itself"
        json.dumps(spec)
        for key in before:
            assert key in spec, f"HOOKS-SPEC: {key} is gone"

    @pytest.mark.parametrize("what", _TOLD)
    def test_is_told_of_containers(
        self, plugin: object, container: ContainerView, what: str
    ) -> None:
        """HOOKS-TOLD: who is told of a container's life raises nothing, in bounded time."""
        _called(plugin, f"rundlet_container_{what}", container=container)

    def test_is_told_of_the_end(self, plugin: object, container: ContainerView) -> None:
        """HOOKS-TOLD: whatever the exit code is."""
        for code in (0, 1, 137, 255):
            _called(plugin, "rundlet_container_stopped", container=container, exit_code=code)

    def test_is_told_of_events(self, plugin: object, event: Event) -> None:
        """HOOKS-TOLD: of events of every kind, also those that come later."""
        for kind in (event.kind, "image", "volume", "network", "pod", "of-a-release-to-come"):
            _called(plugin, "rundlet_event", event=event.replace(kind=kind))


def _called(plugin: object, hook: str, **arguments: object) -> object:
    """What a plugin's implementation gives, called with the arguments that it takes.

    HOOKS-TIME: every hook answers within LONGEST seconds.
    """
    function: Callable[..., object] | None = getattr(plugin, hook, None)
    if function is None:
        pytest.skip(f"{hook} is not implemented")
    wanted = inspect.signature(function).parameters
    begun = time.monotonic()
    answer = function(**{name: arguments[name] for name in wanted if name in arguments})
    took = time.monotonic() - begun
    assert took < LONGEST, f"HOOKS-TIME: {hook} took {took:.1f} s"
    return answer

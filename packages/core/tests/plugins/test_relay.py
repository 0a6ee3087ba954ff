"""Hooks plugins that hang, raise or answer nonsense: named, contained, open or closed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from rundlet.core.errors import DeniedByPolicy, PluginError, SettingsError
from rundlet.core.plugins.limits import Limits, bounded, limits
from rundlet.core.plugins.manager import Plugins
from rundlet.core.views import ContainerView, ImageView

Install = Callable[[str, str, str], None]
HEAD = "import time\nfrom rundlet.core.hookspecs import hookimpl\n@hookimpl\n"
ADMIT = f"{HEAD}def rundlet_admit_image(image):\n    "
SPEC = f"{HEAD}def rundlet_container_spec(spec):\n    "
BAD = {
    "hangs": ("time.sleep(60)", "no answer in 0.2 s"),
    "raises": ("raise KeyError('boom')", "KeyError('boom')"),
    "ends": ("raise SystemExit(3)", "SystemExit(3)"),
    "nonsense": ("return False", "answered False: neither None nor a reason"),
}


def configured(plugins: Plugins, **tables: dict[str, Any]) -> Plugins:
    return Plugins(plugins.settings.replace(plugins=tables))


def admit(plugins: Plugins) -> list[object]:
    return plugins.call("rundlet_admit_image", image=ImageView("x"), action="run")


def timeout(kind: str) -> float:
    """Short only where nothing answers: what is slow today is told from what hangs."""
    return 0.2 if kind == "hangs" else 60


@pytest.mark.parametrize("kind", BAD)
def test_closed_denies(install: Install, plugins: Plugins, kind: str) -> None:
    source, why = BAD[kind]
    install("hooks", "bad", ADMIT + source)
    begun = time.monotonic()
    with pytest.raises(PluginError) as caught:
        admit(configured(plugins, bad={"timeout": timeout(kind)}))
    assert "plugin bad (third 1.2, rundlet.hooks)" in caught.value.message
    assert why in caught.value.message
    assert time.monotonic() - begun < 30


def test_closed_said_aloud_denies_without_the_plugin(install: Install, plugins: Plugins) -> None:
    """One that cannot be imported is left out, but for those that must not be."""
    install("hooks", "bad", "import nosuchmodule")
    assert admit(plugins) == []
    strict = configured(plugins, bad={"on_failure": "closed"})
    with pytest.raises(PluginError, match=r"plugin bad .*cannot be imported"):
        admit(strict)
    assert strict.call("rundlet_event", event="it") == []
    (verdict,) = strict.verdicts(ImageView("x"), "run")
    assert (verdict.plugin, verdict.allowed, verdict.failed) == ("bad", False, True)


@pytest.mark.parametrize("kind", BAD)
def test_open_is_left_out_and_others_are_asked(
    install: Install, plugins: Plugins, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source, why = BAD[kind]
    install("hooks", "bad", ADMIT + source)
    install("hooks", "good", ADMIT + "return 'no'")
    relaxed = configured(plugins, bad={"timeout": timeout(kind), "on_failure": "open"})
    assert admit(relaxed) == ["no"]
    assert why in capsys.readouterr().err


def test_a_denial_that_is_raised_is_no_failure(install: Install, plugins: Plugins) -> None:
    denial = "from rundlet.core.errors import DeniedByPolicy; raise DeniedByPolicy('unsigned')"
    install("hooks", "it", ADMIT + denial)
    with pytest.raises(DeniedByPolicy, match="unsigned"):
        admit(configured(plugins, it={"on_failure": "open"}))


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("spec.clear()", "took ociVersion, mounts out of the spec"),
        ("spec['mounts'] = object()", "no JSON"),
        ("spec['mounts'] = 5; raise ValueError('half way')", "half way"),
    ],
)
def test_a_spec_is_changed_whole_or_not(
    install: Install, plugins: Plugins, source: str, why: str
) -> None:
    install("hooks", "bad", SPEC + source)
    spec: dict[str, Any] = {"ociVersion": "1.0.2", "mounts": []}
    with pytest.raises(PluginError, match=why):
        plugins.call("rundlet_container_spec", container=ContainerView("i", "n", "x"), spec=spec)
    assert spec == {"ociVersion": "1.0.2", "mounts": []}
    relaxed = configured(plugins, bad={"on_failure": "open"})
    relaxed.call("rundlet_container_spec", container=ContainerView("i", "n", "x"), spec=spec)
    assert spec == {"ociVersion": "1.0.2", "mounts": []}


def test_changes_of_a_spec_arrive_one_after_another(install: Install, plugins: Plugins) -> None:
    install("hooks", "b", SPEC + "spec['mounts'].append('b')")
    install("hooks", "a", SPEC + "spec['mounts'] = ['a']")
    spec: dict[str, Any] = {"mounts": []}
    plugins.call("rundlet_container_spec", container=ContainerView("i", "n", "x"), spec=spec)
    assert spec == {"mounts": ["a", "b"]}


def test_verdicts_go_on_after_a_no(install: Install, plugins: Plugins) -> None:
    install("hooks", "a", ADMIT + "return 'too old'")
    install("hooks", "b", ADMIT + "time.sleep(60)")
    install("hooks", "c", ADMIT + "return None")
    relaxed = configured(plugins, b={"timeout": 0.2, "on_failure": "open"})
    said = relaxed.verdicts(ImageView("x"), "run")
    assert [(one.plugin, one.allowed, one.failed) for one in said] == [
        ("a", False, False),
        ("b", True, True),
        ("c", True, False),
    ]
    assert said[0].reason == "too old"
    assert "no answer in 0.2 s" in said[1].reason


@pytest.mark.parametrize("table", [{"timeout": 0}, {"timeout": "x"}, {"on_failure": "maybe"}])
def test_wrong_settings_are_named(table: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"plugins\.age\."):
        limits("age", table)


def test_limits() -> None:
    assert limits("x", {}) == Limits()
    assert limits("x", {"timeout": 2, "on_failure": "open"}) == Limits(2.0, True)
    assert bounded(lambda: 5, 1) == 5

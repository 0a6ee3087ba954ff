"""Pulling obeys the trust policy of the engine's settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.registry import Registry
from rundlet.core import Engine
from rundlet.core.contracts.transport import Platform
from rundlet.core.errors import DeniedByPolicy, NoSuchImage, SettingsError
from rundlet.core.settings.snapshot import Settings
from rundlet.core.trust.policy import ANYTHING, configured, guard

ACCEPT, REJECT = {"type": "insecureAcceptAnything"}, {"type": "reject"}


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = Settings(
        graph_root=f"{tmp_path}/graph",
        run_root=f"{tmp_path}/run",
        policy_json=f"{tmp_path}/policy.json",
    )
    with Engine(settings) as made:
        yield made


def test_pull(engine: Engine, registry: Registry, tmp_path: Path, image_layout: Path) -> None:
    allowed = f"{registry.host}/busybox"
    scopes = {"docker": {allowed: [ACCEPT]}}
    (tmp_path / "policy.json").write_text(json.dumps({"default": [REJECT], "transports": scopes}))
    assert engine.images.pull(allowed)
    for name in (f"{registry.host}/multi", f"oci:{image_layout}:busybox"):
        with pytest.raises(DeniedByPolicy, match="rejected by policy"):
            engine.images.pull(name)
    with pytest.raises(NoSuchImage):
        engine.images.get(f"{registry.host}/multi")


def test_a_policy_that_cannot_be_read(engine: Engine, registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text("{")
    with pytest.raises(SettingsError, match=r"policy\.json"):
        engine.images.pull(f"{registry.host}/busybox")


def test_which_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's, the administrator's, the vendor's; one that is configured counts alone."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("CONTAINERS_POLICY_JSON", raising=False)
    for name in ("SYSTEM", "VENDOR"):
        monkeypatch.setattr(f"rundlet.core.settings.places.{name}", str(tmp_path / name))
    system, own = tmp_path / "SYSTEM/containers", tmp_path / ".config/containers"
    for directory in (system, own):
        directory.mkdir(parents=True)
    settings = Settings()
    assert configured(settings) == ANYTHING
    (system / "policy.json").write_text(json.dumps({"default": [ACCEPT]}))
    assert configured(settings) == ANYTHING
    (own / "policy.json").write_text(json.dumps({"default": [REJECT]}))
    assert configured(settings).default[0].kind == "reject"
    accepts = str(system / "policy.json")
    assert configured(settings.replace(policy_json=accepts)) == ANYTHING
    assert configured(settings.replace(signature_policy=accepts)) == ANYTHING
    with pytest.raises(SettingsError, match="cannot read the trust policy"):
        configured(settings.replace(signature_policy=f"{tmp_path}/none"))


def test_nothing_is_checked_where_all_is_accepted() -> None:
    from rundlet.core.contracts.transport import Location

    assert guard(ANYTHING, Location("dir", "/x")) is None


def test_an_image_of_another_platform_is_missing(engine: Engine, registry: Registry) -> None:
    name = f"{registry.host}/multi"
    ours = engine.images.pull(name, policy="missing", platform=Platform("linux", "amd64"))
    assert engine.images.pull(name, policy="missing").id == ours.id
    other = engine.images.pull(name, policy="missing", platform=Platform("linux", "arm64"))
    assert engine.images.config(other).architecture == "arm64"

"""Where logins are: containers-auth.json(5)."""

from __future__ import annotations

import os

import pytest

from rundlet.core.transports.docker.credentials import auth_file_to_write


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({}, f"/run/containers/{os.geteuid()}/auth.json"),
        ({"XDG_RUNTIME_DIR": "/r"}, "/r/containers/auth.json"),
        ({"XDG_RUNTIME_DIR": "/r", "DOCKER_CONFIG": "/d"}, "/d/config.json"),
        ({"DOCKER_CONFIG": "/d", "REGISTRY_AUTH_FILE": "/f"}, "/f"),
    ],
)
def test_auth_file_to_write(
    environment: dict[str, str], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """podman's and skopeo's too: who logs in by one is logged in for all."""
    for name in ("XDG_RUNTIME_DIR", "DOCKER_CONFIG", "REGISTRY_AUTH_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert auth_file_to_write() == place

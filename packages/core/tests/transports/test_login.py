"""Logging in to a real registry with a password, and what is kept."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.fixtures import needs
from devtools.registry import Registry
from rundlet.core.contracts.transport import TransportSettings
from rundlet.core.errors import InvalidArgument, NotFound, Unauthorized
from rundlet.core.transports.docker import login
from rundlet.core.transports.docker.credentials import Credentials, find

BCRYPT_OF_SECRET = "$2b$04$PeOXM3muTKRrWlAbV9XPgO8wWJxAM/GD23lz4TY8NJYMvjKYUgyAu"
ME = Credentials("me", "secret")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that wants a password."""
    needs("docker-registry")
    directory = tmp_path_factory.mktemp("guarded")
    passwords = directory / "htpasswd"
    passwords.write_text(f"me:{BCRYPT_OF_SECRET}\n")
    with Registry(directory, htpasswd=passwords) as registry:
        yield registry


@pytest.fixture
def settings(tmp_path: Path) -> TransportSettings:
    return TransportSettings(auth_file=tmp_path / "auth.json")


def test_in_and_out(guarded: Registry, settings: TransportSettings) -> None:
    assert settings.auth_file is not None
    login.log_in(guarded.host, ME, settings)
    assert stat.S_IMODE(settings.auth_file.stat().st_mode) == 0o600
    assert find(guarded.host, "some/image", str(settings.auth_file)) == ME
    assert login.logged_in(guarded.host, settings) == ME
    login.log_out(guarded.host, settings)
    assert login.logged_in(guarded.host, settings) is None
    with pytest.raises(NotFound, match=f"not logged into {guarded.host}"):
        login.log_out(guarded.host, settings)


def test_a_wrong_password_is_not_kept(guarded: Registry, settings: TransportSettings) -> None:
    with pytest.raises(Unauthorized, match="invalid username/password"):
        login.log_in(guarded.host, Credentials("me", "wrong"), settings)
    assert settings.auth_file is not None and not settings.auth_file.exists()


def test_a_namespace_wins_over_its_host(guarded: Registry, settings: TransportSettings) -> None:
    login.log_in(f"{guarded.host}/team", ME, settings)
    assert find(guarded.host, "team/image", str(settings.auth_file)) == ME
    assert find(guarded.host, "other/image", str(settings.auth_file)) is None


def test_all_others_stay(guarded: Registry, settings: TransportSettings) -> None:
    assert settings.auth_file is not None
    before = {"auths": {"quay.io": {"auth": "YTpi"}}, "HttpHeaders": {"X": "y"}}
    settings.auth_file.write_text(json.dumps(before))
    login.log_in(guarded.host, ME, settings)
    login.log_out(guarded.host, settings)
    assert json.loads(settings.auth_file.read_text()) == before
    login.log_out_everywhere(settings)
    assert json.loads(settings.auth_file.read_text()) == {**before, "auths": {}}


def test_a_broken_file_is_left_as_it_is(guarded: Registry, settings: TransportSettings) -> None:
    assert settings.auth_file is not None
    settings.auth_file.write_text("{")
    with pytest.raises(InvalidArgument, match=str(settings.auth_file)):
        login.log_in(guarded.host, ME, settings)
    assert settings.auth_file.read_text() == "{"


def test_a_helper_keeps_them(
    guarded: Registry,
    settings: TransportSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = tmp_path / "docker-credential-shelf"
    program.write_text(
        "#!/bin/sh\n"
        f"case $1 in store) cat >{tmp_path}/kept;; get) cat {tmp_path}/kept;;"
        f" erase) rm {tmp_path}/kept;; esac\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert settings.auth_file is not None
    settings.auth_file.write_text(json.dumps({"credHelpers": {guarded.host: "shelf"}}))
    login.log_in(guarded.host, ME, settings)
    assert "secret" not in settings.auth_file.read_text()
    assert login.logged_in(guarded.host, settings) == ME
    login.log_out(guarded.host, settings)
    assert not (tmp_path / "kept").exists()
    # The same, where registries.conf names it: the first that is there, for hosts.
    settings.auth_file.write_text("{}")
    helpers = ("gone", "shelf", "containers-auth.json")
    assert login.log_in(guarded.host, ME, settings, helpers) == "credential helper: shelf"
    assert login.logged_in(guarded.host, settings, helpers) == ME
    assert login.logged_in(guarded.host, settings) is None
    login.log_out(guarded.host, settings, helpers)
    assert not (tmp_path / "kept").exists()
    with pytest.raises(NotFound):
        login.log_out(guarded.host, settings, helpers)
    space = f"{guarded.host}/space"
    assert login.log_in(space, ME, settings, helpers) == str(settings.auth_file)
    login.log_in(guarded.host, ME, settings, helpers)
    program.write_text(program.read_text().replace("get)", 'list) echo \'{"any": "me"}\';; get)'))
    login.log_out_everywhere(settings, helpers)
    assert not (tmp_path / "kept").exists() and login.logged_in(space, settings) is None

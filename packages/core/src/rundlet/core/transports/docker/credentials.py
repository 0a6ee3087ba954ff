"""Credentials of registries, as users already have them stored.

containers-auth.json(5), Docker's config.json, and the `docker-credential-*` helpers. Keys are
a host, or a namespace or repository below it; the most specific one wins.
"""

from __future__ import annotations

import base64
import binascii
import json
import os

from ...errors import InvalidArgument
from ...linux.processes import run
from ...value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

# Docker Hub's name in config.json, from its first registry's address.
_HUB = ("index.docker.io", "https://index.docker.io/v1/", "registry-1.docker.io")


class Credentials(Value):
    """User and password, or an identity token (OAuth2 refresh token) with user "<token>"."""

    user: str
    password: str
    identity_token: str = ""


TOKEN_USER = "<token>"


def given(user: str, secret: str) -> Credentials:
    """Of a pair, whose user may be TOKEN_USER: the secret is an identity token then."""
    return Credentials("", "", secret) if user == TOKEN_USER else Credentials(user, secret)


FILES = "containers-auth.json"
"""What registries.conf calls the auth files among its `credential-helpers`."""


def find(
    host: str, path: str, auth_file: str = "", helpers: Sequence[str] = ()
) -> Credentials | None:
    """The credentials for a repository, or None. Raises InvalidArgument for a broken file.

    helpers: `credential-helpers` of registries.conf, which are asked in this order.
    """
    for name in helpers or (FILES,):
        found = _in_files(host, path, auth_file) if name == FILES else from_helper(name, host)
        if found is not None:
            return found
    return None


def _in_files(host: str, path: str, auth_file: str) -> Credentials | None:
    for file in _files(auth_file):
        document = read(file)
        for key in _keys(host, path):
            found = _from_document(document, key)
            if found is not None:
                return found
    return None


def stored(registry: str, auth_file: str = "") -> Credentials | None:
    """What is kept for exactly this host or namespace, or None."""
    if auth_file and not os.path.exists(auth_file):
        return None  # the first login makes it
    for file in _files(auth_file):
        document = read(file)
        for key in keys_of_host(registry):
            found = _from_document(document, key)
            if found is not None:
                return found
    return None


def _files(auth_file: str) -> Iterator[str]:
    """Auth files in the order of containers-auth.json(5); only those that are there."""
    if auth_file:
        if not os.path.exists(auth_file):
            raise InvalidArgument(f"auth file {auth_file} does not exist")
        yield auth_file
        return
    places = [auth_file_to_write()]
    if not _named():
        config = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
        places += [
            f"/run/containers/{os.geteuid()}/auth.json",
            f"{config}/containers/auth.json",
            os.path.expanduser("~/.docker/config.json"),
        ]
    yield from (place for place in dict.fromkeys(places) if os.path.exists(place))


def _named() -> str:
    """The only file that is read and written, where the environment names one.

    DOCKER_CONFIG is a directory: the global option --config sets it.
    """
    docker = os.environ.get("DOCKER_CONFIG")
    return os.environ.get("REGISTRY_AUTH_FILE") or (f"{docker}/config.json" if docker else "")


def auth_file_to_write() -> str:
    """Where logins are kept when nothing else is said."""
    if named := _named():
        return named
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if not runtime:
        return f"/run/containers/{os.geteuid()}/auth.json"
    return f"{runtime}/containers/auth.json"


def read(file: str) -> dict[str, Any]:
    """An auth file's document, {} where there is none. Raises InvalidArgument for a broken one."""
    try:
        with open(file, "rb") as stream:
            document = json.load(stream)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InvalidArgument(f"cannot read the auth file {file}: {error}") from None
    return document if isinstance(document, dict) else {}


def _keys(host: str, path: str) -> Iterator[str]:
    """host/ns/repo, host/ns, host."""
    full = f"{host}/{path}"
    while "/" in full:
        yield full
        full = full.rpartition("/")[0]
    yield from keys_of_host(host)


def keys_of_host(registry: str) -> Iterator[str]:
    """The names under which a host (or namespace) may be written."""
    yield registry
    if registry == "docker.io":
        yield from _HUB


def helper(document: Mapping[str, Any], key: str) -> str:
    """The credential helper that an auth file names for a key or for all; "" for none."""
    return str((document.get("credHelpers") or {}).get(key) or document.get("credsStore") or "")


def _from_document(document: Mapping[str, Any], key: str) -> Credentials | None:
    own = (document.get("credHelpers") or {}).get(key)
    if own:
        return from_helper(str(own), key)
    entry = (document.get("auths") or {}).get(key)
    if entry is None:
        entry = (document.get("auths") or {}).get(f"https://{key}")
    if isinstance(entry, dict):
        found = _decode(entry)
        if found is not None:
            return found
    store = document.get("credsStore")
    if not store or ("/" in key and key not in _HUB):
        return None  # helpers know hosts only
    return from_helper(str(store), key)


def _decode(entry: Mapping[str, Any]) -> Credentials | None:
    token = str(entry.get("identitytoken") or "")
    try:
        text = base64.b64decode(entry.get("auth") or "", validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidArgument("an entry of the auth file is not base64") from None
    user, colon, password = text.partition(":")
    if not colon and not token:
        return None
    return Credentials(user, password.rstrip("\0"), token)


def from_helper(name: str, key: str) -> Credentials | None:
    """Ask `docker-credential-NAME get` (docker-credential-helpers' protocol)."""
    program = helper_program(name)
    if program is None:
        return None
    done = run([program, "get"], stdin=key.encode())
    if done.code != 0:
        return None
    try:
        answer = json.loads(done.stdout)
        user, secret = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, KeyError, TypeError):
        raise InvalidArgument(f"{program}: answered with something unexpected") from None
    return given(user, secret)


def helper_program(name: str) -> str | None:
    """The path of `docker-credential-NAME`, or None."""
    program = f"docker-credential-{name}"
    for directory in os.environ.get("PATH", "").split(":"):
        path = os.path.join(directory, program)
        if directory and os.access(path, os.X_OK):
            return path
    return None

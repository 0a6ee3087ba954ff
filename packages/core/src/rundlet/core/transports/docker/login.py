"""Logging in to registries and out: credentials are checked, then kept in an auth file.

containers-auth.json(5). A registry is named by its host, or by a namespace or repository
below it. Where the file names a credential helper for it, the helper keeps them.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os

from ...errors import InvalidArgument, NotFound, Unauthorized
from ...linux.processes import run
from ..files import write_whole
from .client import Client
from .credentials import (
    FILES,
    TOKEN_USER,
    auth_file_to_write,
    from_helper,
    helper,
    helper_program,
    keys_of_host,
    read,
    stored,
)
from .endpoint import endpoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ...contracts.transport import TransportSettings
    from .credentials import Credentials

    Helpers = Sequence[str]


def log_in(
    registry: str, credentials: Credentials, settings: TransportSettings, helpers: Helpers = ()
) -> str:
    """Check credentials with a registry and keep them; where, in words.

    helpers: `credential-helpers` of registries.conf; the first that can keeps them. Raises
    Unauthorized when it refuses them, RegistryError, InvalidArgument for a broken file.
    """
    check(registry, credentials, settings)
    file = file_of(settings)
    name = _keeper(registry, helpers)
    if name == FILES:
        name = helper(read(file), registry)
    if name:
        user = credentials.user or TOKEN_USER
        secret = credentials.identity_token or credentials.password
        request = {"ServerURL": registry, "Username": user, "Secret": secret}
        _ask_helper(name, "store", json.dumps(request))
        return f"credential helper: {name}"
    text = f"{credentials.user}:{credentials.password}"
    entry = {"auth": base64.b64encode(text.encode()).decode()}
    _change(file, lambda document: document.setdefault("auths", {}).__setitem__(registry, entry))
    return file


def _keeper(registry: str, helpers: Helpers) -> str:
    """Who keeps credentials: FILES, or a helper, which knows hosts only."""
    able = [one for one in helpers if one == FILES or ("/" not in registry and helper_program(one))]
    return next(iter((*able, *helpers)), FILES)


def check(registry: str, credentials: Credentials, settings: TransportSettings) -> None:
    """Whether a registry takes the credentials. Raises Unauthorized, RegistryError."""
    host = registry.partition("/")[0]
    client = Client(endpoint(host, settings), settings, credentials)
    try:
        client.request("GET", "", scope="").drain()
    except Unauthorized as error:
        raise Unauthorized(
            f'logging into "{registry}": invalid username/password', remedy=error.message
        ) from None
    finally:
        client.close()


def logged_in(
    registry: str, settings: TransportSettings, helpers: Helpers = ()
) -> Credentials | None:
    """The credentials that are kept for exactly this name."""
    for name in helpers or (FILES,):
        if name == FILES:
            found = stored(registry, str(settings.auth_file or ""))
        else:
            found = from_helper(name, registry)
        if found is not None:
            return found
    return None


def log_out(registry: str, settings: TransportSettings, helpers: Helpers = ()) -> None:
    """Forget the credentials of a registry, wherever. Raises NotFound when there are none."""
    file = file_of(settings)
    document = read(file)
    names = [name for name in helpers if name != FILES and from_helper(name, registry)]
    if not helpers or FILES in helpers:
        names += [name for name in (helper(document, registry),) if name]
    keys = [key for key in keys_of_host(registry) if key in (document.get("auths") or {})]
    if not names and not keys:
        raise NotFound(f"not logged into {registry}")
    for name in names:
        _ask_helper(name, "erase", registry)
    if keys:
        _change(file, lambda changed: [changed["auths"].pop(key, None) for key in keys])


def log_out_everywhere(settings: TransportSettings, helpers: Helpers = ()) -> None:
    """Forget all credentials in the auth file, and in the helpers that it or `helpers` names."""
    file = file_of(settings)
    for registry, name in (read(file).get("credHelpers") or {}).items():
        _ask_helper(str(name), "erase", registry)
    for name in helpers:
        if name != FILES and helper_program(name):
            for registry in json.loads(_ask_helper(name, "list", "")):
                _ask_helper(name, "erase", registry)
    _change(file, lambda document: document.__setitem__("auths", {}))


def file_of(settings: TransportSettings) -> str:
    """The file that credentials are kept in, or that names the helper that does."""
    return str(settings.auth_file) if settings.auth_file else auth_file_to_write()


def _change(file: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Rewrite an auth file, whole or not at all, readable by its owner only; one at a time."""
    directory = os.path.dirname(os.path.abspath(file))
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            document = read(file)
            change(document)
            write_whole(file, json.dumps(document, indent="\t").encode(), 0o600)
        finally:
            os.close(lock)
    except OSError as error:
        raise InvalidArgument(f"cannot write the auth file {file}: {error.strerror}") from error


def _ask_helper(name: str, action: str, text: str) -> bytes:
    """What a helper answers. Raises InvalidArgument."""
    program = helper_program(name)
    if program is None:
        raise InvalidArgument(
            f"the credential helper docker-credential-{name} is not on PATH",
            remedy="Install it, or take it out of the auth file, or registries.conf.",
        )
    done = run([program, action], stdin=text.encode())
    if done.code != 0:
        said = (done.stdout or done.stderr).decode(errors="replace").strip()
        raise InvalidArgument(f"{program} {action}: {said}")
    return done.stdout

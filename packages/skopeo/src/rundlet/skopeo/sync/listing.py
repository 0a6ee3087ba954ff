"""The YAML file that `sync --src yaml` reads (skopeo-sync(1), "YAML file content")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from rundlet.core.errors import InvalidArgument, NotFound
from rundlet.core.value import EMPTY, Value

from .semver import constraint, version

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Wanted = Callable[[str], bool]

_LARGEST = 16 << 20
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")
_KEYS = (
    "images",
    "images-by-tag-regex",
    "images-by-semver",
    "credentials",
    "tls-verify",
    "cert-dir",
)


class Registry(Value):
    """What the file says of one registry.

    images: repositories with their tags and digests, () for all tags. chosen: repositories
    with what says whether a tag is wanted.
    """

    host: str
    images: Mapping[str, tuple[str, ...]] = EMPTY
    chosen: tuple[tuple[str, Wanted], ...] = ()
    credentials: tuple[str, str] | None = None
    tls_verify: bool | None = None
    cert_dir: str = ""


def read(path: str) -> list[Registry]:
    """The registries of a file. Raises NotFound, and InvalidArgument naming file and key."""
    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise NotFound(f"cannot read {path}: {error.strerror}") from None
    if len(data) > _LARGEST:
        raise InvalidArgument(f"{path}: larger than {_LARGEST} bytes")
    try:
        # All scalars as text: a tag 1.10 is no number.
        document = yaml.load(data, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidArgument(f"{path}: not YAML: {error}") from None
    registries = _mapping(document, path)
    return [_registry(host, value, f"{path}: {host}") for host, value in registries.items()]


def _registry(host: str, value: Any, where: str) -> Registry:
    found = _mapping(value, where)
    unknown = sorted(set(found) - set(_KEYS))
    if unknown:
        raise InvalidArgument(
            f"{where}: unknown key {unknown[0]}", remedy=f"Known keys: {', '.join(_KEYS)}."
        )
    images = _mapping(found.get("images", ""), f"{where}: images")
    chosen = [*_chosen(found, "images-by-tag-regex", _regex, where)]
    chosen += _chosen(found, "images-by-semver", _semver, where)
    return Registry(
        host,
        {name: _texts(tags, f"{where}: images: {name}") for name, tags in images.items()},
        tuple(chosen),
        _credentials(found.get("credentials", ""), f"{where}: credentials"),
        _boolean(found["tls-verify"], f"{where}: tls-verify") if "tls-verify" in found else None,
        _text(found.get("cert-dir", ""), f"{where}: cert-dir"),
    )


def _chosen(
    found: dict[str, Any], key: str, make: Callable[[str, str], Wanted], where: str
) -> list[tuple[str, Wanted]]:
    given = _mapping(found.get(key, ""), f"{where}: {key}")
    return [
        (name, make(_text(text, f"{where}: {key}: {name}"), f"{where}: {key}: {name}"))
        for name, text in given.items()
    ]


def _regex(text: str, where: str) -> Wanted:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise InvalidArgument(f"{where}: no regular expression: {error}") from None
    return lambda tag: pattern.search(tag) is not None


def _semver(text: str, where: str) -> Wanted:
    try:
        fits = constraint(text)
    except InvalidArgument as error:
        raise InvalidArgument(f"{where}: {error}") from None

    def wanted(tag: str) -> bool:
        found = version(tag)
        return found is not None and fits(found)

    return wanted


def _mapping(value: Any, where: str) -> dict[str, Any]:
    """A mapping; an empty one where nothing follows the colon."""
    if value == "" or value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise InvalidArgument(f"{where}: expected a mapping")
    return value


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if value == "":
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidArgument(f"{where}: expected a list of tags and digests")
    return tuple(value)


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise InvalidArgument(f"{where}: expected text")
    return value


def _credentials(value: Any, where: str) -> tuple[str, str] | None:
    found = _mapping(value, where)
    if not found:
        return None
    if set(found) - {"username", "password"}:
        raise InvalidArgument(f"{where}: expected username and password")
    return _text(found.get("username", ""), where), _text(found.get("password", ""), where)


def _boolean(value: Any, where: str) -> bool:
    word = _text(value, where).lower()
    if word not in (*_TRUE, *_FALSE):
        raise InvalidArgument(f"{where}: expected true or false")
    return word in _TRUE

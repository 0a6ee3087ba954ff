"""What there is to be synchronized: images of a repository, of directories, of a YAML file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rundlet.core.errors import InvalidArgument, NotFound, RundletError
from rundlet.core.images import reference as references
from rundlet.core.value import Value

from ..copying import End

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rundlet.core.commands.context import Context
    from rundlet.core.contracts.transport import TransportSettings

    from .listing import Registry, Wanted


class Item(Value):
    """An image to be copied. suffix: what its place at the destination ends with, unscoped or
    scoped alike: "registry/path:tag", or the path below the source directory.
    """

    source: End
    suffix: str


class Found(Value):
    """The images of all sources, how many sources, and errors of those that could not be read."""

    items: tuple[Item, ...]
    sources: int = 1
    errors: tuple[RundletError, ...] = ()


def found(context: Context, kind: str, source: str, settings: TransportSettings) -> Found:
    """The images of a source. Raises NotFound when there are none, and what reading raises."""
    if kind == "yaml":
        return _Listed(context, settings).read(source)
    items = {"docker": _repository, "dir": _directories, "oci": _layout}[kind](
        context, source, settings
    )
    if not items:
        raise NotFound(f'No images to sync found in "{source}"')
    return Found(tuple(items))


def _repository(context: Context, source: str, settings: TransportSettings) -> list[Item]:
    """One image where a tag or digest is named, else all tags."""
    named = references.parse(source)
    if named.tag or named.digest:
        return [_image(context, str(named), settings)]
    return _tags(context, named.repository, settings, lambda tag: True)


def _tags(
    context: Context, repository: str, settings: TransportSettings, wanted: Wanted
) -> list[Item]:
    docker = context.engine.plugins.transport("docker")
    tags = docker.tags(docker.parse(f"//{repository}"), settings)
    return [_image(context, f"{repository}:{tag}", settings) for tag in tags if wanted(tag)]


def _image(context: Context, name: str, settings: TransportSettings) -> Item:
    docker = context.engine.plugins.transport("docker")
    return Item(End(docker, docker.parse(f"//{name}"), settings), name)


def _directories(context: Context, source: str, settings: TransportSettings) -> list[Item]:
    """Every directory below that has a manifest.json. Raises NotFound."""
    if not os.path.isdir(source):
        raise NotFound(f"Invalid source directory specified: {source}: no such directory")
    transport = context.engine.plugins.transport("dir")
    items = []
    for path, directories, files in os.walk(source):
        directories.sort()
        if "manifest.json" in files:
            directories.clear()
            below = os.path.relpath(path, source)
            suffix = os.path.basename(os.path.abspath(source)) if below == "." else below
            items.append(Item(End(transport, transport.parse(path), settings), suffix))
    return items


def _layout(context: Context, source: str, settings: TransportSettings) -> list[Item]:
    """Every named image of an OCI layout."""
    transport = context.engine.plugins.transport("oci")
    names = transport.tags(transport.parse(source), settings)
    return [
        Item(End(transport, transport.parse(f"{source}:{name}"), settings), name)
        for name in names
        if not name.startswith("@")
    ]


class _Listed:
    """The images of a YAML file. What one repository cannot tell does not hinder the others."""

    def __init__(self, context: Context, settings: TransportSettings) -> None:
        self._context = context
        self._settings = settings
        self._items: list[Item] = []
        self._errors: list[RundletError] = []
        self._sources = 0

    def read(self, path: str) -> Found:
        from .listing import read

        for registry in read(path):
            if not registry.images and not registry.chosen:
                self._context.warn(f"No images specified for registry {registry.host}")
            settings = _settings(registry, self._settings)
            for name, tags in registry.images.items():
                self._repository(registry, name, settings, tags, lambda tag: True)
            for name, wanted in registry.chosen:
                self._repository(registry, name, settings, (), wanted)
        return Found(tuple(self._items), self._sources, tuple(self._errors))

    def _repository(
        self,
        registry: Registry,
        name: str,
        settings: TransportSettings,
        tags: Iterable[str],
        wanted: Wanted,
    ) -> None:
        full = f"{registry.host}/{name}"
        try:
            named = references.parse(full)
            if named.tag or named.digest:
                raise InvalidArgument(f"{full}: input names a reference, not a repository")
            repository = named.repository
            items = [
                _image(self._context, f"{repository}{_mark(tag)}{tag}", settings) for tag in tags
            ]
            items = items or _tags(self._context, repository, settings, wanted)
        except RundletError as error:
            self._errors.append(error)
            return
        if not items:
            self._context.warn(f"No refs to sync found in {full}")
            return
        self._sources += 1
        self._items += items


def _mark(tag: str) -> str:
    """What stands between a repository and a tag, or a digest."""
    return "@" if tag.startswith(("sha256:", "sha512:")) else ":"


def _settings(registry: Registry, settings: TransportSettings) -> TransportSettings:
    """A registry's own settings over those of the command line."""
    cert_dir = Path(registry.cert_dir) if registry.cert_dir else settings.cert_dir
    verify = settings.tls_verify if registry.tls_verify is None else registry.tls_verify
    return settings.replace(
        credentials=registry.credentials or settings.credentials,
        cert_dir=cert_dir,
        tls_verify=verify,
    )
